import CKernels

// What normalizations need to know of the whole batch, or of a shard: moments forward, two sums backward. Bands are merged in order
// within a shard, shards along the tree.

/// Coefficients of a normalization: rows of `channels` floats each.
enum CoefficientRow {
  static let scale = 0
  static let shift = 1
  static let mean = 2
  static let inverseDeviation = 3
  static let gradientMean = 4
  static let gradientSlope = 5
  static let pixels = 6
  static let count = 7
}

extension Execution {
  private typealias Row = CoefficientRow

  /// A normalization's coefficients for a shard; with the scope `batch` those of all.
  @inline(__always)
  func coefficients(_ normalization: Normalization, shard: Int) -> UnsafeMutablePointer<Float> {
    coefficients(at: normalization.coefficients, shard: shard)
  }

  /// A shard's coefficients from a place among the plan's on.
  @inline(__always)
  func coefficients(at place: Int, shard: Int) -> UnsafeMutablePointer<Float> {
    coefficients.pointer + place + (plan.normalizationScope == .shard ? shard * plan.coefficientFloats : 0)
  }

  func useRunningStatistics(_ normalization: Normalization) {
    guard let mean = normalization.mean, let variance = normalization.variance else { return }
    for channel in 0..<normalization.weight.count {
      setCoefficients(
        normalization, 0, channel, mean: Double(statistics.pointer[mean.offset + channel]),
        variance: Double(statistics.pointer[variance.offset + channel]))
    }
  }

  func useBatchStatistics(_ stage: Stage, _ normalization: Normalization, _ group: StageGroup, updates: Bool) {
    let channels = stage.target.channels
    let width = 3 * channels
    for shard in 0..<shards {
      for channel in 0..<channels {
        var merged = tutti_moments()
        forEachPartial(shard, stage.groupChannel + channel, group.channels, stage.target.geometry.bands) {
          merge(&merged, moments.pointer[$0])
        }
        let operand = operands.pointer + shard * width + 3 * channel
        (operand[0], operand[1], operand[2]) = (merged.count, merged.mean, merged.m2)
      }
    }
    if plan.normalizationScope == .shard {
      for shard in 0..<shards { useShardMoments(operands.pointer + shard * width, normalization, shard, channels) }
      return
    }
    reduction.reduce(operands.pointer, shards: shards, width: width) { left, right in
      for channel in 0..<channels {
        let (l, r) = (left + 3 * channel, right + 3 * channel)
        var merged = tutti_moments(count: l[0], mean: l[1], m2: l[2])
        merge(&merged, tutti_moments(count: r[0], mean: r[1], m2: r[2]))
        (l[0], l[1], l[2]) = (merged.count, merged.mean, merged.m2)
      }
    }
    for channel in 0..<channels {
      let moments = operands.pointer + 3 * channel
      useMoments(moments, normalization, 0, channel)
      guard updates, plan.purpose == .training else { continue }
      let (mean, variance) = unbiased(moments)
      moveStatistics(normalization, channel, mean: mean, variance: variance)
    }
  }

  /// Sets the coefficients of a shard's channels, and keeps what its moments say of the running statistics.
  private func useShardMoments(
    _ operand: UnsafePointer<Double>, _ normalization: Normalization, _ shard: Int, _ channels: Int
  ) {
    let kept = shardStatistics.pointer + shard * (plan.layout.statisticCount + 1)
    kept[plan.layout.statisticCount] = 1
    for channel in 0..<channels {
      useMoments(operand + 3 * channel, normalization, shard, channel)
      guard let means = normalization.mean, let variances = normalization.variance else { continue }
      (kept[means.offset + channel], kept[variances.offset + channel]) = unbiased(operand + 3 * channel)
    }
  }

  private func useMoments(
    _ moments: UnsafePointer<Double>, _ normalization: Normalization, _ shard: Int, _ channel: Int
  ) {
    setCoefficients(normalization, shard, channel, mean: moments[1], variance: moments[2] / moments[0])
    let channels = normalization.weight.count
    coefficients(normalization, shard: shard)[Row.pixels * channels + channel] = Float(moments[0])
  }

  /// Mean and variance with n − 1 in the denominator.
  private func unbiased(_ moments: UnsafePointer<Double>) -> (mean: Double, variance: Double) {
    let (count, mean, m2) = (moments[0], moments[1], moments[2])
    return (mean, count > 1 ? m2 / (count - 1) : m2 / count)
  }

  /// Moves running statistics towards the mean of what the shards found.
  func moveStatisticsOfShards() {
    let width = plan.layout.statisticCount + 1
    reduction.reduce(shardStatistics.pointer, shards: shards, width: width) { left, right in
      for index in 0..<width { left[index] += right[index] }
    }
    let sums = shardStatistics.pointer
    let count = sums[width - 1]
    for index in plan.stages.indices {
      guard let normalization = plan.stages[index].normalization, let means = normalization.mean,
        let variances = normalization.variance
      else { continue }
      for channel in 0..<normalization.weight.count {
        moveStatistics(
          normalization, channel, mean: sums[means.offset + channel] / count,
          variance: sums[variances.offset + channel] / count)
      }
    }
  }

  private func moveStatistics(_ normalization: Normalization, _ channel: Int, mean: Double, variance: Double) {
    guard let means = normalization.mean, let variances = normalization.variance else { return }
    let momentum = normalization.momentum
    func move(_ value: inout Float, towards target: Double) {
      value = Float((1 - momentum) * Double(value) + momentum * target)
    }
    move(&statistics.pointer[means.offset + channel], towards: mean)
    move(&statistics.pointer[variances.offset + channel], towards: variance)
  }

