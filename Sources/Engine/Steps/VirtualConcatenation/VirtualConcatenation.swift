/// A concatenation that is never materialized (docs/decisions/010-virtual-concatenations.md).
///
/// Its only consumer, a group of stages, recomputes it from the kept convolution results of its producers by
/// normalization and activation, one sample at a time and in cache: once in the forward pass, once more for the weight
/// gradients. So a node of a sparse network is written once, as convolution results. As soon as the group has summed
/// the concatenation's gradient, it is propagated through activation and normalization, while it and the results are
/// still in cache.
struct VirtualConcatenation {
  /// The stages that produce its parts, in the order of their channels.
  var producers: StageList
  /// The layout of a sample's planes in a thread's memory.
  var planes: PlaneGeometry
  /// Rows before and after some rows that quads beginning in these read.
  var reach: Int
}
