import CKernels

// Product, normalization and activation, band by band.

extension Execution {
  /// A piece of a stage's work: rows of one sample that lie together in cache.
  private struct Band {
    var sample: Int
    var index: Int
    var first: Int
    var last: Int
    var rows: Int64 { Int64(last - first) }
  }

  private func forEachBand(_ geometry: PlaneGeometry, _ body: (Band) -> Void) {
    let bands = geometry.bands
    team.run(count: samples * bands) { piece, _ in
      let (sample, index) = piece.quotientAndRemainder(dividingBy: bands)
      let first = index * geometry.bandRows
      body(Band(sample: sample, index: index, first: first, last: min(geometry.rows, first + geometry.bandRows)))
    }
  }

  func forward(_ stage: Stage, updatesStatistics: Bool) {
    let geometry = stage.target.geometry
    let batchStatistics =
      stage.normalization.map { plan.purpose == .training || $0.mean == nil } ?? false
    if let normalization = stage.normalization, !batchStatistics { useRunningStatistics(normalization) }
    if let product = stage.product, product.algorithm == .matrix { matrixForward(product, stage) }
    forEachBand(geometry) { band in
      if let product = stage.product, product.algorithm == .direct { directForward(product, stage, band) }
      if batchStatistics {
        takeMoments(stage, band)
      } else {
        activate(stage, band)
      }
    }
    guard batchStatistics, let normalization = stage.normalization else { return }
    useBatchStatistics(
      normalization, channels: stage.target.channels, bands: geometry.bands, updates: updatesStatistics)
    forEachBand(geometry) { activate(stage, $0) }
  }

  private func directForward(_ product: Product, _ stage: Stage, _ band: Band) {
    let source = planes(stage.source, band.sample)
    let raw = planes(stage.raw, band.sample)
    var job = tutti_convolution(
      source: source.base, source_channel_stride: source.geometry.channelStride,
      source_channels: Int32(source.channels), source_rows: Int32(source.geometry.ny),
      source_pitch: Int32(source.geometry.pitch), target: raw.base,
      target_channel_stride: raw.geometry.channelStride, target_channels: Int32(raw.channels),
      target_rows: Int32(raw.geometry.ny), target_pitch: Int32(raw.geometry.pitch), first_x: 0,
      width: Int32(raw.geometry.nx), z: product.z, y: product.y, z_taps: Int32(product.zTaps),
      y_taps: Int32(product.yTaps), x_taps: Int32(product.xTaps), x_shift: product.xShifts,
      weights: packed.pointer + product.packed.offset,
      bias: product.bias.map { UnsafePointer(parameters.pointer + $0.offset) },
      accumulate: false)
    tutti_convolution_rows(&job, Int32(band.first), Int32(band.last))
  }

  private func takeMoments(_ stage: Stage, _ band: Band) {
    let raw = planes(stage.raw, band.sample)
    let bands = stage.target.geometry.bands
    for channel in 0..<raw.channels {
      moments.pointer[(band.sample * raw.channels + channel) * bands + band.index] = tutti_row_moments(
        raw.row(band.first, channel: channel), band.rows, raw.geometry.pitch, Int32(raw.geometry.nx))
    }
  }

  /// target = activation(scale · (raw − mean) + shift), with its halo.
  private func activate(_ stage: Stage, _ band: Band) {
    let raw = planes(stage.raw, band.sample)
    let target = planes(stage.target, band.sample)
    let nx = Int32(target.geometry.nx)
    if stage.isPlain && stage.rawIsTarget {
      guard stage.border.width > 0 else { return }
      for channel in 0..<target.channels {
        tutti_fill_halo(
          target.row(band.first, channel: channel), band.rows, target.geometry.pitch, nx, stage.border.padding,
          stage.border.width)
      }
      return
    }
    for channel in 0..<target.channels {
      let (scale, mean, shift) = coefficients(stage.normalization, band.sample, channel, target.channels)
      tutti_affine_activation(
        raw.row(band.first, channel: channel), raw.geometry.pitch, target.row(band.first, channel: channel),
        target.geometry.pitch, band.rows, nx, scale, mean, shift, stage.activation, stage.activationParameter,
        stage.border.padding, stage.border.width)
    }
  }

