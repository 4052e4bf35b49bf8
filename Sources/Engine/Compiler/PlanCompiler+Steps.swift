import CKernels
import Networks

/// From drafts to steps.
extension PlanCompiler {
  mutating func makeStep(_ step: StepID) -> Step {
    let draft = groups[step][0]
    switch draft.kind {
    case .stage: return .stages(makeStageGroup(step))
    case .stackNormalization(let node, let previous):
      return .stackNormalization(makeStackNormalization(draft, node, previous: previous))
    case .copy: return .copy(Copy(ports: ports(draft), factor: 1, accumulates: false))
    case .term(let factor, let isFirst, let isLast):
      var ports = ports(draft)
      if !isLast { ports.border = .none }
      return .copy(Copy(ports: ports, factor: factor, accumulates: !isFirst))
    case .groupNormalization(let node, let activation):
      return .groupNormalization(makeGroupNormalization(node, activation: activation, ports(draft), step))
    case .prelu(let node): return .prelu(makePReLU(node, ports(draft)))
    case .clamp(let node): return .clamp(makeClamp(node, ports(draft)))
    case .upsampling(let node): return .resampling(makeResampling(node, ports(draft)))
    case .reshape: return .reshape(Reshape(ports: ports(draft)))
    case .softmax(let node): return .softmax(makeSoftmax(node, ports(draft)))
    case .dropout(let node): return .dropout(makeDropout(node, ports(draft), step))
    case .pooling(let node): return .pooling(makePooling(node, ports(draft), step))
    }
  }

  func ports(_ draft: Draft) -> Ports {
    Ports(
      source: place(draft.source),
      sourceGradient: training && needsGradient(draft.source) ? gradientPlace(draft.source) : nil,
      target: place(draft.target), targetGradient: training ? gradientPlace(draft.target) : nil,
      border: border(draft.target))
  }

  /// A setting along z, y and x.
  func axes3(_ setting: PerAxis, absent: Int) -> [Int] {
    Array(repeating: absent, count: 3 - graph.dimensions) + (setting.values(dimensions: graph.dimensions) ?? [])
  }

  /// Reserves floats for weights in a layout that kernels read.
  mutating func reservePacked(_ floats: Int) -> Slice {
    defer { sizes.packedFloats += roundUp(floats, to: 16) }
    return Slice(offset: sizes.packedFloats, count: floats)
  }

  /// Makes a thread's scratch memory as large as a step needs.
  mutating func requireScratch(_ floats: Int) {
    sizes.scratchFloats = max(sizes.scratchFloats, roundUp(floats, to: 16))
  }

  /// Reserves room for two sums a channel that are reduced at the end of the backward pass.
  mutating func reserveLateSums(_ channels: Int) -> Int {
    defer { sizes.lateSums += 2 * channels }
    return sizes.lateSums
  }
}
