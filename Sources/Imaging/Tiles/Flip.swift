import Host

/// Which axes of an image are reversed.
public struct Flip: Hashable, Sendable {
  /// Slices.
  public var z: Bool
  /// Rows.
  public var y: Bool
  /// Columns.
  public var x: Bool

  /// The axes as given.
  public init(z: Bool = false, y: Bool = false, x: Bool = false) { (self.z, self.y, self.x) = (z, y, x) }

  /// All flips of rows and columns, and of slices where images have some; first the one that reverses nothing.
  public static func all(hasDepth: Bool) -> [Flip] {
    (0..<(hasDepth ? 8 : 4)).map { Flip(z: $0 & 4 != 0, y: $0 & 2 != 0, x: $0 & 1 != 0) }
  }

  /// Where a box of an image lies in the flipped image.
  public func box(_ box: Box, in image: Extents) -> Box {
    func flipped(_ range: Range<Int>, _ extent: Int, _ isFlipped: Bool) -> Range<Int> {
      isFlipped ? extent - range.upperBound..<extent - range.lowerBound : range
    }
    return Box(
      z: flipped(box.z, image.z, z), y: flipped(box.y, image.y, y), x: flipped(box.x, image.x, x))
  }
}
