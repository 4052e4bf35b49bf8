import CKernels
import Networks

/// Compiles a graph: groups nodes into steps, gives values places in stacks, buffers halos and lives, steps their algorithms.
///
/// Values are numbered as the graph's nodes; values that copies make follow behind.
struct PlanCompiler {
  let graph: NetworkGraph
  let training: Bool
  let normalizationScope: Plan.NormalizationScope
  let wantsInputGradient: Bool
  let shapes: [FeatureShape]
  let layout: ParameterLayout

  /// A step before places are known.
  struct Draft {
    enum Kind {
      case stage(product: Int?, normalization: Int?, activation: Int?, activatesFirst: Bool)
      case pooling(Int)
      case softmax(Int)
      case dropout(Int)
      case groupNormalization(Int, activation: Int?)
      case prelu(Int)
      case clamp(Int)
      case upsampling(Int)
      case reshape
      case copy
      /// ReLU and normalization of planes that are kept; `after`: the normalization of the restacking before.
      case restack(normalization: Int, after: Int?)
      /// A term of a sum.
      case term(factor: Float, isFirst: Bool, isLast: Bool)
    }
    var kind: Kind
    var source: Int
    var target: Int
  }

  /// A value's shape and its place in the stack that holds it, if any.
  struct Value {
    var geometry: (channels: Int, nz: Int, ny: Int, nx: Int)
    var stack: (value: Int, channel: Int)?
  }

  /// The halo of a root's rows: filled `fill` pixels wide by `mode`; `width` also has room for what gradients need.
  struct Halo {
    var mode: PaddingMode = .zeros
    var fill = 0
    var width = 0
    /// Whether data gradients of some products lie in it, to be folded back.
    var isReached = false
  }

  var drafts: [Draft] = []
  /// Concatenations that restackings read, and where the lines of a restacking's normalization stand.
  var restacked: Set<Int> = []
  /// Roots of the planes that restackings read.
  var restackedPlanes: Set<Int> = []
  /// The planes behind a restacking's value that its readers make while they read it, and the roots of such values, which have no buffer.
  var keptPlanes: [Int: Int] = [:]
  var madeStacks: Set<Int> = []
  var restackLines: [Int: Int] = [:]
  /// Drafts that become one step each, in order.
  var groups: [Range<Int>] = []
  var values: [Value] = []
  /// What a root's rows are padded with, how far, and its buffers.
  var halos: [Int: Halo] = [:]
  var valueBuffer: [Int: Int] = [:]
  /// Values that are made anew for the backward pass: the buffers for it, and the stages that make them.
  var remadeBuffer: [Int: Int] = [:]
  var makers: [Int: Int] = [:]
  var gradientBuffer: [Int: Int] = [:]
  /// Stacks that have no buffer since their readers make them (`ActivatedStack`): the steps of these, and the stages that make them.
  var activatingStep: [Int: Int] = [:]
  var stackMakers: [Int: [Int]] = [:]

  // The plan's parts
  var steps: [Step] = []
  var stages: [Stage] = []
  var filterSets: [FilterSet] = []
  var filteredStages: [Int] = []
  var activatingStages: [Int] = []
  var largestLists = 0
  var storing: Set<Int> = []
  var zeroRanges: [Range<Int>] = []
  var zeroed: [Int] = []
  var buffers: [Plan.Buffer] = []
  var requests: [Arena.Request] = []
  var arenaFloats = 0
  var packedFloats = 0
  var coefficientFloats = 0
  var scratchFloats = 0
  var activatedFloats = 0
  var winogradFloats = 0
  var partials = 0
  var sumDoubles = 0
  var largestJoined = 0
  var largestPiece = 0
  var tables: [AnyObject & Sendable] = []

  init(
    _ graph: NetworkGraph, extents: [Int], training: Bool, normalizationScope: Plan.NormalizationScope,
    wantsInputGradient: Bool
  ) throws(NetworkError) {
    self.graph = graph
    self.training = training
    self.normalizationScope = normalizationScope
    self.wantsInputGradient = wantsInputGradient
    shapes = try graph.shapes(extents: extents)
    layout = ParameterLayout(graph, shapes: shapes)
    values = shapes.map { shape in
      let e = Array(repeating: 1, count: 3 - shape.extents.count) + shape.extents
      return Value(geometry: (shape.channels, e[0], e[1], e[2]))
    }
  }

  mutating func compile() {
    group()
    formRestacks()
    stack()
    separatePaddings()
    formGroups()
    findActivatedStacks()
    sizeHalos()
    allocate()
    finish()
  }

