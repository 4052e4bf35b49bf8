import CKernels
import Networks

extension PlanCompiler {
  /// Bytes of a sample's planes that stay in the caches while a group works them.
  private static let activatedBytes = 3 << 20

  /// Finds the stacks that their readers can make, and the steps of these.
  mutating func findActivatedStacks() {
    guard training else { return }
    let kept = Set((graph.taps.values + [graph.output]).map { root(resolve($0)).value }).union([0])
    var readers: [Int: Set<Int>] = [:]
    var makers: [Int: [Draft]] = [:]
    var dense = Set<Int>()
    for (step, group) in groups.enumerated() {
      for draft in drafts[group] {
        readers[root(draft.source).value, default: []].insert(step)
        makers[root(draft.target).value, default: []].append(draft)
        if sources(group) != mostSources(group) { dense.insert(root(draft.target).value) }
      }
    }
    let stored = kept.union(dense)
    for (step, group) in groups.enumerated() {
      let stack = root(drafts[group.lowerBound].source).value
      guard readers[stack] == [step], !stored.contains(stack), let makers = makers[stack],
        canActivate(stack, group), makers.allSatisfy(canBeActivated),
        makers.reduce(0, { $0 + values[$1.target].geometry.channels }) == values[stack].geometry.channels
      else { continue }
      activatingStep[stack] = step
    }
  }

  /// Whether products of a group, some of them by minimal filtering, can read a stack that they make.
  private func canActivate(_ stack: Int, _ group: Range<Int>) -> Bool {
    let geometry = values[stack].geometry
    let bytes = 4 * geometry.channels * geometry.nz * geometry.ny * geometry.nx
    return bytes <= Self.activatedBytes
      && drafts[group].allSatisfy { draft in
        guard case .stage(let product?, _, _, _) = draft.kind, root(draft.source) == (stack, 0),
          values[draft.source].geometry.channels == geometry.channels
        else { return false }
        return algorithm(product) == .direct && gradientAlgorithm(product) == .rows
      }
      && drafts[group].contains { draft in
        if case .stage(let product?, _, _, _) = draft.kind { isFiltered(product) } else { false }
      }
  }

  /// Whether a result is kept, and what is made of it cheap to make again.
  private func canBeActivated(_ draft: Draft) -> Bool {
    guard case .stage(_?, _?, let activation, false) = draft.kind, keepsRaw(draft) else { return false }
    return activation.map { tutti_has_cheap_derivative(activationKind($0).0) } ?? true
  }

  /// The stack that a group makes, when its stages and those of its makers are known.
  mutating func activatedStack(_ step: Int) -> ActivatedStack? {
    let stack = root(drafts[groups[step].lowerBound].source).value
    guard activatingStep[stack] == step else { return nil }
    let first = activatingStages.count
    activatingStages += (stackMakers[stack] ?? []).sorted {
      stages[$0].target.channel < stages[$1].target.channel
    }
    let planes = place(stack).geometry
    activatedFloats = max(activatedFloats, roundUp(planes.sampleStride, to: 16))
    partials = max(partials, planes.channels * planes.bands)
    return ActivatedStack(
      makers: first..<activatingStages.count, planes: planes,
      reach: groups[step].reduce(0) { max($0, reachedRows(drafts[$1])) })
  }

  private func reachedRows(_ draft: Draft) -> Int {
    guard case .stage(let product?, _, _, _) = draft.kind else { return 0 }
    let axes = axes(product)
    let rows = axes[0].source * axes[1].source
    if axes.contains(where: { $0.mode == .circular && $0.padding > 0 }) { return rows }
    return min(rows, (axes[0].kernel - 1) * axes[0].dilation * axes[1].source + 6 * axes[1].dilation)
  }
}
