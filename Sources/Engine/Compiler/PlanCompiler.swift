import CKernels
import Networks

/// Compiles a graph into the tables of a `Plan`.
///
/// The compiler first drafts steps and lays concatenations out, then groups the drafts, sizes halos and buffers, and at
/// last makes the steps. What concerns one kind of step stands in that kind's folder. Nodes of the graph are called by
/// their number, an `Int`; values by a `ValueID`.
struct PlanCompiler {
  let graph: NetworkGraph
  let training: Bool
  /// Whether a pixel's bits may depend on the pixels of its receptive field alone (`Plan.Purpose.seamless`).
  let isSeamless: Bool
  let normalizationScope: Plan.NormalizationScope
  let wantsInputGradient: Bool
  let shapes: [FeatureShape]
  /// Every node's shape for the image that inputs are tiles of, and its image pixels to a pixel; nil for images.
  let whole: (shapes: [FeatureShape], steps: [[Double]])?
  let layout: ParameterLayout
  private let parameterSlices: [String: Slice]
  private let statisticSlices: [String: Slice]

  /// A step whose places are not known yet.
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
      /// ReLU and normalization of a stack of convolution results; `previous` is what the stack normalization before
      /// made.
      case stackNormalization(Int, previous: ValueID?)
      /// One term of a sum.
      case term(factor: Float, isFirst: Bool, isLast: Bool)
    }
    var kind: Kind
    var source: ValueID
    var target: ValueID

    /// The convolution or linear layer of a stage, if it has one.
    var product: Int? { if case .stage(let product, _, _, _) = kind { product } else { nil } }
  }

  /// A place among the channels of a stack, that is, of a concatenation.
  struct Position: Equatable {
    var value: ValueID
    var channel: Int
  }

  /// The extents of a value, and its position in the concatenation that holds it, if any.
  struct Value {
    var geometry: (channels: Int, nz: Int, ny: Int, nx: Int)
    var stack: Position?
  }

  /// The halo of a root's rows, in pixels on each side.
  struct Halo {
    var mode: PaddingMode = .zeros
    /// How wide the forward pass fills it.
    var fill = 0
    /// How wide it is, with the room that gradients need.
    var width = 0
    /// Whether data gradients of some products lie in it, to be folded back.
    var isReached = false
  }

  var drafts: [Draft] = []
  /// The drafts of each step.
  var groups = Table<Step, [Draft]>()
  var values = Table<Value, Value>()
  /// For each value the one whose buffer holds it; valid from `resolveRoots` on.
  private var roots = Table<Value, Position>()

  // Tables by value; those of halos and buffers have entries for roots alone.
  var halos: [ValueID: Halo] = [:]
  var valueBuffers: [ValueID: BufferID] = [:]
  var gradientBuffers: [ValueID: BufferID] = [:]
  /// Values that the backward pass recomputes into buffers of their own.
  var recomputationBuffers: [ValueID: BufferID] = [:]
  var producers: [ValueID: StageID] = [:]

  // Stack normalizations
  /// Concatenations that are read through a stack normalization alone.
  var normalizedStacks: Set<ValueID> = []
  /// Roots that hold the convolution results which stack normalizations read.
  var convolutionStacks: Set<ValueID> = []
  /// Normalized stacks that consumers recompute while they read them, and the concatenation that they recompute them
  /// from.
  var recomputedFrom: [ValueID: ValueID] = [:]
  /// Roots of normalized stacks that have a gradient, but no buffer for their values.
  var unstoredRoots: Set<ValueID> = []
  /// Offsets of the clamped lines that make a normalized stack.
  var lineOffsets: [ValueID: Int] = [:]

  // Virtual concatenations: the only step that consumes each, and the stages that produce its parts.
  var virtualConsumers: [ValueID: StepID] = [:]
  var virtualProducers: [ValueID: [StageID]] = [:]

  // The plan's parts
  var steps = Table<Step, Step>()
  var stages = Table<Stage, Stage>()
  var filterSets = Table<FilterSet, FilterSet>()
  var listedStages: [StageID] = []
  /// Steps whose products store their source's gradient instead of adding to it.
  var storingSteps: Set<StepID> = []
  var zeroedRanges = Table<Step, Range<Int>>()
  var zeroedBuffers: [BufferID] = []
  var buffers = Table<Plan.Buffer, Plan.Buffer>()
  var requests: [Arena.Request] = []
  var arenaFloats = 0
  var sizes = Plan.Sizes()
  var resamplings: [ResamplingWindow] = []
  var tables: [AnyObject & Sendable] = []

  /// - Throws: `NetworkError` when the graph does not fit the image.
  init(
    _ graph: NetworkGraph, extents: [Int], whole: [Int]? = nil, purpose: Plan.Purpose,
    normalizationScope: Plan.NormalizationScope, wantsInputGradient: Bool
  ) throws(NetworkError) {
    self.graph = graph
    training = purpose == .training
    isSeamless = purpose == .seamless
    self.normalizationScope = normalizationScope
    self.wantsInputGradient = wantsInputGradient
    shapes = try graph.shapes(extents: extents)
    if let whole {
      self.whole = (try graph.shapes(extents: whole), try graph.pixelSteps())
    } else {
      self.whole = nil
    }
    layout = ParameterLayout(graph, shapes: shapes)
    func slices(_ entries: [ParameterLayout.Entry]) -> [String: Slice] {
      Dictionary(entries.map { ($0.name, Slice(offset: $0.offset, count: $0.count)) }) { first, _ in first }
    }
    parameterSlices = slices(layout.parameters)
    statisticSlices = slices(layout.statistics)
    for shape in shapes {
      let e = Array(repeating: 1, count: 3 - shape.extents.count) + shape.extents
      addValue(Value(geometry: (shape.channels, e[0], e[1], e[2])))
    }
  }

  mutating func compile() {
    draftSteps()
    formStackNormalizations()
    layOutConcatenations()
    resolveRoots()
    separatePaddings()
    formGroups()
    findVirtualConcatenations()
    sizeHalos()
    allocate()
    for step in groups.indices { steps.append(makeStep(step)) }
    fuseStackNormalizations()
    let arena = Arena(requests)
    for (buffer, offset) in zip(buffers.indices, arena.offsets) { buffers[buffer].offset = offset }
    arenaFloats = arena.floats
  }

  // MARK: Nodes

  /// A node's trained parameter.
  func parameter(_ node: Int, _ name: String) -> Slice? { parameterSlices["\(graph.nodes[node].name).\(name)"] }

  /// A node's running statistic.
  func statistic(_ node: Int, _ name: String) -> Slice? { statisticSlices["\(graph.nodes[node].name).\(name)"] }

  // MARK: Values

  /// The value of the image.
  var image: ValueID { ValueID(0) }

  /// A node's value. Dropout passes its source on outside training.
  func value(of node: Int) -> ValueID {
    if !training, case .dropout = graph.nodes[node].operation { return value(of: graph.nodes[node].inputs[0]) }
    return ValueID(node)
  }

  /// Values that can be read after a forward pass.
  var visibleValues: Set<ValueID> { Set((graph.taps.values + [graph.output]).map(value)) }

  @discardableResult
  mutating func addValue(_ value: Value) -> ValueID {
    let id = values.append(value)
    roots.append(Position(value: id, channel: 0))
    return id
  }

  /// Finds every value's root: the outermost concatenation that holds it, or itself.
  ///
  /// - Complexity: O(*values*), however deep concatenations are nested.
  private mutating func resolveRoots() {
    var isResolved = Table<Value, Bool>(repeating: false, count: values.count)
    var path: [(value: ValueID, stack: Position)] = []
    for value in values.indices {
      var at = value
      while !isResolved[at], let stack = values[at].stack {
        path.append((at, stack))
        at = stack.value
      }
      isResolved[at] = true
      while let (part, stack) = path.popLast() {
        let root = roots[stack.value]
        roots[part] = Position(value: root.value, channel: root.channel + stack.channel)
        isResolved[part] = true
      }
    }
  }

  /// The value whose buffer holds this one, and the channel at which it begins there.
  func root(_ value: ValueID) -> Position { roots[value] }

  func channels(_ value: ValueID) -> Int { values[value].geometry.channels }

  func geometry(_ value: ValueID, halo: Int) -> PlaneGeometry {
    let g = values[value].geometry
    return PlaneGeometry(channels: g.channels, nz: g.nz, ny: g.ny, nx: g.nx, halo: halo)
  }
}
