import CKernels
import Networks

/// Chains of layers each of which activates by ReLU and normalizes the whole stack of channels, old and new.
extension PlanCompiler {
  /// One layer's concatenation, which ReLU and batch normalization follow.
  private struct Link {
    var stack: Int
    var normalization: Int
  }

  /// Turns such chains into stack normalizations. The convolution results of all layers get one root, the gradients of
  /// the stacks that layers read another.
  ///
  /// Only convolutions and the next concatenation may read a normalized stack, since it is never materialized. The last
  /// one is stored if others read it.
  mutating func formStackNormalizations() {
    let consumers = graph.readers
    let visible = Set(graph.taps.values).union([graph.output])
    func soleConsumer(_ id: Int) -> Int? {
      consumers[id].count == 1 && !visible.contains(id) ? consumers[id][0] : nil
    }
    func isConcatenation(_ id: Int) -> Bool {
      if case .concatenation = graph.nodes[id].operation { true } else { false }
    }
    func isConvolution(_ id: Int) -> Bool {
      if case .convolution = graph.nodes[id].operation { true } else { false }
    }
    func link(_ stack: Int) -> Link? {
      guard isConcatenation(stack), let relu = soleConsumer(stack), let normalization = soleConsumer(relu),
        case .activation(.relu) = graph.nodes[relu].operation,
        case .batchNormalization = graph.nodes[normalization].operation,
        graph.nodes[stack].inputs.dropFirst().allSatisfy({ isConvolution($0) && soleConsumer($0) != nil })
      else { return nil }
      return Link(stack: stack, normalization: normalization)
    }
    /// Whether all are convolutions that can recompute the rows they read, with one padding mode.
    func canRecompute(_ ids: [Int], _ mode: inout PaddingMode?) -> Bool {
      ids.allSatisfy { id in
        guard isConvolution(id) else { return false }
        let axes = axes(id)
        guard axes.allSatisfy({ $0.stride == 1 && $0.source == $0.target }) else { return false }
        guard axes[2].padding > 0 else { return true }
        defer { mode = mode ?? axes[2].mode }
        return mode == nil || mode == axes[2].mode
      }
    }
    /// The link whose concatenation begins with the normalized stack of another.
    func next(after previous: Link, _ mode: inout PaddingMode?) -> Link? {
      let normalized = previous.normalization
      guard !visible.contains(normalized) else { return nil }
      let stacks = consumers[normalized].filter(isConcatenation)
      guard stacks.count == 1, graph.nodes[stacks[0]].inputs[0] == normalized,
        Set(consumers[normalized]) == Set(graph.nodes[stacks[0]].inputs.dropFirst() + stacks),
        canRecompute(Array(graph.nodes[stacks[0]].inputs.dropFirst()), &mode)
      else { return nil }
      return link(stacks[0])
    }
    var linked = Set<Int>()
    for id in graph.nodes.indices where !linked.contains(id) {
      guard let first = link(id) else { continue }
      var chain = [first]
      var mode: PaddingMode?
      while let following = next(after: chain[chain.count - 1], &mode) { chain.append(following) }
      linked.formUnion(chain.map(\.stack))
      guard chain.count > 1 else { continue }
      let last = chain[chain.count - 1].normalization
      formStackNormalizations(
        chain, consumers, storesLast: visible.contains(last) || !canRecompute(consumers[last], &mode))
    }
  }

