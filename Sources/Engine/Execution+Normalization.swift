import CKernels

// What normalizations need to know of the whole batch: moments forward, two sums backward. Bands are merged in order within a shard,
// shards along the tree.

extension Execution {
  /// Coefficients of a normalization, `channels` floats each.
  private enum Row {
    static let scale = 0
    static let shift = 1
    static let mean = 2
    static let inverseDeviation = 3
    static let gradientMean = 4
    static let gradientSlope = 5
    static let pixels = 6
  }

  func useRunningStatistics(_ normalization: Normalization) {
    guard let mean = normalization.mean, let variance = normalization.variance else { return }
    for channel in 0..<normalization.weight.count {
      setCoefficients(
        normalization, channel, mean: Double(statistics.pointer[mean.offset + channel]),
        variance: Double(statistics.pointer[variance.offset + channel]))
    }
  }

  func useBatchStatistics(_ normalization: Normalization, channels: Int, bands: Int, updates: Bool) {
    let width = 3 * channels
    for shard in 0..<shards {
      for channel in 0..<channels {
        var merged = tutti_moments()
        forEachPartial(shard, channel, channels, bands) { merge(&merged, moments.pointer[$0]) }
        let operand = operands.pointer + shard * width + 3 * channel
        (operand[0], operand[1], operand[2]) = (merged.count, merged.mean, merged.m2)
      }
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
      let count = operands.pointer[3 * channel]
      let mean = operands.pointer[3 * channel + 1]
      let m2 = operands.pointer[3 * channel + 2]
      setCoefficients(normalization, channel, mean: mean, variance: m2 / count)
      coefficients.pointer[normalization.coefficients + Row.pixels * channels + channel] = Float(count)
      guard updates, plan.purpose == .training, let means = normalization.mean, let variances = normalization.variance
      else { continue }
      let momentum = normalization.momentum
      let unbiased = count > 1 ? m2 / (count - 1) : m2 / count
      func move(_ value: inout Float, towards target: Double) {
        value = Float((1 - momentum) * Double(value) + momentum * target)
      }
      move(&statistics.pointer[means.offset + channel], towards: mean)
      move(&statistics.pointer[variances.offset + channel], towards: unbiased)
    }
  }

  private func setCoefficients(_ normalization: Normalization, _ channel: Int, mean: Double, variance: Double) {
    let channels = normalization.weight.count
    let values = coefficients.pointer + normalization.coefficients + channel
    let inverse = 1 / (variance + normalization.epsilon).squareRoot()
    let scale = Double(parameters.pointer[normalization.weight.offset + channel]) * inverse
    values[Row.scale * channels] = Float(scale)
    values[Row.shift * channels] = parameters.pointer[normalization.bias.offset + channel]
    values[Row.mean * channels] = Float(mean)
    values[Row.inverseDeviation * channels] = Float(inverse)
  }

  /// Sums a stage's gradient over the batch: the gradients of its normalization, or of its bias.
  ///
  /// A bias before a normalization by the batch's mean has no effect: its gradient is exactly 0 and stays so.
  func sumGradients(_ stage: Stage, channels: Int, bands: Int) {
    let width = 2 * channels
    for shard in 0..<shards {
      for channel in 0..<channels {
        var g = 0.0
        var gu = 0.0
        forEachPartial(shard, channel, channels, bands) {
          g += sums.pointer[$0].g
          gu += sums.pointer[$0].g_u
        }
        operands.pointer[shard * width + 2 * channel] = g
        operands.pointer[shard * width + 2 * channel + 1] = gu
      }
    }
    reduction.reduce(operands.pointer, shards: shards, width: width) { left, right in
      for index in 0..<width { left[index] += right[index] }
    }
    if let normalization = stage.normalization {
      let values = coefficients.pointer + normalization.coefficients
      for channel in 0..<channels {
        let g = operands.pointer[2 * channel]
        let gu = operands.pointer[2 * channel + 1]
        let inverse = Double(values[Row.inverseDeviation * channels + channel])
        let pixels = Double(values[Row.pixels * channels + channel])
        gradients.pointer[normalization.weight.offset + channel] = Float(gu * inverse)
        gradients.pointer[normalization.bias.offset + channel] = Float(g)
        values[Row.gradientMean * channels + channel] = Float(g / pixels)
        values[Row.gradientSlope * channels + channel] = Float(gu * inverse * inverse / pixels)
      }
    } else if let bias = stage.product?.bias {
      for channel in 0..<channels { gradients.pointer[bias.offset + channel] = Float(operands.pointer[2 * channel]) }
    }
  }

  /// The places of a shard's partial results for a channel, in the order (sample, band).
  private func forEachPartial(_ shard: Int, _ channel: Int, _ channels: Int, _ bands: Int, _ body: (Int) -> Void) {
    for sample in shard * samplesPerShard..<min(samples, (shard + 1) * samplesPerShard) {
      for band in 0..<bands { body((sample * channels + channel) * bands + band) }
    }
  }
}

/// Merges the moments of two sets of pixels (Chan, Golub and LeVeque, 1979).
@inline(__always)
private func merge(_ left: inout tutti_moments, _ right: tutti_moments) {
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
