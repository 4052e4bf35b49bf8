/// Stages whose products read the same stack, worked in one pass over it; or a single stage of any kind.
///
/// The edges that leave a node of a sparse network all read the whole stack. Of a block of layers of a dense network each also reads
/// the planes of those before it: the source's first `common` channels are summed for the whole block, the rest layer by layer.
struct StageGroup {
  /// Bands of a sample that a block of dense layers works in one piece, since its taps reach far.
  static let denseBands = 4

  /// Places among the plan's stages.
  var stages: Range<Int>
  /// Channels of all results, and weights of all products.
  var channels: Int
  var weights: Int
  var common: Int
  /// Source channels of the stage that reads most.
  var most: Int
  /// Whether a stage reads what an earlier one makes.
  var isDense: Bool
  /// Source channels that stay in cache while all stages work them, forward and for weight gradients.
  var chunk: Int
  var gradientChunk: Int
  /// Rows whose gradients stay in cache while the contributions of all stages are added.
  var gradientRows: Int
  /// Whether this is the first to write the source's gradient, and writes all of it.
  var storesGradient: Bool
  /// Those of its products that are worked by minimal filtering along y, among the plan's filter sets.
  var filterSets = 0..<0
  /// Rows of the pieces of their data gradients are multiples of so many.
  var filterUnit = 1
  /// The stack that it makes while it reads it, when it does.
  var activated: ActivatedStack?
  /// How the source is made while it is read, when it is.
  var made: MadeSource?
  /// The step of the restacking whose stack is read here alone, so that its sums are taken here; and of that behind, whose moments are
  /// taken and whose gradient is passed on.
  var restackBefore: Int?
  var restackAfter: Int?
}