  private func setCoefficients(
    _ normalization: Normalization, _ shard: Int, _ channel: Int, mean: Double, variance: Double
  ) {
    let channels = normalization.weight.count
    let values = coefficients(normalization, shard: shard) + channel
    let inverse = 1 / (variance + normalization.epsilon).squareRoot()
    let scale = Double(parameters.pointer[normalization.weight.offset + channel]) * inverse
    values[Row.scale * channels] = Float(scale)
    values[Row.shift * channels] = parameters.pointer[normalization.bias.offset + channel]
    values[Row.mean * channels] = Float(mean)
    values[Row.inverseDeviation * channels] = Float(inverse)
  }

  // MARK: Backward

  /// Sums a stage's gradient over the batch: the gradients of its normalization. With the scope `shard` they wait for `finishSums`.
  func sumGradients(_ stage: Stage, _ normalization: Normalization) {
    let channels = stage.target.channels
    let isLate = plan.normalizationScope == .shard
    let width = isLate ? plan.sumDoubles : 2 * channels
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

  /// Sums the gradient of a product's bias for each shard, for `finishSums`.
  ///
  /// A bias before a normalization by the batch's mean has no effect: its gradient is exactly 0 and stays so.
  func sumBias(_ stage: Stage) {
    for shard in 0..<shards {
      for channel in 0..<stage.target.channels {
        let place = shard * plan.sumDoubles + stage.biasSums + 2 * channel
        (lateSums.pointer[place], lateSums.pointer[place + 1]) = shardSums(stage, shard, channel)
      }
    }
  }

  /// A shard's sum of a channel's gradient, and of the gradient times the deviation.
  private func shardSums(_ stage: Stage, _ shard: Int, _ channel: Int) -> (Double, Double) {
    var g = 0.0
    var gu = 0.0
    forEachPartial(shard, stage.passed.channel + channel, stage.passed.channels, stage.target.geometry.bands) {
      g += sums.pointer[$0].g
      gu += sums.pointer[$0].g_u
    }
    return (g, gu)
  }

  /// Sets what the gradient of a normalization's input needs, and returns that of its weight.
  private func useSums(
    _ g: Double, _ gu: Double, _ normalization: Normalization, _ shard: Int, _ channel: Int
  ) -> Double {
    let channels = normalization.weight.count
    let values = coefficients(normalization, shard: shard) + channel
    let inverse = Double(values[Row.inverseDeviation * channels])
    let pixels = Double(values[Row.pixels * channels])
    values[Row.gradientMean * channels] = Float(g / pixels)
    values[Row.gradientSlope * channels] = Float(gu * inverse * inverse / pixels)
    return gu * inverse
  }

  /// Keeps the two sums of every sample and channel in `sums`, samples added in order within a shard, for `finishSums`.
  func keepSums(at place: Int, channels: Int) {
    for shard in 0..<shards {
      let kept = lateSums.pointer + shard * plan.sumDoubles + place
      for channel in 0..<channels {
        (kept[2 * channel], kept[2 * channel + 1]) = (0, 0)
        forEachPartial(shard, channel, channels, 1) {
          kept[2 * channel] += sums.pointer[$0].g
          kept[2 * channel + 1] += sums.pointer[$0].g_u
        }
      }
    }
  }

  /// Reduces, in one go, the sums that nothing had to wait for, and writes the gradients that they are.
  func finishSums() {
    let width = plan.sumDoubles
    guard width > 0 else { return }
    let sums = lateSums.pointer
    reduction.reduce(sums, shards: shards, width: width) { left, right in
      for index in 0..<width { left[index] += right[index] }
    }
    for index in plan.steps.indices {
      switch plan.steps[index] {
      case .stages(let group): for place in group.stages { finish(plan.stages[place]) }
      case .restack(let restack): finish(plan.stages[restack.group.stages.lowerBound])
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

  /// The places of a shard's partial results for one of `channels` channels, in the order (sample, band).
  func forEachPartial(_ shard: Int, _ channel: Int, _ channels: Int, _ bands: Int, _ body: (Int) -> Void) {
    for sample in shard * samplesPerShard..<min(samples, (shard + 1) * samplesPerShard) {
      for band in 0..<bands { body((sample * channels + channel) * bands + band) }
    }
  }

  /// Where the sums of a sample's channel of the gradient begin, one for each band.
  @inline(__always)
  func sumsPlace(_ stage: Stage, sample: Int, channel: Int) -> Int {
    (sample * stage.passed.channels + stage.passed.channel + channel) * stage.target.geometry.bands
  }

  /// Where the moments of a sample's channel begin, one for each band.
  @inline(__always)
  func momentsPlace(_ stage: Stage, _ group: StageGroup, sample: Int, channel: Int) -> Int {
    (sample * group.channels + stage.groupChannel + channel) * stage.target.geometry.bands
  }
}

/// Merges the moments of two sets of pixels (Chan, Golub and LeVeque, 1979).
@inline(__always)
func merge(_ left: inout tutti_moments, _ right: tutti_moments) {
  guard left.count > 0 else {
    left = right
    return
  }
  let count = left.count + right.count
  let delta = right.mean - left.mean
  left.mean += delta * right.count / count
  left.m2 += right.m2 + delta * delta * left.count * right.count / count
  left.count = count
}
