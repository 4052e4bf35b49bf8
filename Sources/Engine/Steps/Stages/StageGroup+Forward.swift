import CKernels

extension Execution {
  func forward(_ group: StageGroup, updatesStatistics: Bool) {
    let first = plan.stages[group.stages.lowerBound]
    let geometry = first.target.geometry
    for id in group.stages {
      let stage = plan.stages[id]
      if let normalization = stage.normalization, !usesBatchStatistics(stage) { useRunningStatistics(normalization) }
      switch stage.product?.algorithm {
      case .matrix: matrixForward(stage)
      case .winograd: winogradForward(stage)
      case .disjoint: disjointForward(stage)
      case .direct, .filtering, nil: break
      }
    }
    if group.isDense {
      convolveCommonChannels(group, geometry)
      for id in group.stages {
        let stage = plan.stages[id]
        let remaining = group.commonChannels..<stage.source.channels
        let pieceRows = group.recomputedSource?.pieceRows ?? geometry.bandRows
        forEachPiece(geometry, rows: pieceRows, multipleOf: geometry.bandRows) { sample, rows, thread in
          convolve(group, Indices(id), remaining, sample, rows, thread)
          forEachBand(of: geometry, rows, sample) { finishProduct(stage, group, $0) }
        }
        normalize(Indices(id), group, geometry, updatesStatistics: updatesStatistics)
      }
    } else {
      let pieceRows =
        group.virtualSource == nil ? group.recomputedSource?.pieceRows ?? geometry.bandRows : geometry.rows
      forEachPiece(geometry, rows: pieceRows, multipleOf: geometry.bandRows) { sample, rows, thread in
        if first.product?.algorithm == .direct || !group.filterSets.isEmpty {
          convolveAllChannels(group, sample, rows, thread)
        }
        forEachBand(of: geometry, rows, sample) { finishProducts(group, $0, late: false) }
      }
      if plan.stages[group.stages].contains(where: \.isFinishedLate) {
        forEachBand(geometry) { finishProducts(group, $0, late: true) }
      }
      normalize(group.stages, group, geometry, updatesStatistics: updatesStatistics)
    }
  }

  func usesBatchStatistics(_ stage: Stage) -> Bool {
    stage.normalization.map { plan.purpose == .training || $0.mean == nil } ?? false
  }

  // MARK: Products

  /// The products of a group over all source channels, for some rows; filtered ones for the quads that begin there.
  private func convolveAllChannels(_ group: StageGroup, _ sample: Int, _ rows: Range<Int>, _ thread: Int) {
    let source: FeaturePlanes
    if let concatenation = group.virtualSource {
      let reach = concatenation.reach
      let read = max(0, rows.lowerBound - reach)..<min(concatenation.planes.rows, rows.upperBound + reach)
      source = recompute(concatenation, sample, 0..<group.commonChannels, read, thread)
      for id in group.stages where plan.stages[id].product?.algorithm == .direct {
        convolve(plan.stages[id], source, sample, rows, 0..<group.commonChannels)
      }
    } else {
      source = planes(plan.stages[group.stages.lowerBound].source, sample)
      convolve(group, group.stages, 0..<group.commonChannels, sample, rows, thread)
    }
    for id in group.filterSets { filter(plan.filterSets[id], source, sample, rows, thread) }
  }

  /// Convolves the channels that all layers of a dense block read. How rows are cut into pieces changes no sum.
  private func convolveCommonChannels(_ group: StageGroup, _ geometry: PlaneGeometry) {
    let most = group.recomputedSource?.pieceRows ?? StageGroup.denseBands * geometry.bandRows
    // More pieces than threads balance the load, but each piece recomputes the rows around it.
    forEachPiece(geometry, rows: most, multipleOf: 1, each: group.recomputedSource == nil ? 2 : 1) {
      sample, rows, thread in
      convolve(group, group.stages, 0..<group.commonChannels, sample, rows, thread)
    }
  }

