import CKernels
import Host

// Mixed precision (docs/decisions/008-mixed-precision.md): operands of products are rounded to bfloat16 when they are
// written; sums and all else stay float32. The product of two bfloat16 is exact in float32, so the kernels are those of
// float32, and compute what instructions for bfloat16 would, but for the order of their sums.

extension Execution {
  /// A product's weights in the precision of its operands.
  @inline(__always)
  func weights(_ product: Product) -> UnsafePointer<Float> {
    UnsafePointer((plan.precision == .bfloat16 ? roundedParameters : parameters).pointer + product.weight.offset)
  }

  func roundParameters() {
    guard plan.precision == .bfloat16 else { return }
    let piece = 1 << 16
    let count = parameters.count
    team.run(count: (count + piece - 1) / piece) { index, _ in
      let first = index * piece
      tutti_bfloat16_rows(
        parameters.pointer + first, piece, roundedParameters.pointer + first, piece, 1,
        Int32(min(piece, count - first)))
    }
  }

  /// Rounds rows of a value and their halo. The network's output keeps its precision.
  func roundValue(_ place: Place, _ sample: Int, _ rows: Range<Int>, border: Border) {
    guard plan.precision == .bfloat16, place.buffer != plan.output.buffer else { return }
    round(planes(place, sample), 0..<place.channels, rows, halo: Int(border.width))
  }

  /// Rounds a value and its halo.
  func roundValue(_ place: Place, border: Border) {
    guard plan.precision == .bfloat16 else { return }
    forEachBand(place.geometry) { roundValue(place, $0.sample, $0.first..<$0.last, border: border) }
  }

  func round(_ planes: FeaturePlanes, _ channels: Range<Int>, _ rows: Range<Int>, halo: Int) {
    let pitch = planes.geometry.pitch
    for channel in channels {
      let row = planes.row(rows.lowerBound, channel: channel) - halo
      tutti_bfloat16_rows(row, pitch, row, pitch, Int64(rows.count), Int32(planes.geometry.nx + 2 * halo))
    }
  }
}
