import CKernels
import Networks

/// A network compiled for one image size: every algorithm, every piece of work, every order of summation and every
/// place in memory.
///
/// A plan depends on the graph, the image's extents and the options below alone. An `Execution` distributes its work
/// over threads and ranks; the results do not depend on how.
public final class Plan: Sendable {
  /// Changes whenever the bits of a result may change. Checkpoints store it.
  public static let numericsVersion = 9
  /// The versions whose members and checkpoints a run goes on from. Version 8 took `pow`, `exp` and `log` from the C
  /// library (9: `Elementary`): the bits of its training depend on that library's version, as on the kind of processor.
  public static let readableNumerics = 8...9

  /// What a plan is compiled for.
  public enum Purpose: Hashable, Sendable {
    /// Forward pass with batch statistics, and backward pass.
    case training
    /// Forward pass only, in as little memory as the buffers' lifetimes allow.
    case inference
    /// Like `inference`, by kernels that give a pixel the same bits wherever in an image of whatever size it lies
    /// (docs/decisions/013-seamless-tiles.md): they depend on the pixels of its receptive field alone.
    case seamless
  }

  /// What batch normalization computes its moments over in training.
  public enum NormalizationScope: String, Hashable, Sendable, Codable, CaseIterable {
    /// The whole batch.
    case batch
    /// Each shard by itself; running statistics move towards the mean over shards.
    case shard
  }

  /// The precision of the operands of products.
  public enum Precision: String, Hashable, Sendable, Codable, CaseIterable {
    /// Single precision throughout.
    case float32
    /// Mixed precision: operands of products are rounded to bfloat16; sums, weights and all else are float32.
    case bfloat16
  }

  /// The network that was compiled.
  public let graph: NetworkGraph
  /// Whether the plan trains or only predicts.
  public let purpose: Purpose
  /// The precision of products; `float32` in a plan for inference.
  public let precision: Precision
  /// What batch normalization computes its moments over; `batch` in a plan for inference.
  public let normalizationScope: NormalizationScope
  /// Channels and extents of one input image.
  public let inputShape: FeatureShape
  /// The extents of the image that inputs are tiles of; nil when they are images.
  public let whole: [Int]?
  /// Channels and extents of one output.
  public let outputShape: FeatureShape
  /// Where each parameter and each running statistic lies in the flat arrays of an `Execution`.
  public let layout: ParameterLayout

  nonisolated(unsafe) let steps: Table<Step, Step>
  nonisolated(unsafe) let stages: Table<Stage, Stage>
  nonisolated(unsafe) let filterSets: Table<FilterSet, FilterSet>
  /// Lists of stages that do not follow each other; a `StageList` is a range of it.
  let listedStages: [StageID]
  /// The gradient buffers that are zeroed before each step's backward pass: a range of `zeroedBuffers`.
  let zeroedRanges: Table<Step, Range<Int>>
  let zeroedBuffers: [BufferID]
  let buffers: Table<Buffer, Buffer>
  /// Floats that one sample takes in the arena.
  public let arenaFloats: Int
  let input: Place
  let inputGradient: Place?
  let output: Place
  let outputGradient: Place?
  /// The graph's tapped values, sorted by name.
  public let taps: [Tap]
  let inputBorder: Border
  let sizes: Sizes
  /// The resamplings whose tables depend on where in the image a tile lies.
  let resamplings: [ResamplingWindow]
  /// Parameters of which a copy rounded to bfloat16 is kept.
  var roundedFloats: Int { precision == .bfloat16 ? layout.parameterCount : 0 }
  /// Owns the memory of the tables that steps point to.
  private let tables: [AnyObject & Sendable]

  /// A value besides the output that can be read after a forward pass. In training its gradient can be given, as the
  /// output's.
  public struct Tap: Sendable {
    /// The name given in the graph.
    public let name: String
    /// Channels and extents of one sample's value.
    public let shape: FeatureShape
    let place: Place
    let gradient: Place?
  }

  /// The memory that holds one value (or gradient) of every sample.
  struct Buffer: Sendable {
    var geometry: PlaneGeometry
    var floats: Int
    /// Floats from the start of a sample's part of the arena.
    var offset: Int
  }

  /// Sizes of the memory that an execution needs beside the arena.
  struct Sizes: Sendable {
    /// Weights in the layouts that the kernels read.
    var packedFloats = 0
    /// Per-channel coefficients of normalizations; one set for each shard with the scope `shard`.
    var coefficientFloats = 0
    /// Scratch memory of one thread.
    var scratchFloats = 0
    /// Memory of one thread for a sample of the largest concatenation that is never materialized.
    var virtualFloats = 0
    /// Transformed weights of the largest product by Winograd's algorithm.
    var winogradFloats = 0
    /// Partial sums of one sample: the most channels × bands of any step.
    var partials = 0
    /// Sums of one shard that are reduced at the end of the backward pass.
    var lateSums = 0
    /// The most weights of any group of which the gradients of all shards are kept side by side.
    var largestJoined = 0
    /// The most weights of one piece of the other products (`GradientPieces`).
    var largestPiece = 0
    /// The longest list of channels that one call of the filtering kernels reads.
    var longestChannelList = 0
  }

  /// Compiles a graph.
  ///
  /// - Parameters:
  ///   - extents: (z,) y, x of the images, as many as the graph has dimensions.
  ///   - normalizationScope: ignored for inference.
  ///   - precision: ignored for inference.
  ///   - inputGradient: whether the backward pass computes the gradient with respect to the image.
  ///   - whole: the extents of the image that inputs are tiles of, if they are tiles; see `Execution.origin`.
  /// - Throws: `NetworkError` when the graph does not fit the image.
  /// - Complexity: linear in the nodes of the graph, but for placing buffers, which compares each with all larger ones.
  public init(
    _ graph: NetworkGraph, extents: [Int], purpose: Purpose, normalizationScope: NormalizationScope = .batch,
    precision: Precision = .float32, inputGradient wantsInputGradient: Bool = false, whole: [Int]? = nil
  ) throws(NetworkError) {
    var compiler = try PlanCompiler(
      graph, extents: extents, whole: whole, purpose: purpose, normalizationScope: normalizationScope,
      wantsInputGradient: wantsInputGradient)
    compiler.compile()
    self.whole = whole
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
    listedStages = compiler.listedStages
    zeroedRanges = compiler.zeroedRanges
    zeroedBuffers = compiler.zeroedBuffers
    buffers = compiler.buffers
    arenaFloats = compiler.arenaFloats
    let (image, result) = (compiler.image, compiler.value(of: graph.output))
    input = compiler.place(image)
    inputGradient = wantsInputGradient ? compiler.gradientPlace(image) : nil
    output = compiler.place(result)
    outputGradient = purpose == .training ? compiler.gradientPlace(result) : nil
    taps = compiler.taps()
    inputBorder = compiler.border(image)
    sizes = compiler.sizes
    resamplings = compiler.resamplings
    tables = compiler.tables
  }
}