  /// The products of some stages over some source channels: a few channels at a time, which are in cache for all
  /// stages.
  private func convolve(
    _ group: StageGroup, _ stages: Indices<Stage>, _ channels: Range<Int>, _ sample: Int, _ rows: Range<Int>,
    _ thread: Int
  ) {
    if let recomputed = group.recomputedSource {
      convolveRecomputed(group, recomputed, stages, channels, sample, rows, thread)
      return
    }
    var channel = channels.lowerBound
    while channel < channels.upperBound {
      let next = min(channels.upperBound, channel + group.chunk)
      for id in stages {
        let stage = plan.stages[id]
        guard stage.product?.algorithm == .direct else { continue }
        convolve(stage, planes(stage.source, sample), sample, rows, channel..<next)
      }
      channel = next
    }
  }

  // MARK: Normalization and activation

  private func finishProducts(_ group: StageGroup, _ band: Band, late: Bool) {
    for id in group.stages where plan.stages[id].isFinishedLate == late {
      finishProduct(plan.stages[id], group, band)
    }
  }

  /// What follows a product while its result is in cache: the moments, or the whole rest of the stage.
  private func finishProduct(_ stage: Stage, _ group: StageGroup, _ band: Band) {
    if stage.activatesFirst {
      let raw = planes(stage.raw, band.sample)
      for channel in 0..<raw.channels {
        let row = raw.row(band.first, channel: channel)
        tutti_affine_activation(
          row, raw.geometry.pitch, row, raw.geometry.pitch, band.rows, Int32(raw.geometry.nx), 1, 0, 0,
          stage.activation, stage.activationParameter, TUTTI_ZEROS, 0)
      }
    }
    if usesBatchStatistics(stage) {
      computeMoments(stage, group, band)
    } else {
      activate(stage, band, to: stage.target)
    }
  }

  /// Normalizes and activates the results of stages that waited for the moments of the whole batch.
  private func normalize(
    _ stages: Indices<Stage>, _ group: StageGroup, _ geometry: PlaneGeometry, updatesStatistics: Bool
  ) {
    var waits = false
    for id in stages {
      let stage = plan.stages[id]
      guard usesBatchStatistics(stage), let normalization = stage.normalization else { continue }
      useBatchStatistics(stage, normalization, groupChannels: group.channels, updates: updatesStatistics)
      if stage.target.isStored { waits = true }
    }
    guard waits else { return }
    forEachBand(geometry) { band in
      for id in stages where usesBatchStatistics(plan.stages[id]) && plan.stages[id].target.isStored {
        activate(plan.stages[id], band, to: plan.stages[id].target)
      }
    }
  }

  /// Computes a stage's target once more from its kept result.
  func recompute(_ recomputation: Stage.Recomputation) {
    forEachBand(recomputation.place.geometry) {
      activate(plan.stages[recomputation.producer], $0, to: recomputation.place)
    }
  }

  /// target = activation(scale · (raw − mean) + shift), with its halo.
  private func activate(_ stage: Stage, _ band: Band, to place: Place) {
    defer { roundValue(place, band.sample, band.first..<band.last, border: stage.border) }
    let target = planes(place, band.sample)
    if stage.isPlain && stage.rawIsTarget {
      guard stage.border.width > 0 else { return }
      for channel in 0..<target.channels {
        tutti_fill_halo(
          target.row(band.first, channel: channel), band.rows, target.geometry.pitch, Int32(target.geometry.nx),
          stage.border.padding, stage.border.width)
      }
      return
    }
    activate(stage, band.sample, 0..<target.channels, band.first..<band.last, to: target)
  }

  /// The same for some rows of some channels.
  func activate(_ stage: Stage, _ sample: Int, _ channels: Range<Int>, _ rows: Range<Int>, to target: FeaturePlanes) {
    let raw = planes(stage.raw, sample)
    for channel in channels {
      let (scale, mean, shift) = coefficients(stage.normalization, sample, channel, target.channels)
      tutti_affine_activation(
        raw.row(rows.lowerBound, channel: channel), raw.geometry.pitch, target.row(rows.lowerBound, channel: channel),
        target.geometry.pitch, Int64(rows.count), Int32(target.geometry.nx), scale, mean, shift,
        stage.activatesFirst ? TUTTI_IDENTITY : stage.activation, stage.activationParameter, stage.border.padding,
        stage.border.width)
    }
  }
}
