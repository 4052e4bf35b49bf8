import CKernels

extension Execution {
  /// Copies the weights of a group's products into the layouts that the kernels read.
  func pack(_ group: StageGroup) {
    for id in group.filterSets { pack(plan.filterSets[id]) }
    for id in group.stages {
      let stage = plan.stages[id]
      guard let product = stage.product, product.algorithm != .winograd else { continue }
      let weights = weights(product)
      let (target, source) = (Int32(product.narrow.channels), Int32(product.wide.channels))
      if product.algorithm == .matrix {
        guard plan.purpose == .seamless else { continue }
        // Weights are [narrow][wide][tap]: the 1×1 convolution of columns, or to columns.
        let depth = source * Int32(product.taps)
        let (rows, columns) = product.transposed ? (depth, target) : (target, depth)
        tutti_convolution_pack(
          weights, rows, columns, 1, product.transposed, packed.pointer + product.packed.offset)
        continue
      }
      if product.algorithm == .disjoint {
        // Weights are [narrow][wide][tap], that is, [narrow][pair].
        let pairs = source * Int32(product.taps)
        tutti_convolution_pack(weights, pairs, target, 1, true, packed.pointer + product.packed.offset)
        if stage.sourceGradient != nil {
          tutti_convolution_pack(weights, target, pairs, 1, false, packed.pointer + product.packedTransposed.offset)
        }
        continue
      }
      if product.algorithm == .direct {
        tutti_convolution_pack(
          weights, target, source, Int32(product.taps), false, packed.pointer + product.packed.offset)
      }
      guard stage.sourceGradient != nil else { continue }
      let common = Int32(group.commonChannels)
      func packTransposed(_ first: Int32, _ count: Int32, _ place: Int) {
        tutti_convolution_pack_targets(
          weights, source, first, count, target, Int32(product.taps), true, packed.pointer + place)
      }
      if group.recomputedSource == nil {
        packTransposed(0, common, product.packedTransposed.offset)
        packTransposed(common, source - common, product.packedRemaining.offset)
      } else {
        for block in 0..<RecomputedSource.blocks(of: group.commonChannels) {
          let channels = RecomputedSource.block(block, of: group.commonChannels)
          packTransposed(
            Int32(channels.lowerBound), Int32(channels.count),
            product.packedTransposed.offset + channels.lowerBound * product.narrow.channels * product.taps)
        }
      }
    }
  }

  func backward(_ group: StageGroup) {
    if group.isDense {
      for id in group.stages.reversed() {
        backwardPixelwise(Indices(id), stored: true)
        remainingDataGradient(plan.stages[id], group)
      }
    } else {
      backwardPixelwise(group.stages, stored: true)
    }
    if let recomputed = group.recomputedSource {
      backwardRecomputed(group, recomputed)
      weightGradients(group)
      return
    }
    weightGradients(group)
    let first = plan.stages[group.stages.lowerBound]
    if let product = first.product {
      switch product.algorithm {
      case .direct, .filtering:
        commonDataGradient(group)
        if let concatenation = group.virtualSource {
          backwardPixelwise(plan.listedStages[concatenation.producers.entries], stored: false)
        }
      case .winograd: winogradDataGradient(first, accumulates: !group.storesGradient)
      case .disjoint: disjointDataGradient(first, accumulates: !group.storesGradient)
      case .matrix:
        guard let gradient = first.targetGradient, let sourceGradient = first.sourceGradient else { return }
        matrixDataGradient(product, gradient, sourceGradient)
      }
    } else if let gradient = first.targetGradient, let sourceGradient = first.sourceGradient {
      addPlanes(from: gradient, to: sourceGradient)
    }
  }

  // MARK: Activation and normalization

  /// Turns the gradients of stages' targets into those of their products' results: of the targets that are stored, or
  /// of those that are not.
  private func backwardPixelwise(_ stages: some Sequence<StageID>, stored: Bool) {
    guard let first = stages.first(where: { plan.stages[$0].target.isStored == stored }),
      let geometry = plan.stages[first].targetGradient?.geometry
    else { return }
    @inline(__always)
    func forEachStage(_ body: (Stage) -> Void) {
      for id in stages where plan.stages[id].target.isStored == stored { body(plan.stages[id]) }
    }
    forEachBand(geometry) { band in
      forEachStage { backwardActivation($0, band) }
    }
    var isNormalized = false
    forEachStage { stage in
      if let normalization = stage.normalization {
        sumGradients(stage, normalization)
        isNormalized = true
      } else if stage.product?.bias != nil {
        sumBias(stage)
      }
    }
    if isNormalized {
      forEachBand(geometry) { band in
        forEachStage { backwardNormalization($0, band) }
      }
      forEachStage { stage in
        if stage.activatesFirst, stage.product?.bias != nil { sumBias(stage) }
      }
    }
    guard plan.precision == .bfloat16 else { return }
    forEachStage { stage in
      guard stage.product != nil, let gradient = stage.targetGradient else { return }
      forEachBand(geometry) {
        round(planes(gradient, $0.sample), 0..<gradient.channels, $0.first..<$0.last, halo: 0)
      }
    }
  }

