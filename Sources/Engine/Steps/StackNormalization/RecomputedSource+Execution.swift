import CKernels
import Host

// Groups that recompute a normalized stack while they read it. What is recomputed stays in cache and is discarded.

extension Execution {
  // MARK: Forward

  /// Convolves some source channels for some rows of some stages' results.
  func convolveRecomputed(
    _ group: StageGroup, _ recomputed: RecomputedSource, _ stages: Indices<Stage>, _ channels: Range<Int>,
    _ sample: Int, _ rows: Range<Int>, _ thread: Int
  ) {
    let needed = sourceRows(stages, rows)
    var channel = channels.lowerBound
    while channel < channels.upperBound {
      let next = min(channels.upperBound, channel + recomputed.rows.channels)
      var lines: Int?
      for id in stages {
        let stage = plan.stages[id]
        let source = recomputedPlanes(
          recomputed.rows, row: needed.lowerBound, channel: channel, of: stage.source.channels, thread: thread)
        if stage.sourceLines != lines {
          recompute(stage, group, recomputed, source, sample, channel..<next, needed: needed, of: rows)
          lines = stage.sourceLines
        }
        convolve(stage, source, sample, rows, channel..<next)
      }
      channel = next
    }
  }

  /// Recomputes rows of some channels, and accumulates their moments for the stack normalization that follows.
  private func recompute(
    _ stage: Stage, _ group: StageGroup, _ recomputed: RecomputedSource, _ target: FeaturePlanes, _ sample: Int,
    _ channels: Range<Int>, needed: Range<Int>, of rows: Range<Int>
  ) {
    guard let lines = stage.sourceLines else { return }
    let source = planes(stage.source, sample)
    let shard = sample / samplesPerShard
    let following = stackNormalization(group.outputNormalization).map { plan.stages[$0.stage] }
    let computesMoments = following.map(usesBatchStatistics) ?? false
    let nx = Int32(target.geometry.nx)
    for channel in channels {
      let line = line(at: lineAddress(lines, shard: shard, channel))
      func recomputeRows(_ rows: Range<Int>) {
        tutti_line_rows(
          line, source.row(rows.lowerBound, channel: channel), source.geometry.pitch,
          target.row(rows.lowerBound, channel: channel), target.geometry.pitch, Int64(rows.count), nx,
          recomputed.border.padding, recomputed.border.width)
      }
      guard computesMoments, let following else {
        recomputeRows(needed)
        continue
      }
      recomputeRows(needed.lowerBound..<rows.lowerBound)
      let place = (sample * following.target.channels + channel) * source.geometry.bands
      let expectedMean = max(0, mean(after: group.inputNormalization, shard: shard, channel))
      forEachBand(of: source.geometry, rows, sample) { band in
        moments.pointer[place + band.index] = tutti_line_rows_moments(
          line, source.row(band.first, channel: channel), source.geometry.pitch,
          target.row(band.first, channel: channel), target.geometry.pitch, band.rows, nx, recomputed.border.padding,
          recomputed.border.width, expectedMean)
      }
      recomputeRows(rows.upperBound..<needed.upperBound)
    }
    if plan.precision == .bfloat16 { round(target, channels, needed, halo: Int(recomputed.border.width)) }
  }

  /// The mean of a channel after a stack normalization.
  private func mean(after step: StepID?, shard: Int, _ channel: Int) -> Float {
    guard let step = stackNormalization(step) else { return 0 }
    let stage = plan.stages[step.stage]
    guard let normalization = stage.normalization else { return 0 }
    return coefficients(normalization, shard: shard)[CoefficientRow.shift * stage.target.channels + channel]
  }

