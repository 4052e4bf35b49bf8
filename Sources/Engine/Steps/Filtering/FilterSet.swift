import CKernels

/// Products of a group of stages that read the same rows of their source, and are worked as one convolution by minimal filtering along y:
/// what a source channel's rows become is common to all of them, and so are the sums of their data gradients.
struct FilterSet {
  /// Places among the plan's filtered stages.
  var stages: Range<Int>
  /// Channels of the source and of all results.
  var sources: Int
  var targets: Int
  var dilation: Int
  /// The source row of a padded row, forward and for data gradients; -1 for zeros.
  var rows: UnsafePointer<Int32>
  var adjointRows: UnsafePointer<Int32>
  /// What rows of the source get beside, through paddings other than zeros, and which rows: those before `foldedHead` and from `foldedTail` on.
  var foldedY: tutti_axis
  var foldedHead: Int
  var foldedTail: Int
  /// What taps of the data gradient read through paddings other than zeros; nothing where its rows have a halo, to be folded later.
  var foldedX: UnsafeBufferPointer<tutti_folded_pixel>
  /// The source's halo, as far as the set's products need it.
  var border: Border
  /// Places of the transformed weights and of the biases, if any, among the packed floats.
  var packed: Slice
  var packedTransposed: Slice
  var biases: Slice?
  /// Whether all its stages' weight gradients are taken so too.
  var takesWeightGradients: Bool

  var folds: Bool { foldedHead > 0 || foldedTail < Int.max }

  /// The first quad that begins at a row (numbered z · ny + y) or behind.
  func quad(from row: Int, of geometry: PlaneGeometry) -> Int {
    let (z, y) = row.quotientAndRemainder(dividingBy: geometry.ny)
    let quads = Int(tutti_filtering_quads(Int32(geometry.ny), Int32(dilation)))
    return z * quads + min(quads, (y + 4 * dilation - 1) / (4 * dilation) * dilation)
  }
}
