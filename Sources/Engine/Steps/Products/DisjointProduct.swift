import CKernels
import Host

// Transposed convolutions whose kernel is their stride (docs/decisions/005-disjoint.md): a 1×1 convolution of a few
// narrow rows to (channel, tap) pairs, which are interleaved into the wide planes while they are in cache.

extension Execution {
  /// The narrow rows of one piece of work, and the planes of their pairs. Depends on the shape alone.
  struct DisjointBands {
    let rows: Int
    let pitch: Int
    let count: Int
    let pairs: Int

    init(_ product: Product) {
      let narrow = product.narrow
      pairs = product.wide.channels * product.taps
      pitch = roundUp(narrow.nx, to: 16)
      rows = min(narrow.rows, max(1, 65536 / (pairs * pitch)))
      count = (narrow.rows + rows - 1) / rows
    }

    /// Floats from a pair's plane to the next; an odd number of cache lines, so that pairs do not meet in one set.
    var stride: Int { roundUp(rows * pitch, to: 32) + 16 }
    /// Floats that a piece needs, with room for the widest load.
    var floats: Int { pairs * stride + 32 }
  }

  func disjointForward(_ stage: Stage) {
    guard let product = stage.product else { return }
    let bands = DisjointBands(product)
    fillUnreached(stage, product)
    team.run(count: samples * bands.count) { piece, thread in
      let (sample, band) = piece.quotientAndRemainder(dividingBy: bands.count)
      let source = planes(stage.source, sample)
      let rows = band * bands.rows..<min(product.narrow.rows, (band + 1) * bands.rows)
      let taps = scratch.pointer + thread * plan.sizes.scratchFloats
      var job = pointwiseJob(product, rows: rows.count)
      job.source = UnsafePointer(source.row(rows.lowerBound, channel: 0))
      job.source_channel_stride = source.geometry.channelStride
      job.source_channels = Int32(source.channels)
      job.source_pitch = Int32(source.geometry.pitch)
      job.target = taps
      job.target_channel_stride = bands.stride
      job.target_channels = Int32(bands.pairs)
      job.target_pitch = Int32(bands.pitch)
      job.weights = UnsafePointer(packed.pointer + product.packed.offset)
      tutti_convolution_rows(&job, 0, Int32(rows.count))
      var disjoint = disjointJob(product, planes(stage.raw, sample), taps, bands)
      let bias = product.bias.map { UnsafePointer(parameters.pointer + $0.offset) }
      tutti_disjoint_gather(&disjoint, bias, Int32(rows.lowerBound), Int32(rows.upperBound))
    }
  }

  /// Gives the last pixels of an axis that is no multiple of the kernel the bias: no tap reaches them.
  private func fillUnreached(_ stage: Stage, _ product: Product) {
    let (wide, narrow) = (product.wide, product.narrow)
    let reached = (z: narrow.nz * product.zTaps, y: narrow.ny * product.yTaps, x: narrow.nx * product.xTaps)
    guard reached != (wide.nz, wide.ny, wide.nx) else { return }
    for sample in 0..<samples {
      let raw = planes(stage.raw, sample)
      for channel in 0..<raw.channels {
        let bias = product.bias.map { parameters.pointer[$0.offset + channel] } ?? 0
        for row in 0..<wide.rows {
          let isReached = row / wide.ny < reached.z && row % wide.ny < reached.y
          let first = isReached ? reached.x : 0
          (raw.row(row, channel: channel) + first).update(repeating: bias, count: wide.nx - first)
        }
      }
    }
  }

  func disjointDataGradient(_ stage: Stage, accumulates: Bool) {
    guard let product = stage.product, let gradient = stage.targetGradient, let sourceGradient = stage.sourceGradient
    else { return }
    let bands = DisjointBands(product)
    team.run(count: samples * bands.count) { piece, thread in
      let (sample, band) = piece.quotientAndRemainder(dividingBy: bands.count)
      let target = planes(sourceGradient, sample)
      let rows = band * bands.rows..<min(product.narrow.rows, (band + 1) * bands.rows)
      let taps = scratch.pointer + thread * plan.sizes.scratchFloats
      var disjoint = disjointJob(product, planes(gradient, sample), taps, bands)
      tutti_disjoint_separate(&disjoint, Int32(rows.lowerBound), Int32(rows.upperBound))
      var job = pointwiseJob(product, rows: rows.count)
      job.source = UnsafePointer(taps)
      job.source_channel_stride = bands.stride
      job.source_channels = Int32(bands.pairs)
      job.source_pitch = Int32(bands.pitch)
      job.target = target.row(rows.lowerBound, channel: 0)
      job.target_channel_stride = target.geometry.channelStride
      job.target_channels = Int32(target.channels)
      job.target_pitch = Int32(target.geometry.pitch)
      job.weights = UnsafePointer(packed.pointer + product.packedTransposed.offset)
      job.accumulate = accumulates
      tutti_convolution_rows(&job, 0, Int32(rows.count))
    }
  }

  /// A 1×1 convolution of some narrow rows. The caller sets its planes.
  private func pointwiseJob(_ product: Product, rows: Int) -> tutti_convolution {
    var job = tutti_convolution()
    job.source_rows = Int32(rows)
    job.target_rows = Int32(rows)
    job.width = Int32(product.narrow.nx)
    (job.z, job.y) = (product.identity, product.identity)
    (job.z_taps, job.y_taps, job.x_taps) = (1, 1, 1)
    job.x_shift = product.noShift
    return job
  }

  private func disjointJob(
    _ product: Product, _ wide: FeaturePlanes, _ taps: UnsafeMutablePointer<Float>, _ bands: DisjointBands
  ) -> tutti_disjoint {
    tutti_disjoint(
      wide: wide.base, wide_channel_stride: wide.geometry.channelStride, wide_rows: Int32(wide.geometry.ny),
      wide_pitch: Int32(wide.geometry.pitch), channels: Int32(wide.channels), z_kernel: Int32(product.zTaps),
      y_kernel: Int32(product.yTaps), x_kernel: Int32(product.xTaps), narrow_rows: Int32(product.narrow.ny),
      narrow_width: Int32(product.narrow.nx), taps: taps, tap_stride: bands.stride, tap_pitch: Int32(bands.pitch))
  }
}
