import HDF5
import Host

/// A picture of the middle plane of an array.
public enum Preview {
  /// The most pixels of the picture along an axis.
  private static let most = 1024

  /// Writes a PNG picture: red, green and blue where the array has three channels, else grey. The darkest is the first
  /// percentile, the brightest the 99.8th; of labels the smallest and the largest.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`; `FileError` when the picture cannot be written.
  public static func write(_ summary: ArraySummary, of array: any StoredArray, to path: String) throws {
    let shape = array.shape
    guard shape.count >= 2, !shape.contains(0) else {
      throw ImageFileError(.wrongShape, summary.location, "has shape \(shape); a picture needs two axes")
    }
    let letters = array.facts.axes.map(Array.init)
    func place(_ letter: Character) -> Int? { letters?.firstIndex(of: letter) }
    let (y, x) = (place("y") ?? shape.count - 2, place("x") ?? shape.count - 1)
    let channel = place("c").flatMap { shape[$0] == 3 || shape[$0] == 4 ? $0 : nil }
    var slab = Hyperslab(start: shape.map { $0 / 2 }, count: shape.map { _ in 1 })
    for axis in [y, x] {
      let step = (shape[axis] + most - 1) / most
      (slab.start[axis], slab.count[axis], slab.stride[axis]) = (0, (shape[axis] - 1) / step + 1, step)
    }
    if let other = place("c"), channel == nil { slab.start[other] = 0 }
    if let channel { (slab.start[channel], slab.count[channel]) = (0, 3) }
    let (height, width, channels) = (slab.count[y], slab.count[x], channel == nil ? 1 : 3)
    let values = try array.read(as: Double.self, slab)
    let steps = StridedCopy.steps(of: slab.count, size: 1)
    let range = DisplayRange(of: values, isWhole: summary.counts != nil)
    var pixels = [UInt8](repeating: 0, count: values.count)
    for row in 0..<height {
      for column in 0..<width {
        for colour in 0..<channels {
          let value = values[row * steps[y] + column * steps[x] + (channel.map { colour * steps[$0] } ?? 0)]
          let scaled = range.share(value)
          pixels[(row * width + column) * channels + colour] = UInt8(min(1, max(0, scaled.isNaN ? 0 : scaled)) * 255)
        }
      }
    }
    try WholeFile.write(path) { try PNGFile.write(pixels, width: width, height: height, channels: channels, to: $0) }
  }
}
