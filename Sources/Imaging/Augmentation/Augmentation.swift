import Host

/// A change of a training patch that leaves its meaning: where in its cell it lies, flips, and a quarter turn.
///
/// The flips along y and x with a quarter turn in the y-x plane make up all eight symmetries of a square.
public struct Augmentation: Hashable, Sendable {
  /// The distance of the patch from the cell's corner.
  public var offset: Extents
  public var flipsZ: Bool
  public var flipsY: Bool
  public var flipsX: Bool
  /// Whether the flipped patch is then turned by a quarter in the y-x plane; only when it is square there.
  public var turns: Bool

  /// An augmentation as given; as it stands, none.
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
  public static func none(of patch: Extents, in cell: Box) -> Augmentation {
    let cell = cell.extents
    return Augmentation(
      offset: Extents(z: (cell.z - patch.z) / 2, y: (cell.y - patch.y) / 2, x: (cell.x - patch.x) / 2))
  }

  /// A random augmentation, every one equally likely.
  ///
  /// - Parameter stream: keyed by the job's seed, the member, the epoch and the sample.
  public static func random(of patch: Extents, in cell: Box, from stream: inout RandomStream) -> Augmentation {
    precondition(patch.fits(in: cell.extents), "a patch larger than its cell")
    let bits = stream.nextWord()
    let cell = cell.extents
    return Augmentation(
      offset: Extents(
        z: stream.integer(below: cell.z - patch.z + 1), y: stream.integer(below: cell.y - patch.y + 1),
        x: stream.integer(below: cell.x - patch.x + 1)),
      flipsZ: bits & 1 != 0, flipsY: bits & 2 != 0, flipsX: bits & 4 != 0,
      turns: bits & 8 != 0 && patch.y == patch.x)
  }

  func fits(_ patch: Extents, in cell: Box) -> Bool {
    let cell = cell.extents
    return offset.z >= 0 && offset.y >= 0 && offset.x >= 0 && offset.z + patch.z <= cell.z
      && offset.y + patch.y <= cell.y && offset.x + patch.x <= cell.x && (!turns || patch.y == patch.x)
  }
}
