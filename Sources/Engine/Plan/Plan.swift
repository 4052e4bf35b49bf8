import Networks

/// A network compiled for one shape of image: every algorithm, every piece of work, every order of summation, every place in memory.
///
/// A plan is made from the graph and the image's extents alone. Ranks, threads and clocks place its work (`Execution`), they cannot
/// change it.
public final class Plan: Sendable {
  /// Changes whenever the bits of a result may change; checkpoints carry it.
  public static let numericsVersion = 8

  public enum Purpose: Hashable, Sendable {
    /// Forward with batch statistics and backward.
    case training
    /// Forward alone, in as little memory as liveness allows.
    case inference
  }

  /// What batch normalization takes its moments over while training.
  public enum NormalizationScope: String, Hashable, Sendable, Codable, CaseIterable {
    /// The whole batch.
    case batch
    /// Each shard by itself; running statistics move towards the mean over shards.
    case shard
  }

  /// In what precision products are taken.
  public enum Precision: String, Hashable, Sendable, Codable, CaseIterable {
    case float32
    /// Mixed: operands of products are rounded to bfloat16, sums, weights and all else are float32.
    case bfloat16
  }

  public let graph: NetworkGraph
  public let purpose: Purpose
  /// `float32` in a plan for inference.
  public let precision: Precision
  /// `batch` in a plan for inference.
  public let normalizationScope: NormalizationScope
  /// Shapes of the network's image and result.
  public let inputShape: FeatureShape
  public let outputShape: FeatureShape
  public let layout: ParameterLayout

  nonisolated(unsafe) let steps: [Step]
  /// The stages that groups name.
  nonisolated(unsafe) let stages: [Stage]
  /// Products worked together by minimal filtering along y, and the stages that they name.
  nonisolated(unsafe) let filterSets: [FilterSet]
  let filteredStages: [Int]
  /// The stages that stacks without a buffer name.
  let activatingStages: [Int]
  /// Most channels that one of their jobs lists.
  let largestLists: Int
  /// For each step's backward pass, the gradient buffers to be zeroed before it: a range of `zeroed`.
  let zeroRanges: [Range<Int>]
  let zeroed: [Int]
  /// Geometry and place (in floats of one sample) of every buffer.
  let buffers: [Buffer]
  /// Floats of the arena for one sample.
  public let arenaFloats: Int
  let input: Place
  let inputGradient: Place?
  let output: Place
  let outputGradient: Place?
  /// The graph's tapped values, in the order of their names.
  public let taps: [Tap]
  let inputBorder: Border
  let packedFloats: Int
  let coefficientFloats: Int
  let scratchFloats: Int
  /// Room of a thread for a sample of the largest stack without a buffer.
  let activatedFloats: Int
  /// Most transformed weights of a product by Winograd's algorithm.
  let winogradFloats: Int
  /// Parameters that are also kept rounded.
  var roundedFloats: Int { precision == .bfloat16 ? layout.parameterCount : 0 }
  /// Largest channels × bands of a group of stages: room for partial sums of one sample.
  let partials: Int
  /// Sums of a shard that wait for the end of the backward pass.
  let sumDoubles: Int
  /// Most weights of the products of one group, some of which keep their shards' gradients side by side.
  let largestJoined: Int
  /// Most weights of one piece of the others.
  let largestPiece: Int
  /// Keeps the tables alive that steps point to.
  private let tables: [AnyObject & Sendable]

  /// A value that can be read after a forward pass beside the output. In training its gradient can be given beside the output's.
  public struct Tap: Sendable {
    public let name: String
    public let shape: FeatureShape
    let place: Place
    let gradient: Place?
  }

  struct Buffer: Sendable {
    var geometry: PlaneGeometry
    var floats: Int
    var offset: Int
  }

  /// Compiles a graph.
  ///
  /// - Parameters:
  ///   - extents: (z,) y, x of the images, as many as the graph has dimensions.
  ///   - normalizationScope: for training.
  ///   - precision: for training.
  ///   - inputGradient: whether the gradient of the image itself is wanted.
  /// - Throws: `NetworkError` when the graph does not fit the image.
  public init(
    _ graph: NetworkGraph, extents: [Int], purpose: Purpose, normalizationScope: NormalizationScope = .batch,
    precision: Precision = .float32, inputGradient wantsInputGradient: Bool = false
  ) throws(NetworkError) {
    var compiler = try PlanCompiler(
      graph, extents: extents, training: purpose == .training, normalizationScope: normalizationScope,
      wantsInputGradient: wantsInputGradient)
    compiler.compile()
    self.graph = graph
    self.purpose = purpose
    self.normalizationScope = purpose == .training ? normalizationScope : .batch
    self.precision = purpose == .training ? precision : .float32
    inputShape = compiler.shapes[0]
    outputShape = compiler.shapes[graph.output]
    layout = compiler.layout
    steps = compiler.steps
    stages = compiler.stages
    filterSets = compiler.filterSets
    filteredStages = compiler.filteredStages
    activatingStages = compiler.activatingStages
    largestLists = compiler.largestLists
    zeroRanges = compiler.zeroRanges
    zeroed = compiler.zeroed
    buffers = compiler.buffers
    arenaFloats = compiler.arenaFloats
    input = compiler.place(0)
    inputGradient = wantsInputGradient ? compiler.gradientPlace(0) : nil
    output = compiler.place(compiler.resolve(graph.output))
    outputGradient = purpose == .training ? compiler.gradientPlace(compiler.resolve(graph.output)) : nil
    taps = compiler.taps()
    inputBorder = compiler.border(0)
    packedFloats = compiler.packedFloats
    coefficientFloats = compiler.coefficientFloats
    scratchFloats = compiler.scratchFloats
    activatedFloats = compiler.activatedFloats
    winogradFloats = compiler.winogradFloats
    partials = compiler.partials
    sumDoubles = compiler.sumDoubles
    largestJoined = compiler.largestJoined
    largestPiece = compiler.largestPiece
    tables = compiler.tables
  }
}
