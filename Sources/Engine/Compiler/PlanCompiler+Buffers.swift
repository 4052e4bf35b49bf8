import Networks

/// Buffers for values and their gradients, and how long they live.
extension PlanCompiler {
  func place(_ value: Int, in table: [Int: Int]) -> Place {
    let (holder, channel) = root(value)
    guard let buffer = table[holder] else { preconditionFailure("a value with a buffer") }
    return Place(
      buffer: buffer, channel: channel, channels: values[value].geometry.channels, geometry: buffers[buffer].geometry)
  }

  /// Where a value stands; for one that is made while it is read, the planes that it is made of, or nowhere (`ActivatedStack`).
  func place(_ value: Int) -> Place {
    let (holder, channel) = root(value)
    guard activatingStep[holder] != nil else { return place(keptPlanes[value] ?? value, in: valueBuffer) }
    return Place(
      buffer: Place.nowhere, channel: channel, channels: values[value].geometry.channels,
      geometry: geometry(holder, halo: halos[holder]?.width ?? 0))
  }
  func gradientPlace(_ value: Int) -> Place { place(value, in: gradientBuffer) }

  mutating func addBuffer(_ geometry: PlaneGeometry, floats: Int? = nil, first: Int, last: Int) -> Int {
    let floats = floats ?? geometry.sampleStride
    buffers.append(Plan.Buffer(geometry: geometry, floats: floats, offset: 0))
    requests.append(Arena.Request(floats: floats, first: first, last: last))
    return buffers.count - 1
  }

  /// Step i runs forward at time i and backward at time 2·last − i; the loss stands between.
  var lossTime: Int { groups.count }
  func backwardTime(_ step: Int) -> Int { 2 * lossTime - step }

  /// Whether a step's backward pass reads its source, and its target.
  private func backwardReads(_ draft: Draft) -> (source: Bool, target: Bool) {
    switch draft.kind {
    case .stage(let product, let normalization, let activation, _):
      let keepsTarget = product != nil && normalization == nil && activation.map(isInvertible) == true
      return (true, keepsTarget)
    case .softmax: return (false, true)
    case .restack, .groupNormalization, .prelu, .clamp: return (true, false)
    case .pooling, .dropout, .upsampling, .reshape, .copy, .term: return (false, false)
    }
  }

  /// Whether an activation's derivative can be told from its value.
  func isInvertible(_ node: Int) -> Bool {
    switch graph.nodes[node].operation {
    case .activation(.relu): true
    case .activation(.leakyReLU(let slope)): slope > 0
    default: false
    }
  }

  mutating func allocate() {
    struct Life {
      var first = Int.max
      var last = Int.min
      mutating func touch(_ time: Int) {
        first = min(first, time)
        last = max(last, time)
      }
    }
    var lives: [Int: Life] = [:]
    var gradientLives: [Int: Life] = [:]
    func touch(_ value: Int, _ time: Int) {
      let holder = root(keptPlanes[value] ?? value).value
      if activatingStep[holder] == nil { lives[holder, default: Life()].touch(time) }
    }
    func touchGradient(_ value: Int, _ time: Int) { gradientLives[root(value).value, default: Life()].touch(time) }

    let remade = training ? remadeValues() : []
    touch(0, -1)
    touch(resolve(graph.output), lossTime)
    for node in graph.taps.values { touch(resolve(node), lossTime) }
    for (step, draft) in groups.enumerated().flatMap({ step, group in drafts[group].map { (step, $0) } }) {
      touch(draft.source, step)
      touch(draft.target, step)
      guard training else { continue }
      let reads = backwardReads(draft)
      if reads.source, !remade.contains(draft.source) { touch(draft.source, backwardTime(step)) }
      if reads.target { touch(draft.target, backwardTime(step)) }
      touchGradient(draft.target, backwardTime(step))
      if needsGradient(draft.source) { touchGradient(draft.source, backwardTime(step)) }
    }
    if training {
      touchGradient(resolve(graph.output), lossTime)
      for node in graph.taps.values.map(resolve) where needsGradient(node) { touchGradient(node, lossTime) }
      if wantsInputGradient { touchGradient(0, backwardTime(-1)) }
    }
    // A value and its gradient have one geometry, but where only restackings read them.
    for (holder, life) in lives.sorted(by: { $0.key < $1.key }) {
      let halo = halos[holder, default: Halo()]
      valueBuffer[holder] = addBuffer(
        geometry(holder, halo: restackedPlanes.contains(holder) ? halo.fill : halo.width), first: life.first,
        last: life.last)
    }
    for (holder, life) in gradientLives.sorted(by: { $0.key < $1.key }) {
      let width = halos[holder]?.width ?? 0
      gradientBuffer[holder] = addBuffer(
        geometry(holder, halo: madeStacks.contains(holder) ? reach(holder) : width), first: life.first, last: life.last)
    }
    for (step, group) in groups.enumerated() where group.count == 1 {
      let value = drafts[group.lowerBound].source
      guard remade.contains(value) else { continue }
      let time = backwardTime(step)
      remadeBuffer[value] = addBuffer(geometry(value, halo: halos[value]?.width ?? 0), first: time, last: time)
    }
    // A gradient is summed from its readers' parts: it is zeroed before the first of them, or stored by it.
    var zeroedAt: [Int: [Int]] = [:]
    for (holder, life) in gradientLives where life.first > lossTime {
      let step = 2 * lossTime - life.first
      if writesAll(of: holder, step) {
        storing.insert(step)
      } else if !restackedPlanes.contains(holder) {
        zeroedAt[life.first, default: []].append(gradientBuffer[holder]!)
      }
    }
    for step in groups.indices {
      let start = zeroed.count
      zeroed += (zeroedAt[backwardTime(step)] ?? []).sorted()
      zeroRanges.append(start..<zeroed.count)
    }
  }

  /// The fewest channels for which making a value anew costs little beside the products around it.
  private static let remadeChannels = 64

  /// Values that a normalization or an activation makes out of a result which is kept anyway, and that one product alone reads.
  private func remadeValues() -> Set<Int> {
    let kept = Set(graph.taps.values.map(resolve)).union([resolve(graph.output)])
    var readers: [Int: [Int]] = [:]
    for index in drafts.indices { readers[root(drafts[index].source).value, default: []].append(index) }
    let alone = Set(groups.filter { $0.count == 1 }.map(\.lowerBound))
    return Set(
      drafts.compactMap { draft in
        let value = draft.target
        guard keepsRaw(draft), values[value].geometry.channels >= Self.remadeChannels, root(value) == (value, 0),
          activatingStep[value] == nil, !kept.contains(value), let reading = readers[value], reading.count == 1,
          alone.contains(reading[0]),
          drafts[reading[0]].source == value, case .stage(_?, _, _, _) = drafts[reading[0]].kind
        else { return nil }
        return value
      })
  }

  /// Whether a product's result is kept for the backward pass beside what a normalization or an activation makes of it.
  func keepsRaw(_ draft: Draft) -> Bool {
    guard training, case .stage(_?, let normalization, let activation, _) = draft.kind else { return false }
    return normalization != nil || activation.map { !isInvertible($0) } == true
  }

  func needsGradient(_ value: Int) -> Bool { value != 0 || wantsInputGradient }

  /// The tapped values by name, in the order of their names.
  func taps() -> [Plan.Tap] {
    graph.taps.sorted { $0.key < $1.key }.map { name, node in
      let value = resolve(node)
      return Plan.Tap(
        name: name, shape: shapes[node], place: place(value),
        gradient: training && needsGradient(value) ? gradientPlace(value) : nil)
    }
  }
}
