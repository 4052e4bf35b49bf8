/// Stages that one step computes together because their products read the same stack; or a single stage of any kind.
///
/// The convolutions that read a node of a sparse network all read the whole stack. In a block of layers of a dense
/// network, each layer also reads the results of those before it: the first `commonChannels` of the source are
/// convolved for the whole block, the others layer by layer.
struct StageGroup {
  /// Bands of a sample that form one piece of a block of dense layers. More than one, because dilated taps reach far.
  static let denseBands = 4

  var stages: Indices<Stage>
  /// Channels of all results.
  var channels: Int
  /// Weights of all products.
  var weights: Int
  /// Leading source channels that all stages read.
  var commonChannels: Int
  /// Source channels that any stage reads.
  var sourceChannels: Int
  /// Whether a stage reads the result of an earlier one.
  var isDense: Bool
  /// Source channels that stay in cache while all stages read them: in the forward pass, and for weight gradients.
  var chunk: Int
  var gradientChunk: Int
  /// Rows of the source's gradient that stay in cache while the contributions of all stages are added.
  var gradientRows: Int
  /// Whether this step stores the source's gradient as its first contribution, instead of adding to zeros.
  var storesGradient: Bool
  /// The products that minimal filtering computes.
  var filterSets: Indices<FilterSet>
  /// The rows of a piece of their data gradients are a multiple of this.
  var filterUnit = 1
  /// The source, if it is a concatenation that only this step reads and that is never materialized.
  var virtualSource: VirtualConcatenation?
  /// How the source is recomputed while it is read, if it is a normalized stack that is not stored.
  var recomputedSource: RecomputedSource?
  /// The stack normalization fused into this step's reads, if any: its gradient sums are accumulated here.
  var inputNormalization: StepID?
  /// The stack normalization that follows, if it is fused: its moments are accumulated here, and its gradient is
  /// propagated here.
  var outputNormalization: StepID?
}
