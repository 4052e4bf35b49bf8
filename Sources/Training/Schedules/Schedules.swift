import Settings

/// The schedules of the learning rate that job files can name.
public enum Schedules {
  /// One line a schedule. A program that brings schedules of its own puts them here while it runs:
  /// `Schedules.$all.withValue(Schedules.all + [MySchedule.self]) { … }`.
  @TaskLocal public static var all: [any ScheduleShape.Type] = [
    ConstantSchedule.self,
    StepSchedule.self,
    MultistepSchedule.self,
    ExponentialSchedule.self,
    CosineSchedule.self,
    LinearSchedule.self,
    PolynomialSchedule.self,
    PlateauSchedule.self,
    CosineWarmRestarts.self,
    OneCycleSchedule.self,
  ]

  /// The schedules with their warm-up.
  public static var variants: Variants<RateSchedule> {
    func variant<Shape: ScheduleShape>(_: Shape.Type) -> Variant<RateSchedule> {
      Variant(
        name: Shape.name, meaning: Shape.meaning, defaults: WarmedShape<Shape>(),
        { RateSchedule($0.shape, per: $0.unit, warmUp: $0.warmUp, warmUpStart: $0.warmUpStart) },
        unwrap: { schedule in
          (schedule.shape as? Shape).map {
            WarmedShape(shape: $0, unit: schedule.unit, warmUp: schedule.warmUp, warmUpStart: schedule.warmUpStart)
          }
        })
    }
    return Variants(noun: "schedule", all.map { variant($0) })
  }
}

/// A shape's settings with those of the warm-up.
private struct WarmedShape<Shape: ScheduleShape>: SettingsSection {
  var shape = Shape()
  var unit = RateSchedule.Unit.epoch
  var warmUp = 0
  var warmUpStart = 0.1

  init() {}

  init(shape: Shape, unit: RateSchedule.Unit, warmUp: Int, warmUpStart: Double) {
    self.shape = shape
    self.unit = unit
    self.warmUp = warmUp
    self.warmUpStart = warmUpStart
  }

  static var settings: [Setting<Self>] {
    Shape.settings.map { $0.within(\.shape) } + [
      Setting("per", \.unit, noun: "unit of time", "what the schedule counts, its warm-up and lengths too"),
      Setting("warm-up", \.warmUp, .times(from: 0), "epochs or steps of linear rise before the schedule begins"),
      Setting(
        "warm-up-start", \.warmUpStart, .number(.from(0...1)), "the part of the rate that the warm-up begins with"),
    ]
  }
}
