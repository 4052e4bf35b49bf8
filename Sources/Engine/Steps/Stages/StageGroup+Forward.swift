import CKernels

extension Execution {
  func forward(_ group: StageGroup, updatesStatistics: Bool) {
    let first = plan.stages[group.stages.lowerBound]
    let geometry = first.target.geometry
    for index in group.stages {
      let stage = plan.stages[index]
      if let normalization = stage.normalization, !usesBatchStatistics(stage) { useRunningStatistics(normalization) }
      switch stage.product?.algorithm {
      case .matrix: matrixForward(stage)
      case .winograd: winogradForward(stage)
      case .disjoint: disjointForward(stage)
      case .direct, .filtering, nil: break
      }
    }
    if group.isDense {
      sumCommonSources(group, geometry)
      for index in group.stages {
        let stage = plan.stages[index]
        let rest = group.common..<stage.source.channels
        forEachPiece(geometry, rows: group.made?.pieceRows ?? geometry.bandRows, multipleOf: geometry.bandRows) {
          sample, rows, thread in
          sumSources(group, index..<index + 1, rest, sample, rows, thread)
          forEachBand(of: geometry, rows, sample) { finishProduct(stage, group, $0) }
        }
        normalize(index..<index + 1, group, geometry, updatesStatistics: updatesStatistics)
      }
    } else {
      let piece = group.activated == nil ? group.made?.pieceRows ?? geometry.bandRows : geometry.rows
      forEachPiece(geometry, rows: piece, multipleOf: geometry.bandRows) { sample, rows, thread in
        if first.product?.algorithm == .direct || !group.filterSets.isEmpty { sumAll(group, sample, rows, thread) }
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

  /// The products of a group over the whole of its source, for some rows and for quads that begin there.
  private func sumAll(_ group: StageGroup, _ sample: Int, _ rows: Range<Int>, _ thread: Int) {
    let source: FeaturePlanes
    if let stack = group.activated {
      let read = max(0, rows.lowerBound - stack.reach)..<min(stack.planes.rows, rows.upperBound + stack.reach)
      source = activate(stack, sample, 0..<group.common, read, thread)
      for index in group.stages where plan.stages[index].product?.algorithm == .direct {
        sumSources(plan.stages[index], source, sample, rows, 0..<group.common)
      }
    } else {
      source = planes(plan.stages[group.stages.lowerBound].source, sample)
      sumSources(group, group.stages, 0..<group.common, sample, rows, thread)
    }
    for index in group.filterSets { filter(plan.filterSets[index], source, sample, rows, thread) }
  }

  /// What all layers of a dense block get from the planes that were there before it. The cut into pieces is free.
  private func sumCommonSources(_ group: StageGroup, _ geometry: PlaneGeometry) {
    let most = group.made?.pieceRows ?? StageGroup.denseBands * geometry.bandRows
    // More pieces than threads even their times out, but rows that are made around each cost more.
    forEachPiece(geometry, rows: most, multipleOf: 1, each: group.made == nil ? 2 : 1) { sample, rows, thread in
      sumSources(group, group.stages, 0..<group.common, sample, rows, thread)
    }
  }

  /// The products of some stages over some source channels, which come into cache once for all, some at a time.
  private func sumSources(
    _ group: StageGroup, _ stages: Range<Int>, _ channels: Range<Int>, _ sample: Int, _ rows: Range<Int>, _ thread: Int
  ) {
    if let made = group.made {
      sumMadeSources(group, made, stages, channels, sample, rows, thread)
      return
    }
    var channel = channels.lowerBound
    while channel < channels.upperBound {
      let next = min(channels.upperBound, channel + group.chunk)
      for index in stages {
        let stage = plan.stages[index]
        guard stage.product?.algorithm == .direct else { continue }
        sumSources(stage, planes(stage.source, sample), sample, rows, channel..<next)
      }
      channel = next
    }
  }

  private func finishProducts(_ group: StageGroup, _ band: Band, late: Bool) {
    for index in group.stages where plan.stages[index].isFinishedLate == late {
      finishProduct(plan.stages[index], group, band)
    }
  }

  /// What follows a product while its result is in cache: moments, or all that is left of the stage.
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
      takeMoments(stage, group, band)
    } else {
      activate(stage, band)
    }
  }

  /// The rest of stages that needed the moments of the whole batch.
  private func normalize(
    _ stages: Range<Int>, _ group: StageGroup, _ geometry: PlaneGeometry, updatesStatistics: Bool
  ) {
    var waits = false
    for index in stages {
      let stage = plan.stages[index]
      guard usesBatchStatistics(stage), let normalization = stage.normalization else { continue }
      useBatchStatistics(stage, normalization, group, updates: updatesStatistics)
      if stage.target.isStored { waits = true }
    }
    guard waits else { return }
    forEachBand(geometry) { band in
      for index in stages where usesBatchStatistics(plan.stages[index]) && plan.stages[index].target.isStored {
        activate(plan.stages[index], band)
      }
    }
  }

  /// target = activation(scale · (raw − mean) + shift), with its halo.
  private func activate(_ stage: Stage, _ band: Band) { activate(stage, band, to: stage.target) }

  /// Makes a stage's result anew in another place.
  func remake(_ remade: (place: Place, maker: Int)) {
    forEachBand(remade.place.geometry) { activate(plan.stages[remade.maker], $0, to: remade.place) }
  }

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

  /// Makes some rows of some of a stage's channels, with their halo, out of its raw result.
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