  /// The source rows, `rows` among them, that the taps of some rows of some stages read.
  private func sourceRows(_ stages: Indices<Stage>, _ rows: Range<Int>) -> Range<Int> {
    if rows.count == plan.stages[stages.lowerBound].source.geometry.rows { return rows }
    var (first, last) = (rows.lowerBound, rows.upperBound - 1)
    for id in stages {
      guard let product = plan.stages[id].product else { continue }
      let ny = product.narrow.ny
      for row in rows {
        let (z, y) = row.quotientAndRemainder(dividingBy: ny)
        for entry in product.z.start[z]..<product.z.start[z + 1] {
          let plane = Int(product.z.source[Int(entry)]) * ny
          for entry in product.y.start[y]..<product.y.start[y + 1] {
            let source = plane + Int(product.y.source[Int(entry)])
            first = min(first, source)
            last = max(last, source)
          }
        }
      }
    }
    return first..<last + 1
  }

  /// A thread's memory for recomputed rows, as planes whose first row and channel in memory are `row` and `channel`.
  private func recomputedPlanes(
    _ geometry: PlaneGeometry, row: Int, channel: Int, of channels: Int, thread: Int
  ) -> FeaturePlanes {
    FeaturePlanes(
      base: scratch.pointer + thread * plan.sizes.scratchFloats + geometry.lead - row * geometry.pitch
        - channel * geometry.channelStride, geometry: geometry, channels: channels)
  }

  // MARK: Backward

  /// The backward pass of such a group, for each shard and a block of channels at a time, which depends on no other
  /// channels: it propagates the gradient of the stack normalization that follows, adds the products' part to it,
  /// accumulates the sums of the stack normalization before, and computes weight gradients.
  func backwardRecomputed(_ group: StageGroup, _ recomputed: RecomputedSource) {
    let before = stackNormalization(group.inputNormalization)
    let after = stackNormalization(group.outputNormalization)
    let blocks = RecomputedSource.blocks(of: group.commonChannels)
    team.run(count: shards * blocks) { piece, thread in
      let (shard, block) = piece.quotientAndRemainder(dividingBy: blocks)
      let channels = RecomputedSource.block(block, of: group.commonChannels)
      let source = recomputedPlanes(
        recomputed.planes, row: 0, channel: channels.lowerBound, of: group.commonChannels, thread: thread)
      for sample in samples(of: shard) {
        forEachBand(of: recomputed.planes, 0..<recomputed.planes.rows, sample) { band in
          forEachPart(of: band, rows: recomputed.gradientRows) { rows in
            if let after {
              propagateGradient(after, sample, rows, channels, recomputed: source)
            } else {
              let first = plan.stages[group.stages.lowerBound]
              recompute(first, group, recomputed, source, sample, channels, needed: rows, of: rows)
            }
            addDataGradients(group, sample, rows, channels)
            if let before {
              sumGradients(before, sample, band.index, rows, channels, isFirst: rows.lowerBound == band.first)
            }
          }
        }
        if after != nil { finishRows(source, channels, recomputed) }
        for id in group.stages { rowGradient(plan.stages[id], source, shard: shard, sample, channels) }
      }
    }
  }

  private func addDataGradients(_ group: StageGroup, _ sample: Int, _ rows: Range<Int>, _ channels: Range<Int>) {
    var accumulates = !group.storesGradient
    for id in group.stages {
      let stage = plan.stages[id]
      guard let product = stage.product, stage.sourceGradient != nil else { continue }
      var packed = product.packedTransposed
      packed.offset += channels.lowerBound * product.narrow.channels * product.taps
      addDataGradient(
        stage, product, sample, rows, channels: channels, packed: packed, accumulates: accumulates)
      accumulates = true
    }
  }

  /// Fills the halo of recomputed planes, and rounds them in mixed precision.
  private func finishRows(_ planes: FeaturePlanes, _ channels: Range<Int>, _ recomputed: RecomputedSource) {
    for channel in channels { fillHalo(planes, channel, recomputed.border) }
    if plan.precision == .bfloat16 {
      round(planes, channels, 0..<planes.geometry.rows, halo: Int(recomputed.border.width))
    }
  }
}
