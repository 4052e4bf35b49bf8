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

  /// The node whose value this node's is: dropout does nothing outside training.
  func resolve(_ id: Int) -> Int {
    if !training, case .dropout = graph.nodes[id].operation { return resolve(graph.nodes[id].inputs[0]) }
    return id
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
