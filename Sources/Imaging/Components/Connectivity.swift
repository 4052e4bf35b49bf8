import Settings

/// Which voxels of a class are of one object: those that touch by faces, by edges too, or by corners too, named by the
/// number of neighbours.
public enum Connectivity: String, SettingConvertible, Hashable, Sendable, CaseIterable {
  /// In a plane, by sides.
  case four = "4"
  /// In a plane, by sides and corners.
  case eight = "8"
  /// In a volume, by faces.
  case six = "6"
  /// In a volume, by faces and edges.
  case eighteen = "18"
  /// In a volume, by faces, edges and corners.
  case twentySix = "26"

  /// Of how many axes a neighbour may lie beside a voxel at once.
  var axes: Int {
    switch self {
    case .four, .six: 1
    case .eight, .eighteen: 2
    case .twentySix: 3
    }
  }

  /// Whether it is of volumes.
  public var isOfVolumes: Bool { self != .four && self != .eight }

  /// Whether voxels touch by corners too: in every direction.
  var isWhole: Bool { self == .eight || self == .twentySix }

  /// Objects as large as they can be.
  public static func standard(volume: Bool) -> Connectivity { volume ? .twentySix : .eight }

  /// The rows before a row (z, y) whose voxels touch its own, and how far aside along x they may lie.
  var rowsBefore: [(z: Int, y: Int, aside: Int)] {
    [(0, -1), (-1, 0), (-1, -1), (-1, 1)].compactMap { z, y in
      let count = abs(z) + abs(y)
      return count <= axes ? (z, y, count < axes ? 1 : 0) : nil
    }
  }
}
