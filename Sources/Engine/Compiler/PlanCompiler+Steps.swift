import CKernels
import Host
import Networks

extension PlanCompiler {
  mutating func step(_ index: Int) -> Step {
    let draft = drafts[groups[index].lowerBound]
    switch draft.kind {
    case .stage: return .stages(stageGroup(index))
    case .restack(let normalization, let after):
      return .restack(makeRestack(draft, normalization: normalization, after: after))
    default: break
    }
    let source = place(draft.source)
    let target = place(draft.target)
    let sourceGradient = training && needsGradient(draft.source) ? gradientPlace(draft.source) : nil
    let targetGradient = training ? gradientPlace(draft.target) : nil
    let border = border(draft.target)
    func axes3(_ setting: PerAxis) -> (z: Int, y: Int, x: Int) {
      let values =
        Array(repeating: 1, count: 3 - graph.dimensions) + (setting.values(dimensions: graph.dimensions) ?? [])
      return (values[0], values[1], values[2])
    }
    switch draft.kind {
    case .copy:
      return .copy(
        Copy(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          factor: 1, accumulates: false, border: border))

    case .term(let factor, let isFirst, let isLast):
      return .copy(
        Copy(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          factor: factor, accumulates: !isFirst,
          border: isLast ? border : Border(padding: TUTTI_ZEROS, width: 0, folded: 0)))

    case .groupNormalization(let id, let activationNode):
      return .groupNormalization(
        makeGroupNormalization(
          id, activationNode: activationNode, source: source, sourceGradient: sourceGradient, target: target,
          targetGradient: targetGradient, border: border, step: index))

    case .prelu(let id):
      let weight = layout.parameter("\(graph.nodes[id].name).weight")!
      partials = max(partials, target.channels)
      return .prelu(
        PReLU(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          weight: Slice(offset: weight.offset, count: weight.count), border: border,
          sums: reserveSums(target.channels)))

    case .clamp(let id):
      guard case .clamp(let minimum, let maximum) = graph.nodes[id].operation else { preconditionFailure("a clamp") }
      return .clamp(
        Clamp(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          minimum: Float(minimum), maximum: Float(maximum), border: border))

    case .upsampling(let id):
      guard case .upsampling(let settings) = graph.nodes[id].operation else { preconditionFailure("an upsampling") }
      let (from, to) = (source.geometry, target.geometry)
      let axes = [(from.nz, to.nz), (from.ny, to.ny), (from.nx, to.nx)].map {
        ResamplingTable(source: $0.0, target: $0.1, alignCorners: settings.alignCorners, mode: settings.mode)
      }
      tables += axes as [AnyObject & Sendable]
      return .resampling(
        Resampling(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          z: axes[0].entries, y: axes[1].entries, x: axes[2].entries, isLinear: settings.mode == .linear,
          border: border))

    case .reshape:
      return .reshape(
        Reshape(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          border: border))

    case .softmax(let id):
      guard case .softmax(let logarithm) = graph.nodes[id].operation else { preconditionFailure("a softmax") }
      return .softmax(
        Softmax(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          logarithm: logarithm, border: border))

    case .dropout(let id):
      guard case .dropout(let rate) = graph.nodes[id].operation else { preconditionFailure("a dropout") }
      let geometry = geometry(draft.target, halo: 0)
      let buffer = addBuffer(geometry, first: index, last: backwardTime(index))
      return .dropout(
        Dropout(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          factors: Place(buffer: buffer, channel: 0, channels: geometry.channels, geometry: geometry),
          rate: Float(rate),
          key: RandomStream.key(of: graph.nodes[id].name), border: border))

    case .pooling(let id):
      guard case .maxPooling(let pooling) = graph.nodes[id].operation else { preconditionFailure("a pooling") }
      let geometry = geometry(draft.target, halo: 0)
      let choices = addBuffer(
        geometry, floats: geometry.channels * geometry.pixels, first: index,
        last: training ? backwardTime(index) : index)
      return .pooling(
        Pooling(
          source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
          choices: choices, kernel: axes3(pooling.kernel), stride: axes3(pooling.stride), border: border))

    case .stage, .restack: preconditionFailure("made above")
    }
  }

  /// Room for two sums a channel that are reduced at the end of the backward pass.
  mutating func reserveSums(_ channels: Int) -> Int {
    defer { sumDoubles += 2 * channels }
    return sumDoubles
  }
}
