/// An object that fits a box of 4 × 4 × 4 voxels: a bit a voxel, and where the box is. Of very many objects most are so small, and
/// take an eighth of the memory of their moments.
struct SmallObject: Hashable, Sendable {
  /// The box's corner, 21 bits an axis, of which the highest are those of z.
  private(set) var place: UInt64
  /// Which voxels there are: x lowest, then y, then z.
  private(set) var bits: UInt64

  /// Extents of images whose places fit.
  static let mostVoxels = 1 << 21

  /// Voxels of a box.
  @inline(__always)
  init(z: Int, y: Int, x: Int, bits: UInt64) {
    place = UInt64(z) << 42 | UInt64(y) << 21 | UInt64(x)
    self.bits = bits
  }

  /// Of no voxel, or what `place` and `bits` tell.
  @inline(__always)
  init(place: UInt64 = 0, bits: UInt64 = 0) { (self.place, self.bits) = (place, bits) }

  /// The box's corner.
  @inline(__always)
  var corner: (z: Int, y: Int, x: Int) {
    let mask: UInt64 = 0x1f_ffff
    return (Int(place >> 42 & mask), Int(place >> 21 & mask), Int(place & mask))
  }

  /// The place of the only voxel; nil when there are none or several.
  @inline(__always)
  var onlyVoxel: SIMD3<Int32>? {
    guard bits != 0, bits & (bits &- 1) == 0 else { return nil }
    let (z, y, x) = corner
    let place = bits.trailingZeroBitCount
    return SIMD3(Int32(z + place >> 4), Int32(y + place >> 2 & 3), Int32(x + place & 3))
  }

  /// Adds voxels.
  ///
  /// - Returns: false when they do not all fit one box; then nothing is added.
  @inline(__always)
  mutating func add(_ other: SmallObject) -> Bool {
    guard bits != 0 else {
      self = other
      return true
    }
    let (one, two) = (corner, other.corner)
    let (z, y, x) = (min(one.z, two.z), min(one.y, two.y), min(one.x, two.x))
    guard let own = Self.move(bits, one.z - z, one.y - y, one.x - x),
      let others = Self.move(other.bits, two.z - z, two.y - y, two.x - x)
    else { return false }
    self = SmallObject(z: z, y: y, x: x, bits: own | others)
    return true
  }

  /// Moves voxels within the box; nil when one would leave it.
  @inline(__always)
  private static func move(_ bits: UInt64, _ z: Int, _ y: Int, _ x: Int) -> UInt64? {
    guard z < 4, y < 4, x < 4 else { return nil }
    let beyondX: UInt64 = (0xf0 >> UInt64(x) & 0xf) &* 0x1111_1111_1111_1111
    let beyondY: UInt64 = (0xffff_0000 >> UInt64(4 * y) & 0xffff) &* 0x0001_0001_0001_0001
    let beyondZ: UInt64 = z == 0 ? 0 : ~0 << UInt64(64 - 16 * z)
    guard bits & (beyondX | beyondY | beyondZ) == 0 else { return nil }
    return bits << UInt64(16 * z + 4 * y + x)
  }
}
