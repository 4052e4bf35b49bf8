import CKernels
import Networks

/// Buffers for values and their gradients, and when they are alive.
extension PlanCompiler {
  private func place(_ value: ValueID, in table: [ValueID: BufferID]) -> Place {
    let root = root(value)
    guard let buffer = table[root.value] else { preconditionFailure("a value with a buffer") }
    return Place(
      buffer: buffer, channel: root.channel, channels: channels(value), geometry: buffers[buffer].geometry)
  }

  /// Where a value lies; for a normalized stack that consumers recompute, where its convolution results lie.
  func place(_ value: ValueID) -> Place {
    var place = place(recomputedFrom[value] ?? value, in: valueBuffers)
    place.isStored = virtualConsumers[root(value).value] == nil
    return place
  }

  func gradientPlace(_ value: ValueID) -> Place { place(value, in: gradientBuffers) }

  /// Where the backward pass recomputes a value, if it does.
  func recomputationPlace(_ value: ValueID) -> Place? {
    recomputationBuffers[value] == nil ? nil : place(value, in: recomputationBuffers)
  }

  mutating func addBuffer(_ geometry: PlaneGeometry, floats: Int? = nil, first: Int, last: Int) -> BufferID {
    let floats = floats ?? geometry.sampleStride
    requests.append(Arena.Request(floats: floats, first: first, last: last))
    return buffers.append(Plan.Buffer(geometry: geometry, floats: floats, offset: 0))
  }

  /// The time at which the loss is computed. Step i runs forward at time i and backward at time 2 · `lossTime` − i.
  var lossTime: Int { groups.count }
  func backwardTime(_ step: StepID) -> Int { 2 * lossTime - step.number }

  /// Whether a step's backward pass reads its source, and its target.
  private func backwardReads(_ draft: Draft) -> (source: Bool, target: Bool) {
    switch draft.kind {
    case .stage(let product, let normalization, let activation, _):
      let keepsTarget = product != nil && normalization == nil && activation.map(isInvertible) == true
      return (true, keepsTarget)
    case .softmax: return (false, true)
    case .stackNormalization, .groupNormalization, .prelu, .clamp: return (true, false)
    case .pooling, .dropout, .upsampling, .reshape, .copy, .term: return (false, false)
    }
  }

  /// Gives every value and gradient a buffer that lives as long as steps use it.
  mutating func allocate() {
    struct Life {
      var first = Int.max
      var last = Int.min
      mutating func touch(_ time: Int) {
        first = min(first, time)
        last = max(last, time)
      }
    }
    var lives: [ValueID: Life] = [:]
    var gradientLives: [ValueID: Life] = [:]
    func touch(_ value: ValueID, _ time: Int) {
      lives[root(recomputedFrom[value] ?? value).value, default: Life()].touch(time)
    }
    func touchGradient(_ value: ValueID, _ time: Int) {
      gradientLives[root(value).value, default: Life()].touch(time)
    }

    let recomputed = training ? recomputedValues() : []
    touch(image, -1)
    for value in visibleValues { touch(value, lossTime) }
    for step in groups.indices {
      for draft in groups[step] {
        touch(draft.source, step.number)
        touch(draft.target, step.number)
        guard training else { continue }
        let reads = backwardReads(draft)
        if reads.source, !recomputed.contains(draft.source) { touch(draft.source, backwardTime(step)) }
        if reads.target { touch(draft.target, backwardTime(step)) }
        touchGradient(draft.target, backwardTime(step))
        if needsGradient(draft.source) { touchGradient(draft.source, backwardTime(step)) }
      }
    }
    if training {
      touchGradient(value(of: graph.output), lossTime)
      for value in visibleValues where needsGradient(value) { touchGradient(value, lossTime) }
      if wantsInputGradient { touchGradient(image, 2 * lossTime + 1) }
    }
    // A value and its gradient have the same geometry, unless only stack normalizations read the value.
    for (holder, life) in lives.sorted(by: { $0.key < $1.key }) {
      let halo = halos[holder, default: Halo()]
      valueBuffers[holder] = addBuffer(
        geometry(holder, halo: convolutionStacks.contains(holder) ? halo.fill : halo.width),
        floats: virtualConsumers[holder] == nil ? nil : 0, first: life.first, last: life.last)
    }
    for (holder, life) in gradientLives.sorted(by: { $0.key < $1.key }) {
      let width = unstoredRoots.contains(holder) ? reach(holder) : halos[holder]?.width ?? 0
      gradientBuffers[holder] = addBuffer(geometry(holder, halo: width), first: life.first, last: life.last)
    }
    for step in groups.indices where groups[step].count == 1 {
      let value = groups[step][0].source
      guard recomputed.contains(value) else { continue }
      let time = backwardTime(step)
      recomputationBuffers[value] = addBuffer(
        geometry(value, halo: halos[value]?.width ?? 0), first: time, last: time)
    }
    // A gradient is the sum of its consumers' parts: it is zeroed before the first of them, or the first stores its
    // part.
    var zeroed: [StepID: [BufferID]] = [:]
    for (holder, life) in gradientLives where life.first > lossTime {
      let step = StepID(2 * lossTime - life.first)
      if writesAll(of: holder, step) {
        storingSteps.insert(step)
      } else if !convolutionStacks.contains(holder), let buffer = gradientBuffers[holder] {
        zeroed[step, default: []].append(buffer)
      }
    }
    for step in groups.indices {
      let start = zeroedBuffers.count
      zeroedBuffers += (zeroed[step] ?? []).sorted()
      zeroedRanges.append(start..<zeroedBuffers.count)
    }
  }

  func needsGradient(_ value: ValueID) -> Bool { value != image || wantsInputGradient }

  /// The tapped values, sorted by name.
  func taps() -> [Plan.Tap] {
    graph.taps.sorted { $0.key < $1.key }.map { name, node in
      let value = value(of: node)
      return Plan.Tap(
        name: name, shape: shapes[node], place: place(value),
        gradient: training && needsGradient(value) ? gradientPlace(value) : nil)
    }
  }

  // MARK: Recomputed values

  /// The fewest channels for which recomputing a value costs little beside the products around it.
  private static let recomputedChannels = 64

  /// Values that the backward pass recomputes instead of keeping: those that normalization or activation makes of a
  /// product's kept result, and that one product alone reads.
  private func recomputedValues() -> Set<ValueID> {
    let visible = visibleValues
    // The only draft that reads a root, if it is also the only one of its step.
    var soleConsumers: [ValueID: Draft?] = [:]
    for group in groups {
      for draft in group {
        let holder = root(draft.source).value
        soleConsumers[holder] = .some(soleConsumers[holder] == nil && group.count == 1 ? draft : nil)
      }
    }
    return Set(
      groups.joined().compactMap { draft in
        let value = draft.target
        guard keepsRaw(draft), channels(value) >= Self.recomputedChannels, root(value).value == value,
          virtualConsumers[value] == nil, !visible.contains(value), case let consumer?? = soleConsumers[value],
          consumer.source == value, consumer.product != nil
        else { return nil }
        return value
      })
  }
}
