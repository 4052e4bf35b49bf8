import Host

/// A cuboid of voxels: a range along each axis.
public struct Box: Hashable, Sendable {
  /// Slices.
  public var z: Range<Int>
  /// Rows.
  public var y: Range<Int>
  /// Columns.
  public var x: Range<Int>

  /// The product of three ranges.
  public init(z: Range<Int>, y: Range<Int>, x: Range<Int>) {
    self.z = z
    self.y = y
    self.x = x
  }

  /// All of a volume of the given extents.
  public init(_ extents: Extents) {
    self.init(z: 0..<extents.z, y: 0..<extents.y, x: 0..<extents.x)
  }

  /// The extents along each axis.
  public var extents: Extents { Extents(z: z.count, y: y.count, x: x.count) }

  /// The number of voxels.
  public var count: Int { extents.count }

  /// The box cut along z into runs of so many slices; the last may have fewer.
  func slabs(depth: Int) -> [Box] {
    stride(from: z.lowerBound, to: z.upperBound, by: depth).map {
      Box(z: $0..<min($0 + depth, z.upperBound), y: y, x: x)
    }
  }

  /// The box moved along z.
  public func moved(z distance: Int) -> Box {
    Box(z: z.lowerBound + distance..<z.upperBound + distance, y: y, x: x)
  }

  /// Whether every voxel of `other` is one of this box's.
  public func contains(_ other: Box) -> Bool {
    z.clamped(to: other.z) == other.z && y.clamped(to: other.y) == other.y && x.clamped(to: other.x) == other.x
  }
}

extension Box: CustomStringConvertible {
  public var description: String { "[\(z), \(y), \(x)]" }
}

/// A run of whole slices of an image that belongs to one part; of a stack, one of its 2-D images.
public struct Region: Hashable, Sendable {
  /// The image of a stack; 0 for a volume.
  public let image: Int
  /// The slices of a volume; 0 ..< 1 for a 2-D image.
  public let z: Range<Int>
  /// The extent of a slice along y.
  public let height: Int
  /// The extent of a slice along x.
  public let width: Int

  /// A region as given.
  public init(image: Int, z: Range<Int>, height: Int, width: Int) {
    self.image = image
    self.z = z
    self.height = height
    self.width = width
  }

  /// The region's extents.
  public var extents: Extents { Extents(z: z.count, y: height, x: width) }

  /// Whether a patch does not fit, and the region is padded.
  public func isSmaller(than patch: Extents) -> Bool { !patch.fits(in: extents) }

  /// The region with rows, columns and slices added at its ends, until a patch fits.
  public func padded(to patch: Extents) -> Region {
    Region(
      image: image, z: z.lowerBound..<z.lowerBound + max(z.count, patch.z), height: max(height, patch.y),
      width: max(width, patch.x))
  }

  /// The region as a box of its image.
  public var box: Box { Box(z: z, y: 0..<height, x: 0..<width) }
}
