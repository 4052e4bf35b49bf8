import HDF5

/// Which pixels of the datasets of a prediction belong to an image: where images have different extents, datasets have the
/// largest, and smaller images are padded.
struct OwnPixels {
  /// `[image][axis of pixels]`; nil: all images are as large as the datasets.
  private let extents: [[Int]]?

  /// Those of a group `/entry/prediction`; of other groups, whose answers have no pixels, all.
  init(_ prediction: Group) throws {
    guard try prediction.exists("extents") else {
      extents = nil
      return
    }
    let dataset = try prediction.dataset("extents")
    let axes = try dataset.shape[1]
    let values = try dataset.read(as: Int.self)
    extents = stride(from: 0, to: values.count, by: axes).map { Array(values[$0..<$0 + axes]) }
  }

  /// Whether images may be smaller than the datasets.
  var isPadded: Bool { extents != nil }

  /// The extents of an image along the axes of pixels; nil: those of the datasets.
  func extents(of image: Int) -> [Int]? {
    extents.flatMap { $0.indices.contains(image) ? $0[image] : nil }
  }

  /// Whether each pixel of a part belongs to its image.
  ///
  /// - Parameter slab: `[image, (z,) y, x]`, of one image.
  /// - Returns: nil when all do.
  func isOwn(_ slab: Hyperslab) -> [Bool]? {
    guard let own = extents?[slab.start[0]] else { return nil }
    let (start, count) = (Array(slab.start.dropFirst()), Array(slab.count.dropFirst()))
    guard own.indices.contains(where: { start[$0] + count[$0] > own[$0] }) else { return nil }
    return (0..<count.reduce(1, *)).map { pixel in
      var rest = pixel
      for axis in own.indices.reversed() {
        guard start[axis] + rest % count[axis] < own[axis] else { return false }
        rest /= count[axis]
      }
      return true
    }
  }
}
