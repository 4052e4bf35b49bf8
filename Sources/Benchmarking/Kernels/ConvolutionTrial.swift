import CKernels
import Engine
import Host

/// One convolution of random data: runs each pass by each algorithm on one thread, divided into pieces as the engine
/// cuts.
final class ConvolutionTrial {
  enum Pass: String, CaseIterable, Sendable, Encodable {
    case forward
    case dataGradient = "data gradient"
    case weightGradient = "weight gradient"
  }

  enum Algorithm: String, CaseIterable, Sendable, Encodable {
    /// Kernels on rows. Weights are packed beforehand, as once for a whole batch.
    case direct
    /// Winograd's minimal filtering, weights transformed beforehand.
    case winograd
    /// Minimal filtering along y, weights transformed beforehand.
    case filtering
    /// im2col and one product by OpenBLAS a sample; col2im for the data gradient.
    case matrix
  }

  /// Feature maps of all samples.
  final class Maps {
    let geometry: PlaneGeometry
    private let storage: AlignedBuffer<Float>

    init(channels: Int, axes: [AxisConvolution], samples: Int) {
      geometry = PlaneGeometry(
        channels: channels, nz: axes[0].source, ny: axes[1].source, nx: axes[2].source, halo: axes[2].padding)
      storage = AlignedBuffer(count: samples * geometry.sampleStride)
    }

    subscript(sample: Int) -> FeaturePlanes {
      FeaturePlanes(
        base: storage.pointer + sample * geometry.sampleStride + geometry.lead, geometry: geometry,
        channels: geometry.channels)
    }
  }

  let shape: ConvolutionShape
  let axes: [AxisConvolution]
  private let forward: [AxisMap]
  private let adjoint: [AxisMap]
  private let shifts: ShiftTable
  private let adjointShifts: ShiftTable
  let source: Maps
  let target: Maps
  let sourceGradient: Maps
  let targetGradient: Maps
  let weights: AlignedBuffer<Float>
  let weightGradients: AlignedBuffer<Float>
  private let packed: AlignedBuffer<Float>
  private let packedTransposed: AlignedBuffer<Float>
  /// Empty where Winograd's algorithm does not apply.
  let transformed: AlignedBuffer<Float>
  let transformedTransposed: AlignedBuffer<Float>
  let winogradScratch: AlignedBuffer<Float>
  let filtering: Filtering
  private let columns: AlignedBuffer<Float>
  private let matrix: AlignedBuffer<Float>
  let team: ThreadTeam

  /// - Throws: `ThreadTeamError` when the system refuses.
  init(_ shape: ConvolutionShape) throws {
    self.shape = shape
    let axes = shape.axes
    self.axes = axes
    forward = axes.map { AxisMap($0.forward) }
    adjoint = axes.map { AxisMap($0.adjoint) }
    shifts = ShiftTable(axes[2].shifts)
    adjointShifts = ShiftTable(axes[2].adjointShifts)
    func maps(_ channels: Int) -> Maps { Maps(channels: channels, axes: axes, samples: shape.samples) }
    source = maps(shape.sources)
    target = maps(shape.targets)
    sourceGradient = maps(shape.sources)
    targetGradient = maps(shape.targets)
    let (sources, targets, taps) = (Int32(shape.sources), Int32(shape.targets), Int32(shape.taps))
    weights = AlignedBuffer(count: shape.sources * shape.targets * shape.taps)
    weightGradients = AlignedBuffer(count: weights.count)
    packed = AlignedBuffer(count: tutti_convolution_packed_count(targets, sources, taps))
    packedTransposed = AlignedBuffer(count: tutti_convolution_packed_count(sources, targets, taps))
    columns = AlignedBuffer(count: shape.sources * shape.taps * shape.pixels)
    matrix = AlignedBuffer(count: shape.targets * shape.pixels)
    team = try ThreadTeam(size: 1)
    (transformed, transformedTransposed, winogradScratch) = Self.winogradBuffers(shape)
    for index in 0..<weights.count { weights.pointer[index] = Float.random(in: -1...1) }
    filtering = Filtering(shape, axes: axes, weights: weights.pointer, shifts: shifts, z: forward[0])
    for maps in [source, targetGradient] {
      for sample in 0..<shape.samples {
        let values = (0..<maps.geometry.channels * shape.pixels).map { _ in Float.random(in: -1...1) }
        values.withUnsafeBufferPointer { maps[sample].setPixels($0) }
      }
    }
    tutti_convolution_pack(weights.pointer, targets, sources, taps, false, packed.pointer)
    tutti_convolution_pack(weights.pointer, sources, targets, taps, true, packedTransposed.pointer)
    transformWeights()
  }

