import CKernels

/// A convolution between a wide space (the image that taps read) and a narrow one (its result). A transposed
/// convolution is the same one read from narrow to wide; a linear layer is a convolution whose kernel is the whole
/// image.
struct Product {
  var algorithm: Algorithm
  var gradientAlgorithm: GradientAlgorithm
  var transposed: Bool
  var weight: Slice
  /// Nil without bias.
  var bias: Slice?
  /// Channels and extents of the space that taps read, and of the other.
  var wide: PlaneGeometry
  var narrow: PlaneGeometry
  // Which source row each tap reads (`AxisMap`), and how far taps shift along a row.
  var z: tutti_axis
  var y: tutti_axis
  var x: tutti_axis
  var adjointZ: tutti_axis
  var adjointY: tutti_axis
  var xShifts: UnsafePointer<Int32>
  var adjointXShifts: UnsafePointer<Int32>
  var xStride: Int
  /// The axis map and the shift of a 1×1 convolution.
  var identity: tutti_axis
  var noShift: UnsafePointer<Int32>
  var zTaps: Int
  var yTaps: Int
  var xTaps: Int
  /// Pixels of the wide space's halo that a data gradient covers, to be folded back.
  var reach: Int
  /// Weights in the kernels' layouts: for the forward pass; for data gradients of the source channels that the whole
  /// group reads, and of the remaining ones.
  var packed: Slice
  var packedTransposed: Slice
  var packedRemaining: Slice
  /// Offset among the weights of the stage's group.
  var groupWeight: Int
  /// Whether the weights are so few that the gradients of all shards are kept side by side, which gives more pieces of
  /// work.
  var joinsShards: Bool { weight.count <= 65536 }

  var taps: Int { zTaps * yTaps * xTaps }
}

/// How a product is computed. Depends on its shape alone.
enum Algorithm {
  /// The direct kernels on rows.
  case direct
  /// Winograd's minimal filtering of planes.
  case winograd
  /// Minimal filtering along y, together with other products of the group (`FilterSet`).
  case filtering
  /// A 1×1 convolution to channels × taps: transposed convolutions whose kernel is their stride.
  case disjoint
  /// im2col (or col2im) and one matrix product a sample.
  case matrix
}
