import Host
import Settings

/// How the learning rate changes during training, named and preset as in `torch.optim.lr_scheduler`.
///
/// A rate is a function of the schedule's time, counted from 0 in epochs or in steps, and for a plateau schedule of the
/// losses before. Nothing is multiplied from step to step, so a run that is resumed has the same rates.
///
/// Files hold one object, the name and beside it the settings: `{"name": "cosine", "warm-up": 5}`.
public struct RateSchedule: Hashable, CodableSetting {
  /// How the rate changes after the warm-up.
  public var shape: any ScheduleShape
  /// What time is counted in.
  public var unit: Unit
  /// Times of linear rise from `warmUpStart` × the rate before the shape begins (`LinearLR`, then `SequentialLR`).
  public var warmUp: Int
  /// The part of the rate that the warm-up begins with.
  public var warmUpStart: Double

  /// What time is counted in.
  public enum Unit: String, SettingConvertible, Hashable, CaseIterable {
    case epoch, step
  }

  /// A shape after a warm-up of so many times.
  public init(
    _ shape: any ScheduleShape = ConstantSchedule(), per unit: Unit = .epoch, warmUp: Int = 0, warmUpStart: Double = 0.1
  ) {
    self.shape = shape
    self.unit = unit
    self.warmUp = warmUp
    self.warmUpStart = warmUpStart
  }

  /// The rate stays.
  public static let constant = RateSchedule()

  /// The rate at a time.
  ///
  /// - Parameters:
  ///   - base: the optimizer's rate.
  ///   - total: times of the whole training, the warm-up included.
  ///   - plateau: what the schedule has seen of the losses so far.
  public func rate(at time: Int, of total: Int, base: Double, plateau: PlateauWatch = PlateauWatch()) -> Double {
    if time < warmUp { return base * (warmUpStart + (1 - warmUpStart) * Double(time) / Double(warmUp)) }
    return shape.adjusted(shape.rate(at: time - warmUp, of: max(1, total - warmUp), base: base), by: plateau)
  }

  /// Whether the rate at a time changes with the length of the training, so that a longer one is another from its first
  /// epoch.
  public var dependsOnTotal: Bool { shape.dependsOnTotal }

  public static func == (left: RateSchedule, right: RateSchedule) -> Bool {
    left.unit == right.unit && left.warmUp == right.warmUp && left.warmUpStart == right.warmUpStart
      && AnyHashable(left.shape) == AnyHashable(right.shape)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(AnyHashable(shape))
    hasher.combine(unit)
    hasher.combine(warmUp)
    hasher.combine(warmUpStart)
  }

  public init(settingValue value: SettingValue) throws(SettingError) { self = try Schedules.variants.read(value) }

  public var settingValue: SettingValue { Schedules.variants.write(self) }
}

/// How a schedule's rate changes after the warm-up: a shape that a job file can name.
///
/// To add one, write a file with a type that conforms, and a line in `Schedules.all`.
public protocol ScheduleShape: NamedSection {
  /// The rate at a time, as far as it depends on the time alone.
  ///
  /// - Parameters:
  ///   - time: epochs or steps since the warm-up.
  ///   - total: epochs or steps of the training after the warm-up.
  ///   - base: the optimizer's rate.
  func rate(at time: Int, of total: Int, base: Double) -> Double

  /// Whether `total` matters; true where a shape does not say.
  var dependsOnTotal: Bool { get }

  /// The rate that follows from the losses so far; the same where it does not depend on them.
  func adjusted(_ rate: Double, by watch: PlateauWatch) -> Double

  /// Takes note of an epoch's loss, for shapes that depend on it.
  func note(_ loss: Double, base: Double, in watch: inout PlateauWatch)
}

extension ScheduleShape {
  public var dependsOnTotal: Bool { true }

  public func adjusted(_ rate: Double, by watch: PlateauWatch) -> Double { rate }

  public func note(_ loss: Double, base: Double, in watch: inout PlateauWatch) {}

  /// Half a cosine's way from a rate to another.
  static func halfCosine(from start: Double, to end: Double, _ part: Double) -> Double {
    end + (start - end) * (1 + Elementary.cosPi(part)) / 2
  }
}

extension SettingDeclaration.Kind {
  /// Epochs or steps.
  static func times(from least: Int) -> SettingDeclaration.Kind { .wholeNumber(least...1_000_000_000) }
}

extension Setting where Section: ScheduleShape {
  static func length(_ path: WritableKeyPath<Section, Int?> & Sendable) -> Setting {
    Setting(
      "length", path, .times(from: 1), otherwise: "what is left of the training",
      "epochs or steps until the end of the schedule")
  }

  static func minimum(_ path: WritableKeyPath<Section, Double> & Sendable) -> Setting {
    Setting("minimum", path, .number(.atLeast(0, limit: 1e6)), "the smallest rate")
  }

  static func gamma(_ path: WritableKeyPath<Section, Double> & Sendable, isRequired: Bool = false) -> Setting {
    Setting("gamma", path, .number(.above(0, limit: 1e6)), isRequired: isRequired, "what it is multiplied by")
  }
}
