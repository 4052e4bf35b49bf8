import CKernels
import Networks

extension PlanCompiler {
  /// - Parameter common: the source channels that all stages of its group share.
  mutating func makeStage(_ draft: Draft, step: Int, common: Int) -> Stage {
    guard case .stage(let productNode, let normalizationNode, let activationNode, let activatesFirst) = draft.kind
    else {
      preconditionFailure("a stage")
    }
    let source = place(draft.source)
    let target = place(draft.target)
    let product = productNode.map {
      makeProduct($0, source: source.geometry, target: target.geometry, common: common, reach: reach(draft.source))
    }
    let normalization = normalizationNode.map { makeNormalization($0) }
    let (activation, parameter) = activationNode.map(activationKind) ?? (TUTTI_IDENTITY, 0)
    var raw = target
    if productNode == nil {
      raw = source
    } else if keepsRaw(draft) {
      let geometry = geometry(draft.target, halo: 0)
      let last = activatingStep[root(draft.target).value] ?? step
      let buffer = addBuffer(geometry, first: step, last: backwardTime(last))
      raw = Place(buffer: buffer, channel: 0, channels: geometry.channels, geometry: geometry)
    }
    // What the batch's moments need is reduced at once; a bias before them has no gradient.
    let sums = sumDoubles
    if normalization != nil, normalizationScope == .shard { sumDoubles += 2 * target.channels }
    let biasSums = sumDoubles
    if product?.bias != nil, normalization == nil || activatesFirst { sumDoubles += 2 * target.channels }
    return Stage(
      product: product, normalization: normalization, activation: activation, activationParameter: parameter,
      activatesFirst: activatesFirst, lines: keptPlanes[draft.source] == nil ? nil : restackLines[draft.source],
      source: source, remade: remade(draft.source),
      sourceGradient: training && needsGradient(draft.source) ? gradientPlace(draft.source) : nil, raw: raw,
      target: target, targetGradient: training ? gradientPlace(draft.target) : nil, border: border(draft.target),
      sums: sums, biasSums: biasSums, groupChannel: 0, passed: (target.channel, target.geometry.channels))
  }

  private func remade(_ value: Int) -> (place: Place, maker: Int)? {
    guard remadeBuffer[value] != nil, let maker = makers[value] else { return nil }
    return (place(value, in: remadeBuffer), maker)
  }

  func activationKind(_ id: Int) -> (tutti_activation, Float) {
    guard case .activation(let activation) = graph.nodes[id].operation else { preconditionFailure("an activation") }
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