  // MARK: Groups

  /// The node whose value this node's is: dropout does nothing outside training.
  func resolve(_ id: Int) -> Int {
    if !training, case .dropout = graph.nodes[id].operation { return resolve(graph.nodes[id].inputs[0]) }
    return id
  }

  /// Products take the normalization and the activation behind them along when nothing else reads what lies between.
  private mutating func group() {
    let readers = graph.readers
    let tapped = Set(graph.taps.values)
    func sole(_ id: Int) -> Int? { readers[id].count == 1 && !tapped.contains(id) ? readers[id][0] : nil }
    var absorbed = Set<Int>()
    for (id, node) in graph.nodes.enumerated() where !absorbed.contains(id) {
      func isNormalization(_ id: Int) -> Bool {
        if case .batchNormalization = graph.nodes[id].operation { true } else { false }
      }
      func isActivation(_ id: Int) -> Bool {
        switch graph.nodes[id].operation {
        case .activation(.prelu): false
        case .activation: true
        default: false
        }
      }
      func add(_ kind: Draft.Kind, target: Int? = nil) {
        drafts.append(Draft(kind: kind, source: resolve(node.inputs[0]), target: target ?? id))
      }
      func stage(product: Int?, normalization: Int?, activation: Int?, last: Int) {
        var normalization = normalization
        var activation = activation
        var last = last
        var activatesFirst = false
        if product != nil, let next = sole(last), isNormalization(next) {
          normalization = next
          last = next
        }
        if activation == nil, let next = sole(last), isActivation(next) {
          activation = next
          last = next
          // Backward, the derivative of an activation that stands first must be told from its value.
          if product != nil, normalization == nil, isInvertible(next), let after = sole(next), isNormalization(after) {
            normalization = after
            last = after
            activatesFirst = true
          }
        }
        absorbed.formUnion([normalization, activation].compactMap { $0 })
        drafts.append(
          Draft(
            kind: .stage(
              product: product, normalization: normalization, activation: activation, activatesFirst: activatesFirst),
            source: resolve(node.inputs[0]), target: last))
      }
      switch node.operation {
      case .input, .concatenation: break
      case .linear where node.inputs.count == 2:
        // A vector first, then the shape of the second input.
        values.append(Value(geometry: (shapes[id].elements, 1, 1, 1)))
        drafts.append(
          Draft(
            kind: .stage(product: id, normalization: nil, activation: nil, activatesFirst: false),
            source: resolve(node.inputs[0]),
            target: values.count - 1))
        drafts.append(Draft(kind: .reshape, source: values.count - 1, target: id))
      case .convolution, .transposedConvolution, .linear:
        stage(product: id, normalization: nil, activation: nil, last: id)
      case .batchNormalization: stage(product: nil, normalization: id, activation: nil, last: id)
      case .activation(.prelu): add(.prelu(id))
      case .activation: stage(product: nil, normalization: nil, activation: id, last: id)
      case .groupNormalization:
        let next = sole(id).flatMap { isActivation($0) ? $0 : nil }
        if let next { absorbed.insert(next) }
        add(.groupNormalization(id, activation: next), target: next)
      case .maxPooling: add(.pooling(id))
      case .upsampling: add(.upsampling(id))
      case .softmax: add(.softmax(id))
      case .clamp: add(.clamp(id))
      case .reshape: add(.reshape)
      case .dropout: if training { add(.dropout(id)) }
      case .sum(let factors):
        for (place, input) in node.inputs.enumerated() {
          let factor = factors.isEmpty ? 1 : Float(factors[place])
          let kind = Draft.Kind.term(factor: factor, isFirst: place == 0, isLast: place == node.inputs.count - 1)
          drafts.append(Draft(kind: kind, source: resolve(input), target: id))
        }
      }
    }
  }

  // MARK: Stacks

  /// Concatenation is placement: each input gets its channels in the stack, unless it already stands in another one.
  private mutating func stack() {
    for (id, node) in graph.nodes.enumerated() where !restacked.contains(id) {
      guard case .concatenation = node.operation else { continue }
      var channel = 0
      for input in node.inputs.map(resolve) {
        if values[input].stack == nil {
          values[input].stack = (id, channel)
        } else {
          insertCopy(of: input, at: (id, channel))
        }
        channel += values[input].geometry.channels
      }
    }
  }

