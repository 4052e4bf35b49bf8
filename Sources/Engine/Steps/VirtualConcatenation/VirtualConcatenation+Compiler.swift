import CKernels
import Networks

extension PlanCompiler {
  /// The most bytes of one sample's concatenation: it must stay in the caches while a group reads it.
  private static let virtualBytes = 3 << 20

  /// Finds the concatenations that need not be materialized in training, and their consumers.
  mutating func findVirtualConcatenations() {
    guard training else { return }
    var stored = Set(visibleValues.map { root($0).value }).union([image])
    var consumers: [ValueID: Set<StepID>] = [:]
    var producers: [ValueID: [Draft]] = [:]
    for step in groups.indices {
      let group = groups[step]
      let isDense = commonChannels(group) != sourceChannels(group)
      for draft in group {
        consumers[root(draft.source).value, default: []].insert(step)
        producers[root(draft.target).value, default: []].append(draft)
        if isDense { stored.insert(root(draft.target).value) }
      }
    }
    for step in groups.indices {
      let stack = root(groups[step][0].source).value
      guard consumers[stack] == [step], !stored.contains(stack), let producers = producers[stack],
        canRecompute(stack, in: groups[step]), producers.allSatisfy(isCheap),
        producers.reduce(0, { $0 + channels($1.target) }) == channels(stack)
      else { continue }
      virtualConsumers[stack] = step
    }
  }

  /// Whether a group's products, some of them by minimal filtering, can read a concatenation that they recompute.
  private func canRecompute(_ stack: ValueID, in group: [Draft]) -> Bool {
    let geometry = values[stack].geometry
    let bytes = 4 * geometry.channels * geometry.nz * geometry.ny * geometry.nx
    return bytes <= Self.virtualBytes
      && group.allSatisfy { draft in
        guard let product = draft.product, root(draft.source) == Position(value: stack, channel: 0),
          channels(draft.source) == geometry.channels
        else { return false }
        return algorithm(product) == .direct && gradientAlgorithm(product) == .rows
      }
      && group.contains { draft in draft.product.map(isFiltered) ?? false }
  }

  /// Whether a product's result is kept anyway, and what follows it is normalization and a cheap activation.
  private func isCheap(_ draft: Draft) -> Bool {
    guard case .stage(_?, _?, let activation, false) = draft.kind, keepsRaw(draft) else { return false }
    return activation.map { tutti_has_cheap_derivative(activationKind($0).0) } ?? true
  }

  /// The concatenation that a step recomputes, if any; the stages of the step and of the producers must be made before.
  mutating func makeVirtualConcatenation(_ step: StepID) -> VirtualConcatenation? {
    let stack = root(groups[step][0].source).value
    guard virtualConsumers[stack] == step else { return nil }
    let producers = (virtualProducers[stack] ?? []).sorted { stages[$0].target.channel < stages[$1].target.channel }
    let planes = place(stack).geometry
    sizes.virtualFloats = max(sizes.virtualFloats, roundUp(planes.sampleStride, to: 16))
    sizes.partials = max(sizes.partials, planes.channels * planes.bands)
    let reach = groups[step].compactMap(\.product).map(reachedQuadRows).max() ?? 0
    return VirtualConcatenation(producers: list(producers), planes: planes, reach: reach)
  }

  private func reachedQuadRows(_ product: Int) -> Int {
    let axes = axes(product)
    let rows = axes[0].source * axes[1].source
    if axes.contains(where: { $0.mode == .circular && $0.padding > 0 }) { return rows }
    return min(rows, (axes[0].kernel - 1) * axes[0].dilation * axes[1].source + 6 * axes[1].dilation)
  }
}
