import CKernels
import Networks

/// Which source index each tap of a convolution reads along one axis, in memory that kernels read
/// (docs/decisions/001-row-maps.md).
///
/// A tap on zero padding has no entry; with other padding modes it has that of the pixel which the padding copies. The
/// adjoint lists the same pairs by source index, for data gradients and transposed convolutions.
package final class AxisMap: Sendable {
  /// The list as kernels read it; valid while this object lives.
  package nonisolated(unsafe) let entries: tutti_axis
  private nonisolated(unsafe) let storage: UnsafeMutablePointer<Int32>

  /// Copies a list.
  ///
  /// - Parameter pairs: for every index of the axis, its (source, tap) pairs in the order of summation.
  package init(_ pairs: [[(source: Int, tap: Int)]]) {
    let total = pairs.reduce(0) { $0 + $1.count }
    let starts = pairs.count + 1
    storage = .allocate(capacity: starts + 2 * total)
    var place = 0
    for (index, list) in pairs.enumerated() {
      storage[index] = Int32(place)
      for pair in list {
        storage[starts + place] = Int32(pair.source)
        storage[starts + total + place] = Int32(pair.tap)
        place += 1
      }
    }
    storage[pairs.count] = Int32(place)
    entries = tutti_axis(
      start: UnsafePointer(storage), source: UnsafePointer(storage + starts),
      tap: UnsafePointer(storage + starts + total))
  }

  deinit { storage.deallocate() }
}

/// A convolution along one axis.
package struct AxisConvolution: Hashable {
  /// Pixels of the image that is convolved.
  package var source: Int
  /// Pixels of the result.
  package var target: Int
  /// Taps of the kernel.
  package var kernel: Int
  /// Source pixels from one target pixel to the next.
  package var stride: Int
  /// Source pixels from one tap to the next.
  package var dilation: Int
  /// Pixels of padding on each side.
  package var padding: Int
  /// What padding pixels hold.
  package var mode: PaddingMode

  /// Describes a convolution along one axis.
  package init(
    source: Int, target: Int, kernel: Int, stride: Int, dilation: Int, padding: Int, mode: PaddingMode
  ) {
    self.source = source
    self.target = target
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
    self.mode = mode
  }

  /// The pixel that `index`, which may lie outside the image, is padded with; nil for a zero.
  private func resolve(_ index: Int) -> Int? {
    if (0..<source).contains(index) { return index }
    switch mode {
    case .zeros: return nil
    case .reflect: return index < 0 ? -index : 2 * (source - 1) - index
    case .replicate: return index < 0 ? 0 : source - 1
    case .circular: return (index + source) % source
    }
  }

  /// For every target index, the source indices that its taps read.
  package var forward: [[(source: Int, tap: Int)]] {
    (0..<target).map { index in
      (0..<kernel).compactMap { tap in
        resolve(index * stride + tap * dilation - padding).map { (source: $0, tap: tap) }
      }
    }
  }

  /// For every source index, the target indices that read it, by ascending tap.
  package var adjoint: [[(source: Int, tap: Int)]] {
    var result = Array(repeating: [(source: Int, tap: Int)](), count: source)
    for tap in 0..<kernel {
      for index in 0..<target {
        if let place = resolve(index * stride + tap * dilation - padding) {
          result[place].append((source: index, tap: tap))
        }
      }
    }
    return result
  }

  /// The pairs of `adjoint` that come from padding: the tap reads another index than its shift says. For stride 1 only.
  package var folded: [[(source: Int, tap: Int)]] {
    let shifts = adjointShifts
    return adjoint.enumerated().map { index, pairs in pairs.filter { $0.source != index + Int(shifts[$0.tap]) } }
  }

  /// The offsets from x of the pixels that the taps read along a row.
  package var shifts: [Int32] { (0..<kernel).map { Int32($0 * dilation - padding) } }

  /// The same for the taps of the adjoint.
  package var adjointShifts: [Int32] { (0..<kernel).map { Int32(padding - $0 * dilation) } }
}

/// The shifts of a row's taps, in memory that kernels read.
package final class ShiftTable: Sendable {
  /// The shifts; valid while this object lives.
  package nonisolated(unsafe) let shifts: UnsafePointer<Int32>
  private nonisolated(unsafe) let storage: UnsafeMutablePointer<Int32>

  /// Copies shifts.
  package init(_ values: [Int32]) {
    storage = .allocate(capacity: values.count)
    storage.initialize(from: values, count: values.count)
    shifts = UnsafePointer(storage)
  }

  deinit { storage.deallocate() }
}