  /// Folds the gradient's halo and leaves zeros there, multiplies the gradient by the derivative of an activation that
  /// comes last, and sums it.
  private func backwardActivation(_ stage: Stage, _ band: Band) {
    guard let gradient = stage.targetGradient else { return }
    let g = planes(gradient, band.sample)
    let raw = planes(stage.raw, band.sample)
    let nx = Int32(g.geometry.nx)
    let halo = tutti_gradient_halo(
      padding: stage.border.padding, folded: Int32(stage.border.folded), zeroed: Int32(g.geometry.halo))
    for channel in 0..<g.channels {
      let row = g.row(band.first, channel: channel)
      let place = sumsPlace(stage, sample: band.sample, channel: channel) + band.index
      if stage.isPlain {
        foldHalo(row, band.rows, g.geometry, border: stage.border)
        if halo.zeroed > halo.folded {
          tutti_fill_halo(row, band.rows, g.geometry.pitch, nx, TUTTI_ZEROS, halo.zeroed)
        }
        guard stage.product?.bias != nil else { continue }
        sums.pointer[place] = tutti_gradient_sums(
          g: tutti_row_sum(row, band.rows, g.geometry.pitch, nx), g_u: 0)
      } else {
        let (scale, mean, shift) = coefficients(stage.normalization, band.sample, channel, g.channels)
        sums.pointer[place] = tutti_activation_gradient(
          row, g.geometry.pitch, raw.row(band.first, channel: channel), raw.geometry.pitch, band.rows, nx, scale, mean,
          shift, stage.activatesFirst ? TUTTI_IDENTITY : stage.activation, stage.activationParameter, halo,
          !stage.derivesTwice)
      }
    }
  }

  /// Turns the gradient of a normalization's result into that of its input, and of an activation before it.
  private func backwardNormalization(_ stage: Stage, _ band: Band) {
    guard let normalization = stage.normalization, let gradient = stage.targetGradient else { return }
    let g = planes(gradient, band.sample)
    let raw = planes(stage.raw, band.sample)
    let values = coefficients(normalization, shard: band.sample / samplesPerShard)
    let channels = g.channels
    let nx = Int32(g.geometry.nx)
    for channel in 0..<channels {
      let row = g.row(band.first, channel: channel)
      let rawRow = raw.row(band.first, channel: channel)
      tutti_normalization_gradient(
        row, g.geometry.pitch, rawRow, raw.geometry.pitch, band.rows, nx,
        values[CoefficientRow.scale * channels + channel], values[CoefficientRow.mean * channels + channel],
        values[CoefficientRow.gradientMean * channels + channel],
        values[CoefficientRow.gradientSlope * channels + channel],
        values[CoefficientRow.shift * channels + channel], stage.derivesTwice ? stage.activation : TUTTI_IDENTITY,
        stage.activationParameter)
      if stage.activatesFirst {
        let place = sumsPlace(stage, sample: band.sample, channel: channel) + band.index
        sums.pointer[place] = tutti_activation_gradient(
          row, g.geometry.pitch, rawRow, raw.geometry.pitch, band.rows, nx, 1, 0, 0, stage.activation,
          stage.activationParameter, tutti_gradient_halo(padding: TUTTI_ZEROS, folded: 0, zeroed: 0), true)
      }
    }
  }

  // MARK: Data gradients

  /// The gradient of the source channels that all stages read. All stages add their parts while the rows are in cache.
  private func commonDataGradient(_ group: StageGroup) {
    guard let geometry = plan.stages[group.stages.last ?? group.stages.lowerBound].sourceGradient?.geometry else {
      return
    }
    if !group.filterSets.isEmpty {
      guard plan.stages[group.stages.lowerBound].sourceGradient != nil else { return }
      forEachPiece(geometry, rows: group.gradientRows, multipleOf: group.filterUnit) { sample, rows, thread in
        filterGradients(group, sample, rows, thread)
      }
      return
    }
    forEachBand(geometry) { band in
      forEachPart(of: band, rows: group.gradientRows) { rows in
        var accumulates = !group.storesGradient
        for id in group.stages {
          let stage = plan.stages[id]
          guard let product = stage.product, stage.sourceGradient != nil else { continue }
          addDataGradient(
            stage, product, band.sample, rows, channels: 0..<group.commonChannels, packed: product.packedTransposed,
            accumulates: accumulates)
          accumulates = true
        }
      }
    }
  }

  /// The gradient of the source channels that a stage reads beyond those that all stages read.
  private func remainingDataGradient(_ stage: Stage, _ group: StageGroup) {
    guard let product = stage.product, let sourceGradient = stage.sourceGradient,
      group.commonChannels < stage.source.channels
    else { return }
    forEachBand(sourceGradient.geometry) { band in
      addDataGradient(
        stage, product, band.sample, band.first..<band.last, channels: group.commonChannels..<stage.source.channels,
        packed: product.packedRemaining, accumulates: true)
    }
  }
}
