import Host
import Networks

/// Dropout in training; in inference it has no step.
struct Dropout: Ported {
  var ports: Ports
  /// The factors of the forward pass, 0 or 1 / (1 − rate), for the backward pass.
  var factors: Place
  var rate: Float
  /// A stable hash of the node's name: part of the random numbers' key.
  var key: UInt64
}

extension PlanCompiler {
  mutating func makeDropout(_ node: Int, _ ports: Ports, _ step: StepID) -> Dropout {
    guard case .dropout(let rate) = graph.nodes[node].operation else { preconditionFailure("a dropout") }
    let geometry = ports.target.plainGeometry
    let buffer = addBuffer(geometry, first: step.number, last: backwardTime(step))
    return Dropout(
      ports: ports, factors: Place(buffer: buffer, channel: 0, channels: geometry.channels, geometry: geometry),
      rate: Float(rate), key: RandomStream.key(of: graph.nodes[node].name))
  }
}

/// The key of one training pass's random numbers. They depend on the sample's index in the global batch, not on the
/// rank or thread that computes it.
public struct DropoutKey: Hashable, Sendable {
  /// The job's seed.
  public var seed: UInt64
  /// The member of the ensemble that is trained.
  public var member: UInt64
  /// The number of the training step.
  public var step: UInt64
  /// The index of this execution's first sample in the global batch.
  public var firstSample: Int

  /// Makes a key of its four parts.
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
    forEachPlane(from: dropout.ports) { source, target, sample, channel in
      let factors = planes(dropout.factors, sample)
      var keys = RandomStream.Keys(seed: key.seed, purpose: .dropout)
      keys.absorb(key.member)
      keys.absorb(key.step)
      keys.absorb(UInt64(key.firstSample + sample))
      keys.absorb(dropout.key)
      keys.absorb(UInt64(channel))
      var random = RandomStream(keys)
      let scale = 1 / (1 - dropout.rate)
      for row in 0..<target.geometry.rows {
        let from = source.row + row * source.pitch
        let factor = factors.row(row, channel: channel)
        let to = target.row + row * target.pitch
        for x in 0..<target.geometry.nx {
          factor[x] = random.uniform() < dropout.rate ? 0 : scale
          to[x] = from[x] * factor[x]
        }
      }
    }
  }

  func backward(_ dropout: Dropout) {
    forEachGradientPlane(of: dropout.ports) { gradient, source, sample, channel in
      let factors = planes(dropout.factors, sample)
      for row in 0..<gradient.geometry.rows {
        let factor = factors.row(row, channel: channel)
        let (from, to) = (gradient.row + row * gradient.pitch, source.row + row * source.pitch)
        for x in 0..<gradient.geometry.nx { to[x] += from[x] * factor[x] }
      }
    }
  }
}
