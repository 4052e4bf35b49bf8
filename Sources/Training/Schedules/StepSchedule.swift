import Host
import Settings

/// The rate × `gamma` every `size` epochs or steps (`StepLR`).
public struct StepSchedule: ScheduleShape {
  public static let name = "step"
  public static let meaning = "the rate falls at regular times"
  public static let settings: [Setting<Self>] = [
    Setting("size", \.size, .times(from: 1), isRequired: true, "epochs or steps between two falls"), .gamma(\.gamma),
  ]

  /// Epochs or steps between two falls.
  public var size: Int
  /// What the rate is multiplied by.
  public var gamma: Double

  public init() { self.init(size: 1) }

  /// Falls by `gamma` every `size` epochs or steps.
  public init(size: Int, gamma: Double = 0.1) {
    self.size = size
    self.gamma = gamma
  }

  public var dependsOnTotal: Bool { false }

  public func rate(at time: Int, of total: Int, base: Double) -> Double {
    base * Elementary.pow(gamma, Double(time / size))
  }
}
