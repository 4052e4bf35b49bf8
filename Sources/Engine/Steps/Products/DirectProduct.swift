import CKernels

extension Execution {
  /// Convolves some source channels: stores their part of the raw result if they are the first, else adds it.
  func convolve(
    _ stage: Stage, _ source: FeaturePlanes, _ sample: Int, _ rows: Range<Int>, _ sources: Range<Int>
  ) {
    guard let product = stage.product, !sources.isEmpty else { return }
    let raw = planes(stage.raw, sample)
    var job = convolution(product, from: source, to: raw, weights: product.packed)
    job.first_source = Int32(sources.lowerBound)
    job.summed_sources = Int32(sources.count)
    job.width = Int32(raw.geometry.nx)
    (job.z, job.y, job.x_shift) = (product.z, product.y, product.xShifts)
    job.bias = product.bias.map { UnsafePointer(parameters.pointer + $0.offset) }
    job.accumulate = sources.lowerBound > 0
    job.is_cached = stage.sourceLines != nil
    tutti_convolution_rows(&job, Int32(rows.lowerBound), Int32(rows.upperBound))
  }

  /// What the forward pass and the data gradient have in common: planes and packed weights. The caller sets width, axis
  /// maps and shifts.
  @inline(__always)
  func convolution(
    _ product: Product, from source: FeaturePlanes, to target: FeaturePlanes, weights: Slice
  ) -> tutti_convolution {
    var job = tutti_convolution()
    job.source = UnsafePointer(source.base)
    job.source_channel_stride = source.geometry.channelStride
    job.source_channels = Int32(source.channels)
    job.source_rows = Int32(source.geometry.ny)
    job.source_pitch = Int32(source.geometry.pitch)
    job.target = target.base
    job.target_channel_stride = target.geometry.channelStride
    job.target_channels = Int32(target.channels)
    job.target_rows = Int32(target.geometry.ny)
    job.target_pitch = Int32(target.geometry.pitch)
    job.z_taps = Int32(product.zTaps)
    job.y_taps = Int32(product.yTaps)
    job.x_taps = Int32(product.xTaps)
    job.weights = UnsafePointer(packed.pointer + weights.offset)
    return job
  }

  /// Adds a product's part to some rows of some channels of its source's gradient, or stores it.
  func addDataGradient(
    _ stage: Stage, _ product: Product, _ sample: Int, _ rows: Range<Int>, channels: Range<Int>, packed slice: Slice,
    accumulates: Bool
  ) {
    guard let gradient = stage.targetGradient, let sourceGradient = stage.sourceGradient else { return }
    let g = planes(gradient, sample)
    let target = planes(sourceGradient, sample).part(channels)
    var job = convolution(product, from: g, to: target, weights: slice)
    job.first_x = Int32(-product.reach)
    job.width = Int32(target.geometry.nx + 2 * product.reach)
    (job.z, job.y, job.x_shift) = (product.adjointZ, product.adjointY, product.adjointXShifts)
    job.accumulate = accumulates
    job.is_cached = stage.sourceLines != nil
    tutti_convolution_rows(&job, Int32(rows.lowerBound), Int32(rows.upperBound))
  }
}
