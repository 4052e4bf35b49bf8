import CKernels
import Networks

/// Which stages one step computes together.
extension PlanCompiler {
  /// Layers of a dense network in one block. With more of them finished planes are read less often; with fewer of them
  /// less is left to be done layer by layer.
  private static let denseLimit = 8
  /// Convolutions of one stack in one step.
  private static let groupLimit = 64
  /// Bytes of source channels that stay in the second-level cache beside what is computed from them.
  static let cached = 400 << 10

  /// Joins neighbouring direct convolutions of one stack into one step each.
  mutating func formGroups() {
    for draft in drafts {
      if let last = groups.indices.last, canJoin(draft, groups[last]) {
        groups[last].append(draft)
      } else {
        groups.append([draft])
      }
    }
  }

  private func canJoin(_ draft: Draft, _ group: [Draft]) -> Bool {
    let first = group[0]
    guard isDirect(first), isDirect(draft), root(first.source) == root(draft.source) else { return false }
    let (a, b) = (values[first.target].geometry, values[draft.target].geometry)
    guard (a.nz, a.ny, a.nx) == (b.nz, b.ny, b.nx) else { return false }
    let common = commonChannels(group)
    let isDense = min(common, channels(draft.source)) != channels(draft.source) || common != sourceChannels(group)
    return group.count < (isDense ? Self.denseLimit : Self.groupLimit)
  }

  private func isDirect(_ draft: Draft) -> Bool { draft.product.map(algorithm) == .direct }

  /// Whether a product's data gradient can store all of a root's gradient that is read. Only the direct kernels also
  /// write the halo that paddings other than zeros fold back.
  private func storesAll(_ draft: Draft, of holder: ValueID) -> Bool {
    guard let product = draft.product else { return false }
    switch algorithm(product) {
    case .direct, .filtering: return true
    case .winograd, .disjoint: return halos[holder, default: Halo()].mode == .zeros
    case .matrix: return false
    }
  }

  /// Leading source channels that all stages of a group read.
  func commonChannels(_ group: [Draft]) -> Int { group.map { channels($0.source) }.min()! }
  /// Source channels that any stage of a group reads.
  func sourceChannels(_ group: [Draft]) -> Int { group.map { channels($0.source) }.max()! }

  /// Whether a step's products write every channel of a root's gradient, and no other part of the step touches it.
  func writesAll(of holder: ValueID, _ step: StepID) -> Bool {
    groups[step].allSatisfy { draft in
      storesAll(draft, of: holder) && root(draft.source) == Position(value: holder, channel: 0)
        && root(draft.target).value != holder && channels(draft.source) == channels(holder)
    }
  }

  /// Rows of the source, above and below together, that a product's taps reach beyond the rows of its result.
  func reachedRows(_ product: Int, planeRows: Int) -> Int {
    let axes = axes(product)
    return (axes[0].kernel - 1) * axes[0].dilation * planeRows + (axes[1].kernel - 1) * axes[1].dilation
  }

  mutating func makeStageGroup(_ step: StepID) -> StageGroup {
    let group = groups[step]
    let first = stages.endIndex
    let common = commonChannels(group)
    let isDense = common != sourceChannels(group)
    var (channels, weights) = (0, 0)
    for draft in group {
      var stage = makeStage(draft, step, common: common)
      stage.groupChannel = channels
      stage.product?.groupWeight = weights
      channels += stage.target.channels
      weights += stage.product?.weight.count ?? 0
      let id = stages.append(stage)
      producers[draft.target] = id
      let stack = root(draft.target).value
      if virtualConsumers[stack] != nil { virtualProducers[stack, default: []].append(id) }
    }
    let members = Indices(first, to: stages.endIndex)
    for id in members where stages[id].target.isStored {
      stages[id].sumLayout = (stages[id].groupChannel, channels)
    }
    let target = stages[first].target.geometry
    sizes.partials = max(sizes.partials, channels * target.bands)
    let keepsShards = stages[members].contains { stage in
      stage.product.map { !$0.gradientAlgorithm.isByPieces || $0.joinsShards } ?? false
    }
    if keepsShards { sizes.largestJoined = max(sizes.largestJoined, weights) }

    let recomputed = makeRecomputedSource(group)
    let sets =
      isDense || recomputed != nil
      ? Indices(filterSets.endIndex, to: filterSets.endIndex) : formFilterSets(group, members)
    var compiled = StageGroup(
      stages: members, channels: channels, weights: weights, commonChannels: common,
      sourceChannels: sourceChannels(group), isDense: isDense, chunk: common, gradientChunk: sourceChannels(group),
      gradientRows: target.rows, storesGradient: storingSteps.contains(step), filterSets: sets,
      virtualSource: makeVirtualConcatenation(step), recomputedSource: recomputed)
    let source = stages[first].source.geometry
    if group.count > 1 {
      let margin = group.compactMap(\.product).map { reachedRows($0, planeRows: source.ny) }.max() ?? 0
      let rows = min(source.rows, (isDense ? StageGroup.denseBands : 1) * target.bandRows + margin)
      compiled.chunk = max(1, Self.cached / (4 * source.pitch * rows))
      compiled.gradientChunk = max(1, Self.cached / (4 * source.pitch * source.rows) / 3) * 3
      compiled.gradientRows = max(4, Self.cached / (4 * source.pitch * common))
    }
    if !sets.isEmpty {
      compiled.filterUnit = filteredUnit(sets, source)
      let rows = Self.cached / (4 * source.pitch * common)
      compiled.gradientRows = max(compiled.filterUnit, rows / compiled.filterUnit * compiled.filterUnit)
    }
    return compiled
  }
}
