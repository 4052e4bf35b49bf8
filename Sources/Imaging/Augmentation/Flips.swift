import Host
import Settings

/// Random flips along every axis.
public struct Flips: Augmentation {
  /// Whether patches undergo it.
  public var isOn = false

  public init() {}

  /// Flips, or none.
  public init(_ isOn: Bool) { self.isOn = isOn }

  public static let setting = Setting("flips", \Flips.isOn, .boolean, "flips along all axes")

  public func change(_ transform: inout PatchTransform, of patch: Extents, bits: UInt32) {
    guard isOn else { return }
    transform.flipsZ = bits & 1 != 0
    transform.flipsY = bits & 2 != 0
    transform.flipsX = bits & 4 != 0
  }
}
