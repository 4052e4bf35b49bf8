import Host

/// How a training patch is read from its cell: where it lies, how it is flipped, and whether it is turned.
public struct PatchTransform: Hashable, Sendable {
  /// The distance of the patch from the cell's corner.
  public var offset: Extents
  /// Whether the patch is mirrored along z.
  public var flipsZ: Bool
  /// Whether the patch is mirrored along y.
  public var flipsY: Bool
  /// Whether the patch is mirrored along x.
  public var flipsX: Bool
  /// Whether the flipped patch is then turned by a quarter in the y-x plane; only when it is square there.
  public var turns: Bool

  /// A transform as given; by default the corner of the cell, as it is.
  public init(
    offset: Extents = Extents(z: 0, y: 0, x: 0), flipsZ: Bool = false, flipsY: Bool = false, flipsX: Bool = false,
    turns: Bool = false
  ) {
    self.offset = offset
    self.flipsZ = flipsZ
    self.flipsY = flipsY
    self.flipsX = flipsX
    self.turns = turns
  }

  /// The patch in the middle of its cell, as it is.
  public static func none(of patch: Extents, in cell: Box) -> PatchTransform {
    let cell = cell.extents
    return PatchTransform(
      offset: Extents(z: (cell.z - patch.z) / 2, y: (cell.y - patch.y) / 2, x: (cell.x - patch.x) / 2))
  }

  /// A random place in the cell, every one equally likely, without flip or turn.
  init(placing patch: Extents, in cell: Box, from stream: inout RandomStream) {
    precondition(patch.fits(in: cell.extents), "a patch larger than its cell")
    let cell = cell.extents
    self.init(
      offset: Extents(
        z: stream.integer(below: cell.z - patch.z + 1), y: stream.integer(below: cell.y - patch.y + 1),
        x: stream.integer(below: cell.x - patch.x + 1)))
  }

  func fits(_ patch: Extents, in cell: Box) -> Bool {
    let cell = cell.extents
    return offset.z >= 0 && offset.y >= 0 && offset.x >= 0 && offset.z + patch.z <= cell.z
      && offset.y + patch.y <= cell.y && offset.x + patch.x <= cell.x && (!turns || patch.y == patch.x)
  }
}
