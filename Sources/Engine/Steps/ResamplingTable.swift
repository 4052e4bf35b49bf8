import CKernels
import Networks

/// The two source pixels between which each target pixel lies along one axis, and the weight of the second, as
/// PyTorch's `torch.nn.Upsample` defines them.
package final class ResamplingTable: Sendable {
  /// The table as kernels read it; valid while this object lives.
  package nonisolated(unsafe) let entries: tutti_resampling_axis
  private nonisolated(unsafe) let places: UnsafeMutablePointer<Int32>
  private nonisolated(unsafe) let shares: UnsafeMutablePointer<Float>

  /// Computes the table of one axis.
  ///
  /// - Parameters:
  ///   - source: pixels of the source.
  ///   - target: pixels of the target.
  package init(source: Int, target: Int, alignCorners: Bool, mode: Upsampling.Mode) {
    places = .allocate(capacity: 2 * target)
    shares = .allocate(capacity: target)
    for index in 0..<target {
      var (first, share) = (0, Float(0))
      switch mode {
      case .nearest: first = Self.nearest(index, source: source, target: target)
      case .linear:
        let place = Self.place(index, source: source, target: target, alignCorners: alignCorners)
        first = min(Int(place), source - 1)
        share = first == source - 1 ? 0 : Float(place - Double(first))
      }
      places[index] = Int32(first)
      places[target + index] = Int32(min(first + 1, source - 1))
      shares[index] = share
    }
    entries = tutti_resampling_axis(
      first: UnsafePointer(places), second: UnsafePointer(places + target), share: UnsafePointer(shares))
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
