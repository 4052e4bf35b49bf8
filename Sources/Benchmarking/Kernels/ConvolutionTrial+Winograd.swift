import CKernels
import Engine
import Host

// The passes by Winograd's minimal filtering.

extension ConvolutionTrial {
  /// Whether an algorithm can compute the convolution.
  func suits(_ algorithm: Algorithm) -> Bool { algorithm != .winograd || transformed.count > 0 }

  private var zTaps: Int { axes[0].kernel }

  /// Room for the weights of both directions, and for tiles.
  static func winogradBuffers(
    _ shape: ConvolutionShape
  ) -> (AlignedBuffer<Float>, AlignedBuffer<Float>, AlignedBuffer<Float>) {
    let zTaps = Int32(shape.axes[0].kernel)
    guard shape.dilation == 1 else {
      return (AlignedBuffer(count: 0), AlignedBuffer(count: 0), AlignedBuffer(count: 0))
    }
    let (targets, sources) = (Int32(shape.targets), Int32(shape.sources))
    var job = tutti_winograd()
    job.z_taps = zTaps
    (job.source_channels, job.target_channels) = (sources, targets)
    var scratch = tutti_winograd_scratch(&job)
    (job.source_channels, job.target_channels) = (targets, sources)
    scratch = max(scratch, tutti_winograd_scratch(&job))
    var block: (targets: Int32, sources: Int32) = (0, 0)
    tutti_winograd_gradient_block(zTaps, &block.targets, &block.sources)
    for target in 1...min(block.targets, targets) {
      scratch = max(scratch, tutti_winograd_gradient_scratch(target, min(block.sources, sources), zTaps))
    }
    return (
      AlignedBuffer(count: tutti_winograd_weight_count(targets, sources, zTaps)),
      AlignedBuffer(count: tutti_winograd_weight_count(sources, targets, zTaps)), AlignedBuffer(count: scratch)
    )
  }

  func transformWeights() {
    guard suits(.winograd) else { return }
    let (targets, sources) = (Int32(shape.targets), Int32(shape.sources))
    tutti_winograd_weights(
      weights.pointer, targets, sources, Int32(zTaps), false, 0, targets, 0, targets, transformed.pointer)
    tutti_winograd_weights(
      weights.pointer, sources, targets, Int32(zTaps), true, 0, sources, 0, sources, transformedTransposed.pointer)
  }

  func winograd(_ source: Maps, _ target: Maps, weights: AlignedBuffer<Float>) {
    team.run(count: 1) { _, _ in
      let (from, to) = (source[0], target[0])
      var job = tutti_winograd(
        source: from.base, source_sample_stride: source.geometry.sampleStride,
        source_channel_stride: source.geometry.channelStride, source_channels: Int32(from.channels),
        source_pitch: Int32(source.geometry.pitch), target: to.base, target_sample_stride: target.geometry.sampleStride,
        target_channel_stride: target.geometry.channelStride, target_channels: Int32(to.channels),
        target_pitch: Int32(target.geometry.pitch), samples: Int32(shape.samples), planes: Int32(target.geometry.nz),
        rows: Int32(target.geometry.ny), width: Int32(target.geometry.nx), z_taps: Int32(zTaps),
        weights: weights.pointer, bias: nil, accumulate: false)
      tutti_winograd_run(&job, 0, tutti_winograd_vectors(&job), winogradScratch.pointer)
    }
  }

  func winogradWeightGradient() {
    let taps = shape.taps
    var block: (targets: Int32, sources: Int32) = (0, 0)
    tutti_winograd_gradient_block(Int32(zTaps), &block.targets, &block.sources)
    team.run(count: 1) { _, _ in
      for first in stride(from: 0, to: Int32(shape.targets), by: Int(block.targets)) {
        for source in stride(from: 0, to: Int32(shape.sources), by: Int(block.sources)) {
          for sample in 0..<shape.samples {
            var job = weightJob(sample)
            job.accumulate = sample > 0
            job.result = weightGradients.pointer + (Int(first) * shape.sources + Int(source)) * taps
            tutti_winograd_weight_gradient(
              &job, first, min(Int32(shape.targets), first + block.targets), source,
              min(Int32(shape.sources), source + block.sources), winogradScratch.pointer)
          }
        }
      }
    }
  }

  private func weightJob(_ sample: Int) -> tutti_weight_gradient {
    let (from, gradient) = (source[sample], targetGradient[sample])
    var job = tutti_weight_gradient()
    job.source = UnsafePointer(from.base)
    job.source_channel_stride = from.geometry.channelStride
    job.source_pitch = Int32(from.geometry.pitch)
    job.gradient = UnsafePointer(gradient.base)
    job.gradient_channel_stride = gradient.geometry.channelStride
    job.gradient_rows = Int32(gradient.geometry.ny)
    job.gradient_planes = Int32(gradient.geometry.nz)
    job.gradient_pitch = Int32(gradient.geometry.pitch)
    job.width = Int32(gradient.geometry.nx)
    job.z_taps = Int32(zTaps)
    job.result_stride = shape.sources * shape.taps
    return job
  }
}
