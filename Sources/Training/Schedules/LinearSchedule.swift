import Settings

/// From `start` × the rate to `end` × the rate over `length`, then constant (`LinearLR`).
public struct LinearSchedule: ScheduleShape {
  public static let name = "linear"
  public static let meaning = "the rate goes along a line, then stays"
  public static let settings: [Setting<Self>] = [
    Setting("start", \.start, .number(.from(0...1)), "the part that it begins with"),
    Setting("end", \.end, .number(.from(0...1)), "the part that it ends with"), .length(\.length),
  ]

  /// The part of the rate that it begins with.
  public var start: Double
  /// The part of the rate that it ends with.
  public var end: Double
  /// Epochs or steps; nil: what remains of the training.
  public var length: Int?

  public init() { self.init(start: 1.0 / 3) }

  /// A line from a part of the rate to another.
  public init(start: Double = 1.0 / 3, end: Double = 1, length: Int? = nil) {
    self.start = start
    self.end = end
    self.length = length
  }

  public var dependsOnTotal: Bool { length == nil }

  public func rate(at time: Int, of total: Int, base: Double) -> Double {
    let length = length ?? total
    return base * (start + (end - start) * Double(min(time, length)) / Double(length))
  }
}
