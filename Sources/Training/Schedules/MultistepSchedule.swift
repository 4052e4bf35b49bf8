import Settings

#if canImport(Glibc)
  import Glibc
#endif

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

  public var milestones: [Int]
  public var gamma: Double

  public init() { self.init(milestones: []) }

  public init(milestones: [Int], gamma: Double = 0.1) {
    self.milestones = milestones
    self.gamma = gamma
  }

  public func rate(at time: Int, of total: Int, base: Double, plateau: PlateauWatch) -> Double {
    base * pow(gamma, Double(milestones.count { $0 <= time }))
  }
}
