import CKernels

// Groups of stages: products, normalizations and activations, band by band.

extension Execution {
  /// A piece of a stage's work: rows of one sample that lie together in cache.
  struct Band {
    var sample: Int
    var index: Int
    var first: Int
    var last: Int
    var rows: Int64 { Int64(last - first) }
  }

  func forEachBand(_ geometry: PlaneGeometry, _ body: (Band) -> Void) {
    let bands = geometry.bands
    team.run(count: samples * bands) { piece, _ in
      let (sample, index) = piece.quotientAndRemainder(dividingBy: bands)
      body(band(index, of: geometry, sample))
    }
  }

  @inline(__always)
  private func band(_ index: Int, of geometry: PlaneGeometry, _ sample: Int) -> Band {
    let first = index * geometry.bandRows
    return Band(sample: sample, index: index, first: first, last: min(geometry.rows, first + geometry.bandRows))
  }

  /// The bands of some rows of one sample, one after the other.
  @inline(__always)
  func forEachBand(of geometry: PlaneGeometry, _ rows: Range<Int>, _ sample: Int, _ body: (Band) -> Void) {
    for index in rows.lowerBound / geometry.bandRows..<(rows.upperBound - 1) / geometry.bandRows + 1 {
      body(band(index, of: geometry, sample))
    }
  }

  /// Parts of a band, as many rows as named.
  @inline(__always)
  func forEachPart(of band: Band, rows: Int, _ body: (Range<Int>) -> Void) {
    var first = band.first
    while first < band.last {
      let last = min(band.last, first + rows)
      body(first..<last)
      first = last
    }
  }

  /// Pieces as large as named but where threads would idle. The cut is free: nothing is summed over pieces.
  ///
  /// - Parameters:
  ///   - unit: what the rows of a piece are a multiple of.
  ///   - each: pieces that a thread should have at least.
  func forEachPiece(
    _ geometry: PlaneGeometry, rows most: Int, multipleOf unit: Int, each: Int = 1,
    _ body: (_ sample: Int, _ rows: Range<Int>, _ thread: Int) -> Void
  ) {
    let wanted = max(1, (each * team.size + samples - 1) / max(1, samples))
    let rows = min(most, roundUp((geometry.rows + wanted - 1) / wanted, to: unit))
    let pieces = (geometry.rows + rows - 1) / rows
    team.run(count: samples * pieces) { piece, thread in
      let (sample, index) = piece.quotientAndRemainder(dividingBy: pieces)
      body(sample, index * rows..<min(geometry.rows, (index + 1) * rows), thread)
    }
  }

  // MARK: Forward

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

  /// Adds what some source channels give to the raw result, or begins with them.
  func sumSources(
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
    job.is_cached = stage.lines != nil
    tutti_convolution_rows(&job, Int32(rows.lowerBound), Int32(rows.upperBound))
  }

  /// What the direct kernels' forward pass and data gradient have in common: the planes and the packed weights. Width, maps and shifts
  /// are left to be set.
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

  private func takeMoments(_ stage: Stage, _ group: StageGroup, _ band: Band) {
    let raw = planes(stage.raw, band.sample)
    for channel in 0..<raw.channels {
      let place = momentsPlace(stage, group, sample: band.sample, channel: channel)
      moments.pointer[place + band.index] = tutti_row_moments(
        raw.row(band.first, channel: channel), band.rows, raw.geometry.pitch, Int32(raw.geometry.nx))
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

  /// The affine map of a channel: scale, mean, shift.
  func coefficients(
    _ normalization: Normalization?, _ sample: Int, _ channel: Int, _ channels: Int
  ) -> (Float, Float, Float) {
    guard let normalization else { return (1, 0, 0) }
    let values = coefficients(normalization, shard: sample / samplesPerShard) + channel
    return (
      values[CoefficientRow.scale * channels], values[CoefficientRow.mean * channels],
      values[CoefficientRow.shift * channels]
    )
  }
}
