import CKernels

/// Products of a group that read the same rows of their source and are computed as one convolution by minimal filtering
/// along y (docs/decisions/009-filtering.md). The rows of a source channel are transformed once for all of them, and
/// their data gradients are summed before they are transformed back.
struct FilterSet {
  var stages: StageList
  /// Channels of the source and of all results together.
  var sources: Int
  var targets: Int
  var dilation: Int
  /// The source row that each row of the padded image stands for, in the forward pass and for data gradients; -1 for
  /// zeros.
  var rows: UnsafePointer<Int32>
  var adjointRows: UnsafePointer<Int32>
  /// With padding other than zeros: what rows near the border also receive, because rows outside stand for them.
  var foldedY: tutti_axis
  /// Those are the rows of a plane before `foldedHead` and from `foldedTail` on; nil when there are none.
  var foldedHead: Int
  var foldedTail: Int?
  /// With padding other than zeros: what taps of the data gradient read along x; empty where rows have a halo to be
  /// folded later.
  var foldedX: UnsafeBufferPointer<tutti_folded_pixel>
  /// The source's halo, as wide as the set's products need it.
  var border: Border
  /// Transformed weights and the biases, if any, among the packed floats.
  var packed: Slice
  var packedTransposed: Slice
  var biases: Slice?
  /// Whether the weight gradients of all its stages are computed by minimal filtering too.
  var takesWeightGradients: Bool

  var folds: Bool { foldedHead > 0 || foldedTail != nil }

  /// The first quad that begins at or after a row, which is numbered z · ny + y.
  func quad(from row: Int, of geometry: PlaneGeometry) -> Int {
    let (z, y) = row.quotientAndRemainder(dividingBy: geometry.ny)
    let quads = Int(tutti_filtering_quads(Int32(geometry.ny), Int32(dilation)))
    return z * quads + min(quads, (y + 4 * dilation - 1) / (4 * dilation) * dilation)
  }
}
