import CKernels
import Networks

/// The two source pixels between which each target pixel lies along one axis, and the weight of the second, as
/// PyTorch's `torch.nn.Upsample` defines them.
package final class ResamplingTable: Sendable {
  /// The table as kernels read it; valid while this object lives.
  package nonisolated(unsafe) let entries: tutti_resampling_axis
  private nonisolated(unsafe) let places: UnsafeMutablePointer<Int32>
  private nonisolated(unsafe) let shares: UnsafeMutablePointer<Float>

  /// The pixels of source and target that a tile holds.
  package struct Window {
    var source: Range<Int>
    var target: Range<Int>
  }

  /// Computes the table of one axis.
  ///
  /// - Parameters:
  ///   - source: pixels of the source.
  ///   - target: pixels of the target.
  ///   - window: the part of the table that a tile needs, counted from the tile's first pixels; nil: all of it. What
  ///     lies outside the tile's source is replaced by its border pixels.
  package init(source: Int, target: Int, alignCorners: Bool, mode: Upsampling.Mode, window: Window? = nil) {
    let window = window ?? Window(source: 0..<source, target: 0..<target)
    let count = window.target.count
    places = .allocate(capacity: 2 * count)
    shares = .allocate(capacity: count)
    func place(_ index: Int) -> Int32 {
      Int32(max(0, min(window.source.count - 1, index - window.source.lowerBound)))
    }
    for (entry, index) in window.target.enumerated() {
      var (first, share) = (0, Float(0))
      switch mode {
      case .nearest: first = Self.nearest(index, source: source, target: target)
      case .linear:
        let place = Self.place(index, source: source, target: target, alignCorners: alignCorners)
        first = min(Int(place), source - 1)
        share = first == source - 1 ? 0 : Float(place - Double(first))
      }
      places[entry] = place(first)
      places[count + entry] = place(min(first + 1, source - 1))
      shares[entry] = share
    }
    entries = tutti_resampling_axis(
      first: UnsafePointer(places), second: UnsafePointer(places + count), share: UnsafePointer(shares))
  }

  deinit {
    places.deallocate()
    shares.deallocate()
  }

  /// ⌊index · source / target⌋ in single precision, as PyTorch rounds it.
  private static func nearest(_ index: Int, source: Int, target: Int) -> Int {
    if target == source { return index }
    if target == 2 * source { return index / 2 }
    return min(Int(Float(index) * (Float(source) / Float(target))), source - 1)
  }

  /// Where the centre of a target pixel lies among those of the source.
  private static func place(_ index: Int, source: Int, target: Int, alignCorners: Bool) -> Double {
    if alignCorners { return target > 1 ? Double(index * (source - 1)) / Double(target - 1) : 0 }
    return max(0, (Double(index) + 0.5) * Double(source) / Double(target) - 0.5)
  }
}
