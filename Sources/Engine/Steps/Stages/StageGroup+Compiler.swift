/// Which stages are worked in one pass over the stack that they read.
extension PlanCompiler {
  /// Layers of a dense network that are worked as a block: more of them read finished planes more seldom, fewer leave less to be
  /// done layer by layer.
  private static let denseLimit = 8
  /// Bytes of source channels that stay in the second cache beside what is made of them.
  static let cached = 400 << 10

  /// Neighbouring stages of direct products that read the same stack, as far as each, become one step.
  mutating func formGroups() {
    for index in drafts.indices {
      if let last = groups.last, joins(index, last) {
        groups[groups.count - 1] = last.lowerBound..<index + 1
      } else {
        groups.append(index..<index + 1)
      }
    }
  }

  private func isDirect(_ draft: Draft) -> Bool {
    guard case .stage(let product?, _, _, _) = draft.kind else { return false }
    return algorithm(product) == .direct
  }

  /// Whether a product's data gradient can store all that is read of a root's gradient: the direct kernels also write the halo that
  /// paddings other than zeros fold back.
  private func storesAll(_ draft: Draft, of holder: Int) -> Bool {
    guard case .stage(let product?, _, _, _) = draft.kind else { return false }
    switch algorithm(product) {
    case .direct, .filtering: return true
    case .winograd, .disjoint: return halos[holder, default: Halo()].mode == .zeros
    case .matrix: return false
    }
  }

  private func joins(_ index: Int, _ group: Range<Int>) -> Bool {
    let first = drafts[group.lowerBound]
    let draft = drafts[index]
    guard isDirect(first), isDirect(draft), root(first.source) == root(draft.source) else {
      return false
    }
    let (a, b) = (values[first.target].geometry, values[draft.target].geometry)
    guard (a.nz, a.ny, a.nx) == (b.nz, b.ny, b.nx) else { return false }
    let isDense = sources(group.lowerBound..<index + 1) != values[draft.source].geometry.channels
    return group.count < (isDense || sources(group) != mostSources(group) ? Self.denseLimit : 64)
  }

  /// Leading source channels that all stages of a group read, and those that any reads.
  func sources(_ group: Range<Int>) -> Int { drafts[group].map { values[$0.source].geometry.channels }.min()! }
  func mostSources(_ group: Range<Int>) -> Int {
    drafts[group].map { values[$0.source].geometry.channels }.max()!
  }

  /// Whether a step's products write every channel of a root's gradient, and no other part of the step touches it.
  func writesAll(of holder: Int, _ step: Int) -> Bool {
    drafts[groups[step]].allSatisfy { draft in
      storesAll(draft, of: holder) && root(draft.source) == (holder, 0) && root(draft.target).value != holder
        && values[draft.source].geometry.channels == values[holder].geometry.channels
    }
  }

  mutating func stageGroup(_ step: Int) -> StageGroup {
    let group = groups[step]
    let first = stages.count
    let common = sources(group)
    var channels = 0
    var weights = 0
    for index in group {
      var stage = makeStage(drafts[index], step: step, common: common)
      stage.groupChannel = channels
      stage.product?.groupWeight = weights
      channels += stage.target.channels
      weights += stage.product?.weight.count ?? 0
      makers[drafts[index].target] = stages.count
      let stack = root(drafts[index].target).value
      if activatingStep[stack] != nil { stackMakers[stack, default: []].append(stages.count) }
      stages.append(stage)
    }
    for index in first..<stages.count where stages[index].target.isStored {
      stages[index].passed = (stages[index].groupChannel, channels)
    }
    let target = stages[first].target.geometry
    partials = max(partials, channels * target.bands)
    if stages[first...].contains(where: {
      $0.product.map { !$0.gradientAlgorithm.isByPieces || $0.joinsShards } ?? false
    }) {
      largestJoined = max(largestJoined, weights)
    }
    let isDense = common != mostSources(group)
    var chunks = (forward: common, gradient: mostSources(group))
    var gradientRows = target.rows
    if group.count > 1 {
      let source = stages[first].source.geometry
      let margin = group.map { index in
        guard case .stage(let product?, _, _, _) = drafts[index].kind else { return 0 }
        let axes = axes(product)
        return (axes[0].kernel - 1) * axes[0].dilation * source.ny + (axes[1].kernel - 1) * axes[1].dilation
      }.max()!
      let rows = min(source.rows, (isDense ? StageGroup.denseBands : 1) * target.bandRows + margin)
      chunks.forward = max(1, Self.cached / (4 * source.pitch * rows))
      chunks.gradient = max(1, Self.cached / (4 * source.pitch * source.rows) / 3) * 3
      gradientRows = max(4, Self.cached / (4 * source.pitch * common))
    }
    let made = madeSource(group)
    let sets = isDense || made != nil ? filterSets.count..<filterSets.count : formFilterSets(group, firstStage: first)
    var unit = 1
    if !sets.isEmpty {
      unit = filteredUnit(sets, stages[first].source.geometry)
      let rows = Self.cached / (4 * stages[first].source.geometry.pitch * common)
      gradientRows = max(unit, rows / unit * unit)
    }
    return StageGroup(
      stages: first..<stages.count, channels: channels, weights: weights, common: common, most: mostSources(group),
      isDense: isDense, chunk: chunks.forward, gradientChunk: chunks.gradient, gradientRows: gradientRows,
      storesGradient: storing.contains(step), filterSets: sets, filterUnit: unit, activated: activatedStack(step),
      made: made)
  }
}
