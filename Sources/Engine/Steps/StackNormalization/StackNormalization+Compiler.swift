import CKernels
import Networks

/// Chains of layers each of which activates by ReLU and normalizes all planes, old and new.
extension PlanCompiler {
  /// A concatenation that ReLU and batch normalization follow.
  private struct Link {
    var stack: Int
    var normalization: Int
  }

  /// Turns such chains into restackings: the planes of all layers become one root, the gradients of the stacks that layers read another.
  ///
  /// What a link makes may be read by convolutions and the next concatenation only, since it is never there as a whole; what the last
  /// one makes is stored where others read it.
  mutating func formRestacks() {
    let readers = graph.readers
    let kept = Set(graph.taps.values).union([graph.output])
    func sole(_ id: Int) -> Int? { readers[id].count == 1 && !kept.contains(id) ? readers[id][0] : nil }
    func isConcatenation(_ id: Int) -> Bool {
      if case .concatenation = graph.nodes[id].operation { true } else { false }
    }
    func isConvolution(_ id: Int) -> Bool {
      if case .convolution = graph.nodes[id].operation { true } else { false }
    }
    func link(_ stack: Int) -> Link? {
      guard isConcatenation(stack), let relu = sole(stack), let normalization = sole(relu),
        case .activation(.relu) = graph.nodes[relu].operation,
        case .batchNormalization = graph.nodes[normalization].operation,
        graph.nodes[stack].inputs.dropFirst().allSatisfy({ isConvolution($0) && sole($0) != nil })
      else { return nil }
      return Link(stack: stack, normalization: normalization)
    }
    /// Whether convolutions can make rows while they read them, all with one kind of padding.
    func readRows(_ ids: [Int], _ mode: inout PaddingMode?) -> Bool {
      ids.allSatisfy { id in
        guard isConvolution(id) else { return false }
        let axes = axes(id)
        guard axes.allSatisfy({ $0.stride == 1 && $0.source == $0.target }) else { return false }
        guard axes[2].padding > 0 else { return true }
        defer { mode = mode ?? axes[2].mode }
        return mode == nil || mode == axes[2].mode
      }
    }
    /// The link whose concatenation begins with what another made.
    func next(_ before: Link, _ mode: inout PaddingMode?) -> Link? {
      let made = before.normalization
      guard !kept.contains(made) else { return nil }
      let stacks = readers[made].filter(isConcatenation)
      guard stacks.count == 1, graph.nodes[stacks[0]].inputs[0] == made,
        Set(readers[made]) == Set(graph.nodes[stacks[0]].inputs.dropFirst() + stacks),
        readRows(Array(graph.nodes[stacks[0]].inputs.dropFirst()), &mode)
      else { return nil }
      return link(stacks[0])
    }
    var linked = Set<Int>()
    for id in graph.nodes.indices where !linked.contains(id) {
      guard let first = link(id) else { continue }
      var chain = [first]
      var mode: PaddingMode?
      while let following = next(chain[chain.count - 1], &mode) { chain.append(following) }
      linked.formUnion(chain.map(\.stack))
      guard chain.count > 1 else { continue }
      let last = chain[chain.count - 1].normalization
      restack(chain, storesLast: kept.contains(last) || !readRows(readers[last], &mode))
    }
  }