  /// One pass over all samples.
  func run(_ pass: Pass, _ algorithm: Algorithm) {
    switch (pass, algorithm) {
    case (.forward, .winograd): winograd(source, target, weights: transformed)
    case (.dataGradient, .winograd): winograd(targetGradient, sourceGradient, weights: transformedTransposed)
    case (.weightGradient, .winograd): winogradWeightGradient()
    case (.forward, .filtering): filter(source, target, transposed: false, z: forward[0], shifts: shifts)
    case (.dataGradient, .filtering):
      filter(targetGradient, sourceGradient, transposed: true, z: adjoint[0], shifts: adjointShifts)
    case (.weightGradient, .filtering): filterWeightGradient(z: forward[0], shifts: shifts)
    case (.forward, .direct):
      convolve(source, target, weights: packed, maps: forward, shifts: shifts)
    case (.dataGradient, .direct):
      convolve(targetGradient, sourceGradient, weights: packedTransposed, maps: adjoint, shifts: adjointShifts)
    case (.weightGradient, .direct): directWeightGradient()
    case (.forward, .matrix): matrixForward()
    case (.dataGradient, .matrix): matrixDataGradient()
    case (.weightGradient, .matrix): matrixWeightGradient()
    }
  }

  /// What a pass computed: the maps of all samples without halos, or the weights' gradient.
  func result(_ pass: Pass) -> [Float] {
    switch pass {
    case .forward: (0..<shape.samples).flatMap { target[$0].pixels() }
    case .dataGradient: (0..<shape.samples).flatMap { sourceGradient[$0].pixels() }
    case .weightGradient: Array(weightGradients.buffer)
    }
  }

  // MARK: Direct kernels

  private func convolve(
    _ source: Maps, _ target: Maps, weights: AlignedBuffer<Float>, maps: [AxisMap], shifts: ShiftTable
  ) {
    let geometry = target.geometry
    team.run(count: shape.samples * geometry.bands) { piece, _ in
      let (sample, band) = piece.quotientAndRemainder(dividingBy: geometry.bands)
      let (from, to) = (source[sample], target[sample])
      var job = tutti_convolution(
        source: from.base, source_channel_stride: from.geometry.channelStride, source_channels: Int32(from.channels),
        source_rows: Int32(from.geometry.ny), source_pitch: Int32(from.geometry.pitch), target: to.base,
        target_channel_stride: geometry.channelStride, target_channels: Int32(to.channels),
        target_rows: Int32(geometry.ny), target_pitch: Int32(geometry.pitch), first_x: 0, width: Int32(geometry.nx),
        z: maps[0].entries, y: maps[1].entries, z_taps: Int32(axes[0].kernel), y_taps: Int32(axes[1].kernel),
        x_taps: Int32(axes[2].kernel), x_shift: shifts.shifts, weights: weights.pointer, bias: nil, accumulate: false,
        first_source: 0, summed_sources: 0, is_cached: false)
      let first = band * geometry.bandRows
      tutti_convolution_rows(&job, Int32(first), Int32(min(geometry.rows, first + geometry.bandRows)))
    }
  }

