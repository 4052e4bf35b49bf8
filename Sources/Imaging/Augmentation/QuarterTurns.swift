import Host
import Settings

/// Random quarter turns in the y-x plane; with flips they make up all eight symmetries of a square.
public struct QuarterTurns: Augmentation {
  /// Whether patches undergo it.
  public var isOn = false

  public init() {}

  /// Quarter turns, or none.
  public init(_ isOn: Bool) { self.isOn = isOn }

  public static let setting = Setting(
    "quarter-turns", \QuarterTurns.isOn, .boolean, "quarter turns in the y-x plane of patches that are square there")

  public func change(_ transform: inout PatchTransform, of patch: Extents, bits: UInt32) {
    guard isOn else { return }
    transform.turns = bits & 8 != 0 && patch.y == patch.x
  }
}