  private mutating func restack(_ chain: [Link], storesLast: Bool) {
    let last = values[chain[chain.count - 1].stack].geometry
    values += [Value(geometry: last), Value(geometry: last)]
    let (planes, stacks) = (values.count - 2, values.count - 1)
    restackedPlanes.insert(planes)
    if !storesLast { madeStacks.insert(stacks) }
    let readers = graph.readers
    let kept = Set(graph.taps.values.map(resolve)).union([resolve(graph.output)])
    var old: Int?
    for link in chain {
      var channel = 0
      // The gradients of planes are stored by the restacking, so that all other readers must come before it.
      let joined = Set([link.stack] + graph.nodes[link.stack].inputs)
      for input in graph.nodes[link.stack].inputs.map(resolve) {
        if input == old {
          // Its line makes it out of the planes.
        } else if values[input].stack == nil, !kept.contains(input), readers[input].allSatisfy({ joined.contains($0) })
        {
          values[input].stack = (planes, channel)
        } else {
          insertCopy(of: input, at: (planes, channel))
        }
        channel += values[input].geometry.channels
      }
      values[link.stack].stack = (planes, 0)
      values[link.normalization].stack = (stacks, 0)
      restacked.insert(link.stack)
      drafts.removeAll { $0.target == graph.nodes[link.normalization].inputs[0] }
      let place = drafts.firstIndex { $0.target == link.normalization }!
      drafts[place] = Draft(
        kind: .restack(normalization: link.normalization, after: old), source: link.stack, target: link.normalization)
      old = link.normalization
    }
    for link in storesLast ? chain.dropLast() : chain[...] { keptPlanes[link.normalization] = link.stack }
    advanceRestacks(chain)
  }

  /// By running statistics a line depends on no plane: all are found before, so that layers follow each other and are worked in blocks.
  private mutating func advanceRestacks(_ chain: [Link]) {
    let isTracked = chain.allSatisfy {
      layout.statistic("\(graph.nodes[$0.normalization].name).running_mean") != nil
    }
    guard !training, isTracked else { return }
    let advanced = drafts.filter { keptPlanes[$0.target] != nil && chain.map(\.normalization).contains($0.target) }
    drafts.removeAll { draft in advanced.contains { $0.target == draft.target } }
    drafts.insert(contentsOf: advanced, at: 0)
  }

  /// - Parameter after: the normalization of the restacking before.
  mutating func makeRestack(_ draft: Draft, normalization id: Int, after: Int?) -> Restack {
    let source = place(draft.source)
    let target = place(draft.target)
    let normalization = makeNormalization(id)
    let sums = normalizationScope == .shard ? reserveSums(target.channels) : sumDoubles
    let lines = coefficientFloats
    coefficientFloats += tutti_line.floats * target.channels
    restackLines[id] = lines
    stages.append(
      Stage(
        product: nil, normalization: normalization, activation: TUTTI_RELU, activationParameter: 0,
        activatesFirst: true, lines: nil, source: source, remade: nil,
        sourceGradient: training ? gradientPlace(draft.source) : nil,
        raw: source, target: target, targetGradient: training ? gradientPlace(draft.target) : nil,
        border: border(draft.target), sums: sums, biasSums: sumDoubles, groupChannel: 0,
        passed: (0, target.channels)))
    partials = max(partials, target.channels * target.geometry.bands)
    return Restack(
      group: StageGroup(
        stages: stages.count - 1..<stages.count, channels: target.channels, weights: 0, common: target.channels,
        most: target.channels, isDense: false, chunk: target.channels, gradientChunk: target.channels,
        gradientRows: target.geometry.rows, storesGradient: false),
      old: after.map { values[$0].geometry.channels } ?? 0, lines: lines,
      oldLines: after.map { restackLines[$0]! } ?? 0, isStored: keptPlanes[draft.target] == nil)
  }

  /// Lets a layer that reads a stack alone do what restackings would read its rows for once more.
  mutating func linkRestacks() {
    for index in steps.indices.dropLast() {
      guard case .restack(var before) = steps[index], case .stages(var layer) = steps[index + 1],
        layer.made != nil, !layer.isDense,
        stages.count(where: { $0.lines == before.lines }) == layer.stages.count,
        stages[layer.stages].allSatisfy({ $0.lines == before.lines })
      else { continue }
      before.hasSumsTaken = true
      layer.restackBefore = index
      if index + 2 < steps.count, case .restack(var after) = steps[index + 2], after.old > 0,
        after.oldLines == before.lines
      {
        after.isFollowing = true
        layer.restackAfter = index + 2
        steps[index + 2] = .restack(after)
      }
      (steps[index], steps[index + 1]) = (.restack(before), .stages(layer))
    }
  }
}
