import CKernels

extension Execution {
  func forward(_ restack: Restack, updatesStatistics: Bool) {
    let stage = stage(of: restack)
    guard let normalization = stage.normalization else { return }
    let channels = stage.source.channels
    if usesBatchStatistics(stage) {
      let first = restack.isFollowing ? restack.old : 0
      forEachBand(stage.source.geometry) { band in
        for channel in first..<channels {
          let line = oldLine(restack, shard: band.sample / samplesPerShard, channel)
          takeMoments(stage, line, band, channel)
        }
      }
      useBatchStatistics(stage, normalization, restack.group, updates: updatesStatistics)
    } else {
      useRunningStatistics(normalization)
    }
    for shard in 0..<(plan.normalizationScope == .shard ? shards : 1) {
      let values = coefficients(normalization, shard: shard)
      for channel in 0..<channels {
        let line = oldLine(restack, shard: shard, channel).restacked(
          scale: values[CoefficientRow.scale * channels + channel],
          mean: values[CoefficientRow.mean * channels + channel],
          shift: values[CoefficientRow.shift * channels + channel])
        store(line, at: lineAddress(restack.lines, shard: shard, channel))
      }
    }
    guard restack.isStored else { return }
    forEachBand(stage.target.geometry) { band in
      for channel in 0..<channels {
        fill(stage, line(at: lineAddress(restack.lines, shard: band.sample / samplesPerShard, channel)), band, channel)
      }
      roundValue(stage.target, band.sample, band.first..<band.last, border: stage.border)
    }
  }

  func backward(_ restack: Restack) {
    let stage = stage(of: restack)
    guard let normalization = stage.normalization, let gradient = stage.targetGradient else { return }
    if !restack.hasSumsTaken {
      forEachBand(gradient.geometry) { band in
        takeSums(
          restack, band.sample, band.index, band.first..<band.last, 0..<stage.source.channels, isFirst: true)
      }
    }
    sumGradients(stage, normalization)
    let channels = restack.isFollowing ? restack.old..<stage.source.channels : 0..<stage.source.channels
    forEachBand(gradient.geometry) { band in
      passGradient(restack, band.sample, band.first..<band.last, channels, made: nil)
    }
  }

  // MARK: Rows

  private func takeMoments(_ stage: Stage, _ line: tutti_line, _ band: Band, _ channel: Int) {
    let source = planes(stage.source, band.sample)
    moments.pointer[(band.sample * source.channels + channel) * source.geometry.bands + band.index] =
      tutti_line_moments(
        line, source.row(band.first, channel: channel), band.rows, source.geometry.pitch, Int32(source.geometry.nx))
  }

  /// Makes a band of the stack from the planes.
  private func fill(_ stage: Stage, _ line: tutti_line, _ band: Band, _ channel: Int) {
    let source = planes(stage.source, band.sample)
    let target = planes(stage.target, band.sample)
    tutti_line_rows(
      line, source.row(band.first, channel: channel), source.geometry.pitch, target.row(band.first, channel: channel),
      target.geometry.pitch, band.rows, Int32(target.geometry.nx), stage.border.padding, stage.border.width)
  }

  /// Folds the gradient's halo and sums the gradient in some rows of a band.
  func takeSums(
    _ restack: Restack, _ sample: Int, _ band: Int, _ rows: Range<Int>, _ channels: Range<Int>, isFirst: Bool
  ) {
    let stage = stage(of: restack)
    guard let normalization = stage.normalization, let gradient = stage.targetGradient else { return }
    let g = planes(gradient, sample)
    let x = planes(stage.source, sample)
    let shard = sample / samplesPerShard
    let means = coefficients(normalization, shard: shard) + CoefficientRow.mean * x.channels
    for channel in channels {
      let row = g.row(rows.lowerBound, channel: channel)
      foldHalo(row, Int64(rows.count), g.geometry, border: stage.border)
      let found = tutti_line_gradient_sums(
        oldLine(restack, shard: shard, channel), row, g.geometry.pitch, x.row(rows.lowerBound, channel: channel),
        x.geometry.pitch, Int64(rows.count), Int32(g.geometry.nx), means[channel])
      let place = sumsPlace(stage, sample: sample, channel: channel) + band
      let before = isFirst ? tutti_gradient_sums(g: 0, g_u: 0) : sums.pointer[place]
      sums.pointer[place] = tutti_gradient_sums(g: before.g + found.g, g_u: before.g_u + found.g_u)
    }
  }

  /// Takes the gradient back through normalization and ReLU, in the stack's for old channels; `made` receives what the layer before read of
  /// them.
  func passGradient(
    _ restack: Restack, _ sample: Int, _ rows: Range<Int>, _ channels: Range<Int>, made: FeaturePlanes?
  ) {
    let stage = stage(of: restack)
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
      let isOld = channel < restack.old
      let target = isOld ? g : fresh
      let row = target.row(rows.lowerBound, channel: channel)
      tutti_line_gradient(
        oldLine(restack, shard: shard, channel), g.row(rows.lowerBound, channel: channel), g.geometry.pitch,
        x.row(rows.lowerBound, channel: channel), x.geometry.pitch, row, target.geometry.pitch,
        made?.row(rows.lowerBound, channel: channel), made?.geometry.pitch ?? 0, Int64(rows.count), nx,
        values[CoefficientRow.scale * count + channel], values[CoefficientRow.mean * count + channel],
        values[CoefficientRow.gradientMean * count + channel],
        values[CoefficientRow.gradientSlope * count + channel])
      if !isOld {
        tutti_fill_halo(row, Int64(rows.count), target.geometry.pitch, nx, TUTTI_ZEROS, Int32(target.geometry.halo))
      }
    }
  }

  func restack(_ step: Int?) -> Restack? {
    guard let step, case .restack(let restack) = plan.steps[step] else { return nil }
    return restack
  }

  @inline(__always)
  private func stage(of restack: Restack) -> Stage { plan.stages[restack.group.stages.lowerBound] }

  /// What makes a channel's value before the restacking out of its plane.
  @inline(__always)
  private func oldLine(_ restack: Restack, shard: Int, _ channel: Int) -> tutti_line {
    channel < restack.old ? line(at: lineAddress(restack.oldLines, shard: shard, channel)) : .identity
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
