import Host

struct Dropout {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  /// Buffer of the factors (0 or 1 / (1 − rate)), laid out as the target.
  var factors: Place
  var rate: Float
  /// Stable hash of the node's name: part of the random numbers' key.
  var key: UInt64
  var border: Border
}

/// What the random numbers of one training pass are keyed by, so that they depend on the sample's place in the global batch and not on
/// who computes it.
public struct DropoutKey: Hashable, Sendable {
  public var seed: UInt64
  public var member: UInt64
  /// The number of the training step.
  public var step: UInt64
  /// The place of this execution's first sample in the global batch.
  public var firstSample: Int

  public init(seed: UInt64, member: UInt64, step: UInt64, firstSample: Int) {
    self.seed = seed
    self.member = member
    self.step = step
    self.firstSample = firstSample
  }
}

extension Execution {
  func forward(_ dropout: Dropout) {
    guard let key = randomKey else { preconditionFailure("dropout needs a key for its random numbers") }
    forEachPlane(dropout.target) { target, geometry, sample, channel in
      let source = planes(dropout.source, sample)
      let factors = planes(dropout.factors, sample)
      var random = RandomStream(
        seed: key.seed, purpose: .dropout, keys: key.member, key.step, UInt64(key.firstSample + sample), dropout.key,
        UInt64(channel))
      let scale = 1 / (1 - dropout.rate)
      for row in 0..<geometry.rows {
        let from = source.row(row, channel: channel)
        let factor = factors.row(row, channel: channel)
        let to = target + row * geometry.pitch
        for x in 0..<geometry.nx {
          factor[x] = random.uniform() < dropout.rate ? 0 : scale
          to[x] = from[x] * factor[x]
        }
      }
      fillHalo(planes(dropout.target, sample), channel, dropout.border)
    }
  }

  func backward(_ dropout: Dropout) {
    guard let gradient = dropout.targetGradient, let sourceGradient = dropout.sourceGradient else { return }
    foldHalo(gradient, border: dropout.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      let factors = planes(dropout.factors, sample)
      let target = planes(sourceGradient, sample)
      for row in 0..<geometry.rows {
        let factor = factors.row(row, channel: channel)
        let to = target.row(row, channel: channel)
        for x in 0..<geometry.nx { to[x] += g[row * geometry.pitch + x] * factor[x] }
      }
    }
  }
}