  /// Copies a value into a new one at `stack`, right after it is made.
  mutating func insertCopy(of value: Int, at stack: (value: Int, channel: Int)) {
    var copy = values[value]
    copy.stack = stack
    values.append(copy)
    let maker = drafts.lastIndex { contains(value, $0.target) }
    drafts.insert(
      Draft(kind: .copy, source: value, target: values.count - 1), at: maker.map { $0 + 1 } ?? 0)
  }

  /// Whether `part` is `value` or stands in its stack.
  private func contains(_ value: Int, _ part: Int) -> Bool {
    var at = part
    while at != value {
      guard let stack = values[at].stack else { return false }
      at = stack.value
    }
    return true
  }

  /// The value whose buffer holds this one, and the channel at which it begins there.
  func root(_ value: Int) -> (value: Int, channel: Int) {
    var at = value
    var channel = 0
    while let stack = values[at].stack {
      channel += stack.channel
      at = stack.value
    }
    return (at, channel)
  }

  // MARK: Halos

  /// The convolution along x of a step that runs on rows; nil when it needs no halo.
  private func rowConvolution(_ draft: Draft) -> AxisConvolution? {
    guard case .stage(let product?, _, _, _) = draft.kind else { return nil }
    let isTransposed = if case .transposedConvolution = graph.nodes[product].operation { true } else { false }
    let gradientReads = training && !isTransposed && gradientAlgorithm(product) == .channels
    return [.direct, .winograd].contains(algorithm(product)) || gradientReads ? axes(product)[2] : nil
  }

  /// Readers whose paddings differ from the first reader's get a copy of their own.
  private mutating func separatePaddings() {
    var modes: [Int: PaddingMode] = [:]
    var index = 0
    while index < drafts.count {
      if let axis = rowConvolution(drafts[index]), axis.padding > 0 {
        let source = drafts[index].source
        let holder = root(source).value
        if let mode = modes[holder], mode != axis.mode {
          values.append(Value(geometry: values[source].geometry))
          modes[values.count - 1] = axis.mode
          drafts[index].source = values.count - 1
          drafts.insert(Draft(kind: .copy, source: source, target: values.count - 1), at: index)
          index += 1
        } else {
          modes[holder] = axis.mode
        }
      }
      index += 1
    }
    for (holder, mode) in modes { halos[holder] = Halo(mode: mode) }
  }

  /// A root's halo is as wide as its widest reader needs; in training also as the gradients that lie in the same geometry need.
  private mutating func sizeHalos() {
    func widen(_ value: Int, fill: Int = 0, to width: Int) {
      var halo = halos[root(value).value, default: Halo()]
      halo.fill = max(halo.fill, fill)
      halo.width = max(halo.width, width)
      halos[root(value).value] = halo
    }
    for group in groups {
      for draft in drafts[group] {
        guard let axis = rowConvolution(draft) else { continue }
        widen(draft.source, fill: axis.padding, to: axis.padding)
        if axis.padding > 0, !isFiltered(draft, in: group) {
          halos[root(draft.source).value]?.isReached = true
        }
      }
    }
    guard training else { return }
    for draft in drafts {
      guard let axis = rowConvolution(draft) else { continue }
      let reach = max(reach(draft.source), axis.mode == .zeros ? 0 : axis.padding)
      widen(draft.target, to: max(0, reach + (axis.kernel - 1) * axis.dilation - axis.padding))
    }
  }

  /// Pixels of a value's halo in which its gradient may lie.
  func reach(_ value: Int) -> Int {
    let halo = halos[root(value).value, default: Halo()]
    return halo.mode == .zeros || !halo.isReached ? 0 : halo.fill
  }

  func border(_ value: Int) -> Border {
    let halo = halos[root(value).value, default: Halo()]
    let padding =
      switch halo.mode {
      case .zeros: TUTTI_ZEROS
      case .reflect: TUTTI_REFLECT
      case .replicate: TUTTI_REPLICATE
      case .circular: TUTTI_CIRCULAR
      }
    return Border(padding: padding, width: Int32(halo.fill), folded: reach(value))
  }

  func geometry(_ value: Int, halo: Int) -> PlaneGeometry {
    let g = values[value].geometry
    return PlaneGeometry(channels: g.channels, nz: g.nz, ny: g.ny, nx: g.nx, halo: halo)
  }

  private mutating func finish() {
    for index in groups.indices { steps.append(step(index)) }
    linkRestacks()
    let arena = Arena(requests)
    for index in buffers.indices { buffers[index].offset = arena.offsets[index] }
    arenaFloats = arena.floats
  }
}
