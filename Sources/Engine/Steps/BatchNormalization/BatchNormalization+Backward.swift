extension Execution {
  /// Sums a stage's gradient over the batch: the gradients of its normalization. With the scope `shard` the sums are
  /// reduced later, by `reduceLateSums`.
  func sumGradients(_ stage: Stage, _ normalization: Normalization) {
    let channels = stage.target.channels
    let isLate = plan.normalizationScope == .shard
    let width = isLate ? plan.sizes.lateSums : 2 * channels
    let operands = isLate ? lateSums.pointer + stage.sums : self.operands.pointer
    for shard in 0..<shards {
      for channel in 0..<channels {
        let (g, sum) = shardSums(stage, shard, channel)
        let gu = isLate ? useSums(g, sum, normalization, shard, channel) : sum
        operands[shard * width + 2 * channel] = g
        operands[shard * width + 2 * channel + 1] = gu
      }
    }
    guard !isLate else { return }
    reduction.reduce(operands, shards: shards, width: width) { left, right in
      for index in 0..<width { left[index] += right[index] }
    }
    for channel in 0..<channels {
      let g = operands[2 * channel]
      let slope = useSums(g, operands[2 * channel + 1], normalization, 0, channel)
      gradients.pointer[normalization.weight.offset + channel] = Float(slope)
      gradients.pointer[normalization.bias.offset + channel] = Float(g)
    }
  }

  /// Sums the gradient of a product's bias for each shard, for `reduceLateSums`.
  ///
  /// A bias before a normalization by the batch's mean has no effect: its gradient is exactly 0 and stays so.
  func sumBias(_ stage: Stage) {
    for shard in 0..<shards {
      for channel in 0..<stage.target.channels {
        let place = shard * plan.sizes.lateSums + stage.biasSums + 2 * channel
        (lateSums.pointer[place], lateSums.pointer[place + 1]) = shardSums(stage, shard, channel)
      }
    }
  }

  /// A shard's sum of a channel's gradient, and of the gradient times the deviation.
  private func shardSums(_ stage: Stage, _ shard: Int, _ channel: Int) -> (Double, Double) {
    var g = 0.0
    var gu = 0.0
    forEachPartial(shard, stage.sumLayout.channel + channel, stage.sumLayout.channels, stage.target.geometry.bands) {
      g += sums.pointer[$0].g
      gu += sums.pointer[$0].g_u
    }
    return (g, gu)
  }

  /// Sets the coefficients of the gradient of a normalization's input, and returns the gradient of its weight.
  private func useSums(
    _ g: Double, _ gu: Double, _ normalization: Normalization, _ shard: Int, _ channel: Int
  ) -> Double {
    let channels = normalization.weight.count
    let values = coefficients(normalization, shard: shard) + channel
    let inverse = Double(values[CoefficientRow.inverseDeviation * channels])
    let pixels = Double(values[CoefficientRow.pixels * channels])
    values[CoefficientRow.gradientMean * channels] = Float(g / pixels)
    values[CoefficientRow.gradientSlope * channels] = Float(gu * inverse * inverse / pixels)
    return gu * inverse
  }

  /// Adds the two sums of every channel in `sums` over the samples of each shard, in order, for `reduceLateSums`.
  func keepSums(at offset: Int, channels: Int) {
    for shard in 0..<shards {
      let kept = lateSums.pointer + shard * plan.sizes.lateSums + offset
      for channel in 0..<channels {
        (kept[2 * channel], kept[2 * channel + 1]) = (0, 0)
        forEachPartial(shard, channel, channels, 1) {
          kept[2 * channel] += sums.pointer[$0].g
          kept[2 * channel + 1] += sums.pointer[$0].g_u
        }
      }
    }
  }

  /// Reduces the sums that no step of the backward pass reads over all shards at once, and stores them as gradients.
  func reduceLateSums() {
    let width = plan.sizes.lateSums
    guard width > 0 else { return }
    let sums = lateSums.pointer
    reduction.reduce(sums, shards: shards, width: width) { left, right in
      for index in 0..<width { left[index] += right[index] }
    }
    for index in plan.steps.indices {
      switch plan.steps[index] {
      case .stages(let group): for id in group.stages { finish(plan.stages[id]) }
      case .stackNormalization(let normalization): finish(plan.stages[normalization.stage])
      case .groupNormalization(let normalization): finish(normalization, sums + normalization.sums)
      case .prelu(let prelu): finish(prelu, sums + prelu.sums)
      default: break
      }
    }
  }

  private func finish(_ stage: Stage) {
    if let normalization = stage.normalization, plan.normalizationScope == .shard {
      let values = lateSums.pointer + stage.sums
      for channel in 0..<normalization.weight.count {
        gradients.pointer[normalization.bias.offset + channel] = Float(values[2 * channel])
        gradients.pointer[normalization.weight.offset + channel] = Float(values[2 * channel + 1])
      }
    }
    if let bias = stage.product?.bias, stage.normalization == nil || stage.activatesFirst {
      let values = lateSums.pointer + stage.biasSums
      for channel in 0..<bias.count { gradients.pointer[bias.offset + channel] = Float(values[2 * channel]) }
    }
  }

  /// Calls `body` with the index of each of a shard's partial results for one of `channels` channels, in the order
  /// (sample, band).
  func forEachPartial(_ shard: Int, _ channel: Int, _ channels: Int, _ bands: Int, _ body: (Int) -> Void) {
    for sample in shard * samplesPerShard..<min(samples, (shard + 1) * samplesPerShard) {
      for band in 0..<bands { body((sample * channels + channel) * bands + band) }
    }
  }

  /// The index of the gradient sums of a sample's channel, one for each band.
  @inline(__always)
  func sumsPlace(_ stage: Stage, sample: Int, channel: Int) -> Int {
    (sample * stage.sumLayout.channels + stage.sumLayout.channel + channel) * stage.target.geometry.bands
  }
}
