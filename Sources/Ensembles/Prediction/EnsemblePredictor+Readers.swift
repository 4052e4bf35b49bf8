import Host
import Imaging

extension EnsemblePredictor {
  /// Reads a box of a region; what lies beyond a border is read at the other side.
  static func read(
    _ box: Box, of region: Extents, channels: Int, by read: Reader, into pixels: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard !Box(region).contains(box), let target = pixels.baseAddress else { return try read(box, pixels) }
    for z in Self.pieces(box.z, region.z) {
      for y in Self.pieces(box.y, region.y) {
        for x in Self.pieces(box.x, region.x) {
          let piece = Box(z: z.place, y: y.place, x: x.place)
          let part = AlignedBuffer<Float>(count: channels * piece.count)
          try read(piece, part.buffer)
          for row in 0..<channels * piece.z.count * piece.y.count {
            let (plane, line) = row.quotientAndRemainder(dividingBy: piece.y.count)
            let (channel, slice) = plane.quotientAndRemainder(dividingBy: piece.z.count)
            let to = ((channel * box.z.count + z.offset + slice) * box.y.count + y.offset + line) * box.x.count
            (target + to + x.offset).update(from: part.pointer + row * piece.x.count, count: piece.x.count)
          }
        }
      }
    }
  }

  /// The parts of a range that lie within an image of that extent when it wraps around, and how far from the range's
  /// begin.
  private static func pieces(_ range: Range<Int>, _ extent: Int) -> [(place: Range<Int>, offset: Int)] {
    var pieces: [(place: Range<Int>, offset: Int)] = []
    var at = range.lowerBound
    while at < range.upperBound {
      let first = (at % extent + extent) % extent
      let count = min(extent - first, range.upperBound - at)
      pieces.append((first..<first + count, at - range.lowerBound))
      at += count
    }
    return pieces
  }

  /// Reads from a region in memory.
  public static func reader(of region: LearningRegion) -> Reader {
    let extents = region.region.extents
    return { box, pixels in
      precondition(Box(extents).contains(box), "a box outside its region")
      guard var target = pixels.baseAddress else { return }
      for channel in 0..<region.channels {
        for z in box.z {
          for y in box.y {
            let line = (channel * extents.z + z) * extents.y + y
            target.update(
              from: region.images.pointer + line * extents.x + box.x.lowerBound, count: box.x.count)
            target += box.x.count
          }
        }
      }
    }
  }

  /// Reads tile by tile from a file, so that a region need not fit in memory.
  ///
  /// - Parameter scaling: when each image has numbers of its own, with those of the region's.
  /// - Returns: a reader that throws `HDF5Error`, or `EnsembleError.imageNotFinite`.
  public static func reader(of images: ImageSource, region: Region, scaling: IntensityScaling) -> Reader {
    { box, pixels in
      try images.readInput(
        box.moved(z: region.z.lowerBound), ofImage: region.image, scaledBy: scaling, into: pixels)
      // The sum of x · 0 is NaN when a value is not finite.
      guard pixels.reduce(0, { $0 + $1 * 0 }).isFinite else {
        throw EnsembleError.imageNotFinite(file: images.location.description, image: region.image, box: box)
      }
    }
  }
}
