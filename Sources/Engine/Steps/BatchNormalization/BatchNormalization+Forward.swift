import CKernels
import Networks

// Moments over the whole batch or over each shard. The moments of bands are merged in order within a shard, those of
// shards along a binary tree.

extension Execution {
  /// A normalization's coefficients for a shard; with the scope `batch` all shards have the same.
  @inline(__always)
  func coefficients(_ normalization: Normalization, shard: Int) -> UnsafeMutablePointer<Float> {
    coefficients(at: normalization.coefficients, shard: shard)
  }

  /// A shard's coefficients from an offset among the plan's.
  @inline(__always)
  func coefficients(at offset: Int, shard: Int) -> UnsafeMutablePointer<Float> {
    coefficients.pointer + offset + (plan.normalizationScope == .shard ? shard * plan.sizes.coefficientFloats : 0)
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

  func useRunningStatistics(_ normalization: Normalization) {
    guard let mean = normalization.mean, let variance = normalization.variance else { return }
    for channel in 0..<normalization.weight.count {
      setCoefficients(
        normalization, 0, channel, mean: Double(statistics.pointer[mean.offset + channel]),
        variance: Double(statistics.pointer[variance.offset + channel]))
    }
  }

  func computeMoments(_ stage: Stage, _ group: StageGroup, _ band: Band) {
    let raw = planes(stage.raw, band.sample)
    for channel in 0..<raw.channels {
      let place = momentsPlace(stage, group, sample: band.sample, channel: channel)
      moments.pointer[place + band.index] = tutti_row_moments(
        raw.row(band.first, channel: channel), band.rows, raw.geometry.pitch, Int32(raw.geometry.nx))
    }
  }

  /// Sets a normalization's coefficients from the moments of the batch, or of each shard.
  ///
  /// - Parameters:
  ///   - groupChannels: channels of the group that the stage belongs to.
  ///   - updates: whether the running statistics move.
  func useBatchStatistics(_ stage: Stage, _ normalization: Normalization, groupChannels: Int, updates: Bool) {
    let channels = stage.target.channels
    let width = 3 * channels
    for shard in 0..<shards {
      for channel in 0..<channels {
        var merged = tutti_moments()
        forEachPartial(shard, stage.groupChannel + channel, groupChannels, stage.target.geometry.bands) {
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

  /// Sets the coefficients of a shard's channels, and keeps its moments for the running statistics.
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
    coefficients(normalization, shard: shard)[CoefficientRow.pixels * channels + channel] = Float(moments[0])
  }

  /// Mean and variance with n − 1 in the denominator.
  private func unbiased(_ moments: UnsafePointer<Double>) -> (mean: Double, variance: Double) {
    let (count, mean, m2) = (moments[0], moments[1], moments[2])
    return (mean, count > 1 ? m2 / (count - 1) : m2 / count)
  }

  /// Moves running statistics towards the mean of the shards' moments.
  func moveStatisticsOfShards() {
    let width = plan.layout.statisticCount + 1
    reduction.reduce(shardStatistics.pointer, shards: shards, width: width) { left, right in
      for index in 0..<width { left[index] += right[index] }
    }
    let sums = shardStatistics.pointer
    let count = sums[width - 1]
    for id in plan.stages.indices {
      guard let normalization = plan.stages[id].normalization, let means = normalization.mean,
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
    values[CoefficientRow.scale * channels] = Float(scale)
    values[CoefficientRow.shift * channels] = parameters.pointer[normalization.bias.offset + channel]
    values[CoefficientRow.mean * channels] = Float(mean)
    values[CoefficientRow.inverseDeviation * channels] = Float(inverse)
  }

  /// The index of the moments of a sample's channel, one for each band.
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
