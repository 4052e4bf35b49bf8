import Settings

#if canImport(Glibc)
  import Glibc
#endif

/// The rate × `gamma` every time (`ExponentialLR`).
public struct ExponentialSchedule: ScheduleShape {
  public static let name = "exponential"
  public static let meaning = "the rate falls every time"
  public static let settings: [Setting<Self>] = [.gamma(\.gamma, isRequired: true)]

  public var gamma: Double

  public init() { self.init(gamma: 1) }

  public init(gamma: Double) { self.gamma = gamma }

  public func rate(at time: Int, of total: Int, base: Double, plateau: PlateauWatch) -> Double {
    base * pow(gamma, Double(time))
  }
}
