/// A stack that stands nowhere: the group which alone reads it makes it out of the raw results of its makers, a sample at a time, in
/// cache, forward and again for the weights' gradients.
///
/// So the node of a sparse network is written once, as results, and not once more as what normalization and activation make of them. The
/// gradients of its makers pass through both as soon as the group has summed them, while the raw results and they are still near.
struct ActivatedStack {
  /// The stages that make it, in the order of their channels, among the plan's activating stages.
  var makers: Range<Int>
  /// How a sample's planes lie while they are worked.
  var planes: PlaneGeometry
  /// Rows that quads which begin in some rows read before and behind these.
  var reach: Int
}