  private func directWeightGradient() {
    team.run(count: 1) { _, _ in
      for sample in 0..<shape.samples {
        let (from, gradient) = (source[sample], targetGradient[sample])
        var job = tutti_weight_gradient(
          source: from.base, source_channel_stride: from.geometry.channelStride,
          source_channels: Int32(from.channels), source_rows: Int32(from.geometry.ny),
          source_pitch: Int32(from.geometry.pitch), gradient: gradient.base,
          gradient_channel_stride: gradient.geometry.channelStride, gradient_rows: Int32(gradient.geometry.ny),
          gradient_planes: Int32(gradient.geometry.nz), gradient_pitch: Int32(gradient.geometry.pitch),
          width: Int32(gradient.geometry.nx), z: forward[0].entries, y: forward[1].entries,
          z_taps: Int32(axes[0].kernel), y_taps: Int32(axes[1].kernel), x_taps: Int32(axes[2].kernel),
          x_shift: shifts.shifts, x_step: 1, accumulate: sample > 0, result: weightGradients.pointer,
          result_stride: depth)
        if GradientAlgorithm(channels: shape.targets, axes: axes) == .channels {
          tutti_channel_weight_gradient(&job, 0, Int32(shape.targets), 0, Int32(shape.sources))
        } else {
          tutti_convolution_weight_gradient(&job, 0, Int32(shape.targets), 0, Int32(shape.sources))
        }
      }
    }
  }

  // MARK: Matrix products

  private var depth: Int { shape.sources * shape.taps }

  private func matrixForward() {
    team.run(count: shape.samples) { sample, _ in
      takeColumns(sample)
      BLAS.gemm(
        m: shape.targets, n: shape.pixels, k: depth, a: weights.pointer, b: columns.pointer, c: matrix.pointer)
      copyMatrix(target[sample], toMatrix: false)
    }
  }

  private func matrixDataGradient() {
    team.run(count: shape.samples) { sample, _ in
      copyMatrix(targetGradient[sample], toMatrix: true)
      BLAS.gemm(
        transposeA: true, m: depth, n: shape.pixels, k: shape.targets, a: weights.pointer, b: matrix.pointer,
        c: columns.pointer)
      let to = sourceGradient[sample]
      for channel in 0..<to.channels {
        tutti_zero_rows(
          to.row(0, channel: channel), to.geometry.pitch, Int64(to.geometry.rows), Int32(to.geometry.nx))
      }
      tutti_col2im(
        columns.pointer, to.base, to.geometry.channelStride, Int32(to.geometry.ny), Int32(to.geometry.pitch),
        forward[0].entries, forward[1].entries, forward[2].entries, Int32(axes[0].kernel), Int32(axes[1].kernel),
        Int32(axes[2].kernel), Int32(axes[0].target), Int32(axes[1].target), Int32(axes[2].target), 0,
        Int32(to.channels))
    }
  }

  private func matrixWeightGradient() {
    team.run(count: 1) { _, _ in
      for sample in 0..<shape.samples {
        takeColumns(sample)
        copyMatrix(targetGradient[sample], toMatrix: true)
        BLAS.gemm(
          transposeB: true, m: shape.targets, n: depth, k: shape.pixels, a: matrix.pointer, b: columns.pointer,
          beta: sample > 0 ? 1 : 0, c: weightGradients.pointer)
      }
    }
  }

  private func takeColumns(_ sample: Int) {
    let from = source[sample]
    tutti_im2col(
      from.base, from.geometry.channelStride, Int32(from.geometry.ny), Int32(from.geometry.pitch), forward[0].entries,
      forward[1].entries, forward[2].entries, Int32(axes[0].kernel), Int32(axes[1].kernel), Int32(axes[2].kernel),
      Int32(axes[0].target), Int32(axes[1].target), Int32(axes[2].target), 0, Int32(from.channels), columns.pointer)
  }

  /// Planes to the matrix without pitch, or back.
  private func copyMatrix(_ planes: FeaturePlanes, toMatrix: Bool) {
    let geometry = planes.geometry
    for channel in 0..<planes.channels {
      let row = planes.row(0, channel: channel)
      let line = matrix.pointer + channel * geometry.pixels
      tutti_copy_rows(
        toMatrix ? row : line, toMatrix ? geometry.pitch : geometry.nx, toMatrix ? line : row,
        toMatrix ? geometry.nx : geometry.pitch, Int64(geometry.rows), Int32(geometry.nx), 1, false)
    }
  }
}
