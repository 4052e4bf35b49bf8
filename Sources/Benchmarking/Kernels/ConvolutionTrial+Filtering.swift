import CKernels
import Engine
import Host

// The passes by minimal filtering along y.

extension ConvolutionTrial {
  /// What minimal filtering needs beside the feature maps: transformed weights of both directions, padded rows, lists
  /// of channels.
  final class Filtering {
    let weights: AlignedBuffer<Float>
    let transposed: AlignedBuffer<Float>
    let rows: ShiftTable
    let scratch: AlignedBuffer<Float>
    let lists: AlignedBuffer<UnsafeMutablePointer<Float>?>

    init(
      _ shape: ConvolutionShape, axes: [AxisConvolution], weights from: UnsafePointer<Float>, shifts: ShiftTable,
      z: AxisMap
    ) {
      let (sources, targets) = (Int32(shape.sources), Int32(shape.targets))
      let (zTaps, xTaps) = (Int32(axes[0].kernel), Int32(axes[2].kernel))
      let count = tutti_filtering_packed_count(targets, sources, zTaps, xTaps)
      weights = AlignedBuffer(count: count)
      transposed = AlignedBuffer(count: count)
      tutti_filtering_pack(from, targets, sources, 0, targets, 0, sources, zTaps, xTaps, false, weights.pointer)
      tutti_filtering_pack(from, sources, targets, 0, sources, 0, targets, zTaps, xTaps, true, transposed.pointer)
      let (extent, dilation) = (axes[1].target, axes[1].dilation)
      let quadRows = (extent + 4 * dilation - 1) / (4 * dilation) * 4 * dilation
      rows = ShiftTable((-dilation..<quadRows + dilation).map { (0..<extent).contains($0) ? Int32($0) : -1 })
      lists = AlignedBuffer(count: shape.sources + 2 * shape.targets)
      var job = tutti_filtering()
      (job.planes, job.width) = (Int32(axes[0].target), Int32(axes[2].target))
      (job.x_taps, job.x_shift, job.z) = (xTaps, shifts.shifts, z.entries)
      job.source_channels = max(sources, targets)
      var gradient = tutti_filtering_gradient()
      (gradient.source_channels, gradient.target_channels, gradient.width) = (sources, targets, job.width)
      (gradient.x_taps, gradient.x_shift) = (xTaps, shifts.shifts)
      scratch = AlignedBuffer(count: max(tutti_filtering_scratch(&job), tutti_filtering_gradient_scratch(&gradient)))
    }

    /// The first pixels of a sample's channels, listed from `place` on.
    func list(_ planes: FeaturePlanes, at place: Int) -> UnsafeMutablePointer<UnsafeMutablePointer<Float>?> {
      for channel in 0..<planes.channels { lists.pointer[place + channel] = planes.row(0, channel: channel) }
      return lists.pointer + place
    }
  }

  private func constant(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
  ) -> UnsafePointer<UnsafePointer<Float>?> {
    UnsafeRawPointer(list).assumingMemoryBound(to: UnsafePointer<Float>?.self)
  }

  func filter(_ source: Maps, _ target: Maps, transposed: Bool, z: AxisMap, shifts: ShiftTable) {
    let geometry = target.geometry
    team.run(count: 1) { _, _ in
      for sample in 0..<shape.samples {
        let (from, to) = (source[sample], target[sample])
        var job = tutti_filtering()
        job.sources = constant(filtering.list(from, at: 0))
        job.targets = UnsafePointer(filtering.list(to, at: from.channels))
        (job.source_channels, job.source_pitch) = (Int32(from.channels), Int32(from.geometry.pitch))
        (job.target_channels, job.target_pitch) = (Int32(to.channels), Int32(geometry.pitch))
        (job.planes, job.rows, job.width) = (Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx))
        (job.dilation, job.row_of) = (Int32(axes[1].dilation), filtering.rows.shifts)
        (job.z, job.x_shift) = (z.entries, shifts.shifts)
        job.last_source_x = Int32(from.geometry.nx)
        (job.z_taps, job.x_taps) = (Int32(axes[0].kernel), Int32(axes[2].kernel))
        job.weights = UnsafePointer((transposed ? filtering.transposed : filtering.weights).pointer)
        let quads = geometry.nz * Int(tutti_filtering_quads(job.rows, job.dilation))
        tutti_filtering_run(&job, 0, Int32(quads), filtering.scratch.pointer)
      }
    }
  }

  func filterWeightGradient(z: AxisMap, shifts: ShiftTable) {
    team.run(count: 1) { _, _ in
      for sample in 0..<shape.samples {
        let (from, gradient) = (source[sample], targetGradient[sample])
        let results = filtering.lists.pointer + shape.sources + shape.targets
        for channel in 0..<shape.targets {
          results[channel] = weightGradients.pointer + channel * shape.sources * shape.taps
        }
        var job = tutti_filtering_gradient()
        job.sources = constant(filtering.list(from, at: 0))
        job.gradients = constant(filtering.list(gradient, at: shape.sources))
        (job.source_channels, job.source_pitch) = (Int32(from.channels), Int32(from.geometry.pitch))
        (job.target_channels, job.gradient_pitch) = (Int32(gradient.channels), Int32(gradient.geometry.pitch))
        (job.planes, job.rows) = (Int32(gradient.geometry.nz), Int32(gradient.geometry.ny))
        (job.width, job.dilation) = (Int32(gradient.geometry.nx), Int32(axes[1].dilation))
        (job.row_of, job.z, job.x_shift) = (filtering.rows.shifts, z.entries, shifts.shifts)
        (job.z_taps, job.x_taps) = (Int32(axes[0].kernel), Int32(axes[2].kernel))
        job.accumulate = sample > 0
        job.results = UnsafePointer(results)
        tutti_filtering_weight_gradient(&job, filtering.scratch.pointer)
      }
    }
  }
}
