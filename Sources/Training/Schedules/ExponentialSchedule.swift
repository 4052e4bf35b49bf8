import Host
import Settings

/// The rate × `gamma` every time (`ExponentialLR`).
public struct ExponentialSchedule: ScheduleShape {
  public static let name = "exponential"
  public static let meaning = "the rate falls every time"
  public static let settings: [Setting<Self>] = [.gamma(\.gamma, isRequired: true)]

  /// What the rate is multiplied by.
  public var gamma: Double

  public init() { self.init(gamma: 1) }

  /// A fall by a factor each time.
  public init(gamma: Double) { self.gamma = gamma }

  public var dependsOnTotal: Bool { false }

  public func rate(at time: Int, of total: Int, base: Double) -> Double {
    base * Elementary.pow(gamma, Double(time))
  }
}
