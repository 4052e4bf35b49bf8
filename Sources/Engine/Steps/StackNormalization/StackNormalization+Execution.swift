import CKernels

extension Execution {
  func forward(_ step: StackNormalization, updatesStatistics: Bool) {
    let stage = plan.stages[step.stage]
    guard let normalization = stage.normalization else { return }
    let channels = stage.source.channels
    if usesBatchStatistics(stage) {
      let first = step.isFusedWithPrevious ? step.oldChannels : 0
      forEachBand(stage.source.geometry) { band in
        for channel in first..<channels {
          let line = oldLine(step, shard: band.sample / samplesPerShard, channel)
          computeMoments(stage, line, band, channel)
        }
      }
      useBatchStatistics(stage, normalization, groupChannels: channels, updates: updatesStatistics)
    } else {
      useRunningStatistics(normalization)
    }
    for shard in 0..<(plan.normalizationScope == .shard ? shards : 1) {
      let values = coefficients(normalization, shard: shard)
      for channel in 0..<channels {
        let line = oldLine(step, shard: shard, channel).normalized(
          scale: values[CoefficientRow.scale * channels + channel],
          mean: values[CoefficientRow.mean * channels + channel],
          shift: values[CoefficientRow.shift * channels + channel])
        store(line, at: lineAddress(step.lines, shard: shard, channel))
      }
    }
    guard step.isStored else { return }
    forEachBand(stage.target.geometry) { band in
      for channel in 0..<channels {
        fill(stage, line(at: lineAddress(step.lines, shard: band.sample / samplesPerShard, channel)), band, channel)
      }
      roundValue(stage.target, band.sample, band.first..<band.last, border: stage.border)
    }
  }

  func backward(_ step: StackNormalization) {
    let stage = plan.stages[step.stage]
    guard let normalization = stage.normalization, let gradient = stage.targetGradient else { return }
    if !step.isFusedWithNext {
      forEachBand(gradient.geometry) { band in
        sumGradients(
          step, band.sample, band.index, band.first..<band.last, 0..<stage.source.channels, isFirst: true)
      }
    }
    sumGradients(stage, normalization)
    let channels = step.isFusedWithPrevious ? step.oldChannels..<stage.source.channels : 0..<stage.source.channels
    forEachBand(gradient.geometry) { band in
      propagateGradient(step, band.sample, band.first..<band.last, channels, recomputed: nil)
    }
  }

  // MARK: Rows

  private func computeMoments(_ stage: Stage, _ line: tutti_line, _ band: Band, _ channel: Int) {
    let source = planes(stage.source, band.sample)
    moments.pointer[(band.sample * source.channels + channel) * source.geometry.bands + band.index] =
      tutti_line_moments(
        line, source.row(band.first, channel: channel), band.rows, source.geometry.pitch, Int32(source.geometry.nx))
  }

  /// Computes a band of the normalized stack from the convolution results.
  private func fill(_ stage: Stage, _ line: tutti_line, _ band: Band, _ channel: Int) {
    let source = planes(stage.source, band.sample)
    let target = planes(stage.target, band.sample)
    tutti_line_rows(
      line, source.row(band.first, channel: channel), source.geometry.pitch, target.row(band.first, channel: channel),
      target.geometry.pitch, band.rows, Int32(target.geometry.nx), stage.border.padding, stage.border.width)
  }

  /// Folds the gradient's halo and adds the gradient in some rows to the sums of a band.
  ///
  /// - Parameter isFirst: whether the rows are the first of the band.
  func sumGradients(
    _ step: StackNormalization, _ sample: Int, _ band: Int, _ rows: Range<Int>, _ channels: Range<Int>, isFirst: Bool
  ) {
    let stage = plan.stages[step.stage]
    guard let normalization = stage.normalization, let gradient = stage.targetGradient else { return }
    let g = planes(gradient, sample)
    let x = planes(stage.source, sample)
    let shard = sample / samplesPerShard
    let means = coefficients(normalization, shard: shard) + CoefficientRow.mean * x.channels
    for channel in channels {
      let row = g.row(rows.lowerBound, channel: channel)
      foldHalo(row, Int64(rows.count), g.geometry, border: stage.border)
      let found = tutti_line_gradient_sums(
        oldLine(step, shard: shard, channel), row, g.geometry.pitch, x.row(rows.lowerBound, channel: channel),
        x.geometry.pitch, Int64(rows.count), Int32(g.geometry.nx), means[channel])
      let place = sumsPlace(stage, sample: sample, channel: channel) + band
      let before = isFirst ? tutti_gradient_sums(g: 0, g_u: 0) : sums.pointer[place]
      sums.pointer[place] = tutti_gradient_sums(g: before.g + found.g, g_u: before.g_u + found.g_u)
    }
  }

  /// Propagates the gradient through normalization and ReLU: in place for old channels, to the gradients of convolution
  /// results for new ones. `recomputed` receives what the layer before read of the channels.
  func propagateGradient(
    _ step: StackNormalization, _ sample: Int, _ rows: Range<Int>, _ channels: Range<Int>, recomputed: FeaturePlanes?
  ) {
    let stage = plan.stages[step.stage]
    guard let normalization = stage.normalization, let gradient = stage.targetGradient,
      let sourceGradient = stage.sourceGradient
    else { return }
    let g = planes(gradient, sample)
    let x = planes(stage.source, sample)
    let fresh = planes(sourceGradient, sample)
    let shard = sample / samplesPerShard
    let values = coefficients(normalization, shard: shard)
    let count = x.channels
    let nx = Int32(g.geometry.nx)
    for channel in channels {
      let isOld = channel < step.oldChannels
      let target = isOld ? g : fresh
      let row = target.row(rows.lowerBound, channel: channel)
      tutti_line_gradient(
        oldLine(step, shard: shard, channel), g.row(rows.lowerBound, channel: channel), g.geometry.pitch,
        x.row(rows.lowerBound, channel: channel), x.geometry.pitch, row, target.geometry.pitch,
        recomputed?.row(rows.lowerBound, channel: channel), recomputed?.geometry.pitch ?? 0, Int64(rows.count), nx,
        values[CoefficientRow.scale * count + channel], values[CoefficientRow.mean * count + channel],
        values[CoefficientRow.gradientMean * count + channel],
        values[CoefficientRow.gradientSlope * count + channel])
      if !isOld {
        tutti_fill_halo(row, Int64(rows.count), target.geometry.pitch, nx, TUTTI_ZEROS, Int32(target.geometry.halo))
      }
    }
  }

  func stackNormalization(_ step: StepID?) -> StackNormalization? {
    guard let step, case .stackNormalization(let normalization) = plan.steps[step] else { return nil }
    return normalization
  }

  /// The line that made a channel of the stack before from its convolution result.
  @inline(__always)
  private func oldLine(_ step: StackNormalization, shard: Int, _ channel: Int) -> tutti_line {
    channel < step.oldChannels ? line(at: lineAddress(step.oldLines, shard: shard, channel)) : .identity
  }

  @inline(__always)
  func lineAddress(_ lines: Int, shard: Int, _ channel: Int) -> UnsafeMutablePointer<Float> {
    coefficients(at: lines, shard: shard) + tutti_line.floats * channel
  }

  @inline(__always)
  func line(at p: UnsafeMutablePointer<Float>) -> tutti_line {
    tutti_line(low: p[0], high: p[1], reference: p[2], slope: p[3], value: p[4])
  }

  private func store(_ line: tutti_line, at p: UnsafeMutablePointer<Float>) {
    (p[0], p[1], p[2], p[3], p[4]) = (line.low, line.high, line.reference, line.slope, line.value)
  }
}
