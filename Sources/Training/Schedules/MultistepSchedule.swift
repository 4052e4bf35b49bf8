import Host
import Settings

/// The rate × `gamma` at each milestone (`MultiStepLR`).
public struct MultistepSchedule: ScheduleShape {
  public static let name = "multistep"
  public static let meaning = "the rate falls at given times"
  public static let settings: [Setting<Self>] = [
    Setting(
      "milestones", \.milestones, .list(of: .times(from: 1), 1...), isRequired: true,
      "epochs or steps at which it falls"),
    .gamma(\.gamma),
  ]

  /// Epochs or steps at which the rate falls.
  public var milestones: [Int]
  /// What the rate is multiplied by.
  public var gamma: Double

  public init() { self.init(milestones: []) }

  /// Falls by `gamma` at the milestones.
  public init(milestones: [Int], gamma: Double = 0.1) {
    self.milestones = milestones
    self.gamma = gamma
  }

  public var dependsOnTotal: Bool { false }

  public func rate(at time: Int, of total: Int, base: Double) -> Double {
    base * Elementary.pow(gamma, Double(milestones.count { $0 <= time }))
  }
}
