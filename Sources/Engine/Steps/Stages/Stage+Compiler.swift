import CKernels
import Networks

extension PlanCompiler {
  /// - Parameter common: the source channels that all stages of its group read.
  mutating func makeStage(_ draft: Draft, _ step: StepID, common: Int) -> Stage {
    guard case .stage(let product, let normalization, let activation, let activatesFirst) = draft.kind else {
      preconditionFailure("a stage")
    }
    let ports = ports(draft)
    let compiledProduct = product.map { makeProduct($0, ports, common: common, reach: reach(draft.source)) }
    let compiledNormalization = normalization.map { makeNormalization($0) }
    let (kind, parameter) = activation.map(activationKind) ?? (TUTTI_IDENTITY, 0)
    var raw = ports.target
    if product == nil {
      raw = ports.source
    } else if keepsRaw(draft) {
      let geometry = geometry(draft.target, halo: 0)
      let consumer = virtualConsumers[root(draft.target).value] ?? step
      let buffer = addBuffer(geometry, first: step.number, last: backwardTime(consumer))
      raw = Place(buffer: buffer, channel: 0, channels: geometry.channels, geometry: geometry)
    }
    // Sums over the whole batch are reduced at once; a bias before a normalization by them has no gradient.
    let channels = ports.target.channels
    let sums = normalization != nil && normalizationScope == .shard ? reserveLateSums(channels) : sizes.lateSums
    let hasBiasGradient = compiledProduct?.bias != nil && (normalization == nil || activatesFirst)
    return Stage(
      ports: ports, product: compiledProduct, normalization: compiledNormalization, activation: kind,
      activationParameter: parameter, activatesFirst: activatesFirst,
      sourceLines: recomputedFrom[draft.source] == nil ? nil : lineOffsets[draft.source],
      recomputation: recomputation(of: draft.source), raw: raw, sums: sums,
      biasSums: hasBiasGradient ? reserveLateSums(channels) : sizes.lateSums, groupChannel: 0,
      sumLayout: (ports.target.channel, ports.target.geometry.channels))
  }

  private func recomputation(of value: ValueID) -> Stage.Recomputation? {
    guard let place = recomputationPlace(value), let producer = producers[value] else { return nil }
    return Stage.Recomputation(place: place, producer: producer)
  }

  /// Whether a product's result is kept for the backward pass beside what a normalization or an activation makes of it.
  func keepsRaw(_ draft: Draft) -> Bool {
    guard training, case .stage(_?, let normalization, let activation, _) = draft.kind else { return false }
    return normalization != nil || activation.map { !isInvertible($0) } == true
  }

  /// Whether an activation's derivative can be told from its value.
  func isInvertible(_ node: Int) -> Bool {
    switch graph.nodes[node].operation {
    case .activation(.relu): true
    case .activation(.leakyReLU(let slope)): slope > 0
    default: false
    }
  }

  /// An activation as kernels name it, and its parameter.
  func activationKind(_ node: Int) -> (tutti_activation, Float) {
    guard case .activation(let activation) = graph.nodes[node].operation else { preconditionFailure("an activation") }
    return switch activation {
    case .relu: (TUTTI_RELU, 0)
    case .prelu: preconditionFailure("a PReLU is a step of its own")
    case .leakyReLU(let slope): (TUTTI_LEAKY_RELU, Float(slope))
    case .elu(let alpha): (TUTTI_ELU, Float(alpha))
    case .gelu: (TUTTI_GELU, 0)
    case .silu: (TUTTI_SILU, 0)
    case .tanh: (TUTTI_TANH, 0)
    case .sigmoid: (TUTTI_SIGMOID, 0)
    case .softplus: (TUTTI_SOFTPLUS, 0)
    case .hardswish: (TUTTI_HARDSWISH, 0)
    }
  }
}
