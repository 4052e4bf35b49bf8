import CKernels
import Host

// Groups whose source is made out of kept planes while it is read (`Restack`). What is made stays in cache and is thrown away.

extension Execution {
  // MARK: Forward

  /// Adds what some source channels give to the raw results of some stages, in some rows.
  func sumMadeSources(
    _ group: StageGroup, _ made: MadeSource, _ stages: Range<Int>, _ channels: Range<Int>, _ sample: Int,
    _ rows: Range<Int>, _ thread: Int
  ) {
    let needed = sourceRows(stages, rows)
    var channel = channels.lowerBound
    while channel < channels.upperBound {
      let next = min(channels.upperBound, channel + made.rows.channels)
      var lines = -1
      for index in stages {
        let stage = plan.stages[index]
        let source = madeRows(
          made.rows, row: needed.lowerBound, channel: channel, of: stage.source.channels, thread: thread)
        if stage.lines != lines {
          make(stage, group, made, source, sample, channel..<next, needed: needed, of: rows)
          lines = stage.lines ?? -1
        }
        sumSources(stage, source, sample, rows, channel..<next)
      }
      channel = next
    }
  }

  /// Makes rows of some channels, and takes their part of the moments that the restacking behind needs.
  private func make(
    _ stage: Stage, _ group: StageGroup, _ made: MadeSource, _ target: FeaturePlanes, _ sample: Int,
    _ channels: Range<Int>, needed: Range<Int>, of rows: Range<Int>
  ) {
    guard let lines = stage.lines else { return }
    let source = planes(stage.source, sample)
    let shard = sample / samplesPerShard
    let after = restack(group.restackAfter).map { plan.stages[$0.group.stages.lowerBound] }
    let takesMoments = after.map(usesBatchStatistics) ?? false
    let nx = Int32(target.geometry.nx)
    for channel in channels {
      let line = line(at: lineAddress(lines, shard: shard, channel))
      func makeRows(_ rows: Range<Int>) {
        tutti_line_rows(
          line, source.row(rows.lowerBound, channel: channel), source.geometry.pitch,
          target.row(rows.lowerBound, channel: channel), target.geometry.pitch, Int64(rows.count), nx,
          made.border.padding, made.border.width)
      }
      guard takesMoments, let after else {
        makeRows(needed)
        continue
      }
      makeRows(needed.lowerBound..<rows.lowerBound)
      let place = (sample * after.target.channels + channel) * source.geometry.bands
      let guess = max(0, shift(group.restackBefore, shard: shard, channel))
      forEachBand(of: source.geometry, rows, sample) { band in
        moments.pointer[place + band.index] = tutti_line_rows_moments(
          line, source.row(band.first, channel: channel), source.geometry.pitch,
          target.row(band.first, channel: channel), target.geometry.pitch, band.rows, nx, made.border.padding,
          made.border.width, guess)
      }
      makeRows(rows.upperBound..<needed.upperBound)
    }
    if plan.precision == .bfloat16 { round(target, channels, needed, halo: Int(made.border.width)) }
  }

  /// The mean that a restacking gives a channel.
  private func shift(_ step: Int?, shard: Int, _ channel: Int) -> Float {
    guard let restack = restack(step) else { return 0 }
    let stage = plan.stages[restack.group.stages.lowerBound]
    guard let normalization = stage.normalization else { return 0 }
    return coefficients(normalization, shard: shard)[CoefficientRow.shift * stage.target.channels + channel]
  }

  /// The source rows, `rows` among them, that the taps of some rows of some stages read.
  private func sourceRows(_ stages: Range<Int>, _ rows: Range<Int>) -> Range<Int> {
    if rows.count == plan.stages[stages.lowerBound].source.geometry.rows { return rows }
    var (first, last) = (rows.lowerBound, rows.upperBound - 1)
    for index in stages {
      guard let product = plan.stages[index].product else { continue }
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

  /// A thread's room for made rows, as planes that begin with the row and the channel named.
  private func madeRows(
    _ geometry: PlaneGeometry, row: Int, channel: Int, of channels: Int, thread: Int
  ) -> FeaturePlanes {
    FeaturePlanes(
      base: scratch.pointer + thread * plan.scratchFloats + geometry.lead - row * geometry.pitch
        - channel * geometry.channelStride, geometry: geometry, channels: channels)
  }

  // MARK: Backward

  /// Passes the gradient of the restacking behind on, adds that of the stages' products to it, takes the sums of the restacking before,
  /// and computes the weights' gradients for each shard: a block of channels at a time, whose planes depend on no others.
  func madeGradients(_ group: StageGroup, _ made: MadeSource) {
    let (before, after) = (restack(group.restackBefore), restack(group.restackAfter))
    let blocks = madeBlocks(group.common)
    team.run(count: shards * blocks) { piece, thread in
      let (shard, block) = piece.quotientAndRemainder(dividingBy: blocks)
      let channels = madeBlock(block, of: group.common)
      let source = madeRows(
        made.planes, row: 0, channel: channels.lowerBound, of: group.common, thread: thread)
      for sample in samples(of: shard) {
        forEachBand(of: made.planes, 0..<made.planes.rows, sample) { band in
          forEachPart(of: band, rows: made.gradientRows) { rows in
            if let after {
              passGradient(after, sample, rows, channels, made: source)
            } else {
              make(plan.stages[group.stages.lowerBound], group, made, source, sample, channels, needed: rows, of: rows)
            }
            addDataGradients(group, sample, rows, channels)
            if let before {
              takeSums(before, sample, band.index, rows, channels, isFirst: rows.lowerBound == band.first)
            }
          }
        }
        if after != nil { finishRows(source, channels, made) }
        for index in group.stages {
          rowGradient(plan.stages[index], source, shard: shard, sample, channels)
        }
      }
    }
  }

  /// The blocks of channels whose gradients are worked together.
  func madeBlocks(_ channels: Int) -> Int { (channels + MadeSource.block - 1) / MadeSource.block }

  func madeBlock(_ index: Int, of channels: Int) -> Range<Int> {
    let blocks = madeBlocks(channels)
    return index * channels / blocks..<(index + 1) * channels / blocks
  }

  private func addDataGradients(_ group: StageGroup, _ sample: Int, _ rows: Range<Int>, _ channels: Range<Int>) {
    var accumulates = !group.storesGradient
    for index in group.stages {
      let stage = plan.stages[index]
      guard let product = stage.product, stage.sourceGradient != nil else { continue }
      var packed = product.packedTransposed
      packed.offset += channels.lowerBound * product.narrow.channels * product.taps
      addDataGradient(
        stage, product, sample, rows, channels: channels, packed: packed, accumulates: accumulates)
      accumulates = true
    }
  }

  /// Fills the halo of planes that were made on the way, and rounds them in mixed precision.
  private func finishRows(_ planes: FeaturePlanes, _ channels: Range<Int>, _ made: MadeSource) {
    for channel in channels { fillHalo(planes, channel, made.border) }
    if plan.precision == .bfloat16 {
      round(planes, channels, 0..<planes.geometry.rows, halo: Int(made.border.width))
    }
  }
}