  private mutating func formStackNormalizations(_ chain: [Link], _ consumers: [[Int]], storesLast: Bool) {
    let geometry = values[ValueID(chain[chain.count - 1].stack)].geometry
    let results = addValue(Value(geometry: geometry))
    let normalizedStacksRoot = addValue(Value(geometry: geometry))
    convolutionStacks.insert(results)
    if !storesLast { unstoredRoots.insert(normalizedStacksRoot) }
    let visible = visibleValues
    var previous: ValueID?
    var absorbed: Set<ValueID> = []
    var replacements: [ValueID: Draft] = [:]
    for link in chain {
      let (stack, normalized) = (ValueID(link.stack), ValueID(link.normalization))
      var channel = 0
      // The stack normalization stores the gradients of convolution results, so that all their other consumers must
      // come before.
      let members = Set([link.stack] + graph.nodes[link.stack].inputs)
      for input in graph.nodes[link.stack].inputs.map(value) {
        if input == previous {
          // The previous lines make it from the convolution results.
        } else if values[input].stack == nil, !visible.contains(input),
          consumers[input.number].allSatisfy({ members.contains($0) })
        {
          values[input].stack = Position(value: results, channel: channel)
        } else {
          insertCopy(of: input, at: Position(value: results, channel: channel))
        }
        channel += channels(input)
      }
      values[stack].stack = Position(value: results, channel: 0)
      values[normalized].stack = Position(value: normalizedStacksRoot, channel: 0)
      normalizedStacks.insert(stack)
      absorbed.insert(ValueID(graph.nodes[link.normalization].inputs[0]))
      replacements[normalized] = Draft(
        kind: .stackNormalization(link.normalization, previous: previous), source: stack, target: normalized)
      previous = normalized
    }
    drafts = drafts.compactMap { absorbed.contains($0.target) ? nil : replacements[$0.target] ?? $0 }
    for link in storesLast ? chain.dropLast() : chain[...] {
      recomputedFrom[ValueID(link.normalization)] = ValueID(link.stack)
    }
    advanceStackNormalizations(chain)
  }

  /// Moves the stack normalizations of a prediction by running statistics to the front: their lines depend on no value.
  /// So layers follow each other and are computed in blocks.
  private mutating func advanceStackNormalizations(_ chain: [Link]) {
    guard !training, chain.allSatisfy({ statistic($0.normalization, "running_mean") != nil }) else { return }
    let normalized = Set(chain.map { ValueID($0.normalization) })
    func advances(_ draft: Draft) -> Bool { normalized.contains(draft.target) && recomputedFrom[draft.target] != nil }
    drafts = drafts.filter(advances) + drafts.filter { !advances($0) }
  }

  /// - Parameter previous: the normalized stack before, whose channels are the first of this one.
  mutating func makeStackNormalization(_ draft: Draft, _ node: Int, previous: ValueID?) -> StackNormalization {
    let ports = ports(draft)
    let channels = ports.target.channels
    let normalization = makeNormalization(node)
    let sums = normalizationScope == .shard ? reserveLateSums(channels) : sizes.lateSums
    let lines = sizes.coefficientFloats
    sizes.coefficientFloats += tutti_line.floats * channels
    lineOffsets[draft.target] = lines
    let stage = stages.append(
      Stage(
        ports: ports, product: nil, normalization: normalization, activation: TUTTI_RELU, activationParameter: 0,
        activatesFirst: true, sourceLines: nil, recomputation: nil, raw: ports.source, sums: sums,
        biasSums: sizes.lateSums, groupChannel: 0, sumLayout: (0, channels)))
    sizes.partials = max(sizes.partials, channels * ports.target.geometry.bands)
    return StackNormalization(
      stage: stage, oldChannels: previous.map { self.channels($0) } ?? 0, lines: lines,
      oldLines: previous.flatMap { lineOffsets[$0] } ?? 0, isStored: recomputedFrom[draft.target] == nil)
  }

  /// Fuses stack normalizations with the layers before and after them: a layer that alone reads a normalized stack also
  /// computes the sums and moments for which the stack normalizations would read its rows once more.
  mutating func fuseStackNormalizations() {
    var consumers: [Int: Int] = [:]
    for stage in stages { if let lines = stage.sourceLines { consumers[lines, default: 0] += 1 } }
    for step in steps.indices.dropLast() {
      let next = step.next
      guard case .stackNormalization(var before) = steps[step], case .stages(var layer) = steps[next],
        layer.recomputedSource != nil, !layer.isDense, consumers[before.lines] == layer.stages.count,
        stages[layer.stages].allSatisfy({ $0.sourceLines == before.lines })
      else { continue }
      before.isFusedWithNext = true
      layer.inputNormalization = step
      let second = next.next
      if second < steps.endIndex, case .stackNormalization(var after) = steps[second], after.oldChannels > 0,
        after.oldLines == before.lines
      {
        after.isFusedWithPrevious = true
        layer.outputNormalization = second
        steps[second] = .stackNormalization(after)
      }
      (steps[step], steps[next]) = (.stackNormalization(before), .stages(layer))
    }
  }
}
