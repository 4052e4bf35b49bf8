import Settings

/// The rate stays.
public struct ConstantSchedule: ScheduleShape {
  public static let name = "constant"
  public static let meaning = "the rate stays"
  public static let settings: [Setting<Self>] = []

  public init() {}

  public var dependsOnTotal: Bool { false }

  public func rate(at time: Int, of total: Int, base: Double) -> Double { base }
}
