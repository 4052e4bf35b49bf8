import Host
import Settings

/// The rate × (1 − time ÷ `length`)^`power` (`PolynomialLR`).
public struct PolynomialSchedule: ScheduleShape {
  public static let name = "polynomial"
  public static let meaning = "the rate falls to 0 along a power of the time that is left"
  public static let settings: [Setting<Self>] = [
    Setting("power", \.power, .number(.above(0, limit: 1000)), "the power; 1 is a line"), .length(\.length),
  ]

  /// Epochs or steps; nil: what remains of the training.
  public var length: Int?
  /// The exponent; 1 is a line.
  public var power: Double

  public init() { self.init(length: nil) }

  /// A fall to 0 over `length`.
  public init(length: Int? = nil, power: Double = 1) {
    self.length = length
    self.power = power
  }

  public var dependsOnTotal: Bool { length == nil }

  public func rate(at time: Int, of total: Int, base: Double) -> Double {
    let length = length ?? total
    return base * Elementary.pow(1 - Double(min(time, length)) / Double(length), power)
  }
}