  /// The affine map of a channel: scale, mean, shift.
  private func coefficients(
    _ normalization: Normalization?, _ sample: Int, _ channel: Int, _ channels: Int
  ) -> (Float, Float, Float) {
    guard let normalization else { return (1, 0, 0) }
    let values = coefficients(normalization, shard: sample / samplesPerShard) + channel
    return (values[0], values[2 * channels], values[channels])
  }

  // MARK: Backward

  func backward(_ stage: Stage) {
    guard let gradient = stage.targetGradient else { return }
    let geometry = gradient.geometry
    let needsSums = stage.normalization != nil || stage.product?.bias != nil
    if needsSums || !stage.isPlain || stage.border.width > 0 {
      forEachBand(geometry) { passActivation(stage, gradient, $0, needsSums: needsSums) }
    }
    if needsSums { sumGradients(stage, channels: gradient.channels, bands: geometry.bands) }
    if let normalization = stage.normalization {
      forEachBand(geometry) { passNormalization(stage, normalization, gradient, $0) }
    }
    if let product = stage.product {
      weightGradient(product, stage, gradient)
      guard let sourceGradient = stage.sourceGradient else { return }
      switch product.algorithm {
      case .direct: directDataGradient(product, gradient, sourceGradient)
      case .matrix: matrixDataGradient(product, gradient, sourceGradient)
      }
    } else if let sourceGradient = stage.sourceGradient {
      addPlanes(from: gradient, to: sourceGradient)
    }
  }

  private func passActivation(_ stage: Stage, _ gradient: Place, _ band: Band, needsSums: Bool) {
    let g = planes(gradient, band.sample)
    let raw = planes(stage.raw, band.sample)
    let bands = g.geometry.bands
    let nx = Int32(g.geometry.nx)
    for channel in 0..<g.channels {
      let row = g.row(band.first, channel: channel)
      if stage.border.width > 0, stage.border.padding != TUTTI_ZEROS {
        tutti_fold_halo(row, band.rows, g.geometry.pitch, nx, stage.border.padding, stage.border.width)
      }
      let place = (band.sample * g.channels + channel) * bands + band.index
      if stage.isPlain {
        guard needsSums else { continue }
        sums.pointer[place] = tutti_gradient_sums(
          g: tutti_row_sum(row, band.rows, g.geometry.pitch, nx), g_u: 0)
      } else {
        let (scale, mean, shift) = coefficients(stage.normalization, band.sample, channel, g.channels)
        sums.pointer[place] = tutti_activation_gradient(
          row, g.geometry.pitch, raw.row(band.first, channel: channel), raw.geometry.pitch, band.rows, nx, scale, mean,
          shift,
          stage.activation, stage.activationParameter)
      }
    }
  }

  private func passNormalization(_ stage: Stage, _ normalization: Normalization, _ gradient: Place, _ band: Band) {
    let g = planes(gradient, band.sample)
    let raw = planes(stage.raw, band.sample)
    let values = coefficients(normalization, shard: band.sample / samplesPerShard)
    let channels = g.channels
    for channel in 0..<channels {
      tutti_normalization_gradient(
        g.row(band.first, channel: channel), g.geometry.pitch, raw.row(band.first, channel: channel),
        raw.geometry.pitch, band.rows, Int32(g.geometry.nx), values[channel], values[2 * channels + channel],
        values[4 * channels + channel], values[5 * channels + channel])
    }
  }

  private func directDataGradient(_ product: Product, _ gradient: Place, _ sourceGradient: Place) {
    forEachBand(sourceGradient.geometry) { band in
      let g = planes(gradient, band.sample)
      let target = planes(sourceGradient, band.sample)
      var job = tutti_convolution(
        source: g.base, source_channel_stride: g.geometry.channelStride, source_channels: Int32(g.channels),
        source_rows: Int32(g.geometry.ny), source_pitch: Int32(g.geometry.pitch), target: target.base,
        target_channel_stride: target.geometry.channelStride, target_channels: Int32(target.channels),
        target_rows: Int32(target.geometry.ny), target_pitch: Int32(target.geometry.pitch),
        first_x: Int32(-product.reach), width: Int32(target.geometry.nx + 2 * product.reach), z: product.adjointZ,
        y: product.adjointY, z_taps: Int32(product.zTaps), y_taps: Int32(product.yTaps),
        x_taps: Int32(product.xTaps), x_shift: product.adjointXShifts,
        weights: packed.pointer + product.packedTransposed.offset, bias: nil, accumulate: true)
      tutti_convolution_rows(&job, Int32(band.first), Int32(band.last))
    }
  }
}
