import CKernels

/// A convolution between a wide space (the image that taps read) and a narrow one (the result). A transposed convolution is the
/// same one read from narrow to wide.
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
  /// Pixels of the wide space's halo that a data gradient covers, to be folded back: what its readers pad, unless by zeros.
  var reach: Int
  /// Places of the packed weights among the plan's packed floats.
  var packed: Slice
  var packedTransposed: Slice
  /// Of the packed weights for the source channels behind those that the whole group shares.
  var packedRest: Slice
  /// Place among the weights of the stage's group.
  var groupWeight: Int
  /// Whether the shards' gradients of so few weights are kept side by side, so that more of the work can be shared out.
  var joinsShards: Bool { weight.count <= 65536 }

  var taps: Int { zTaps * yTaps * xTaps }
}

/// How a product of weights and planes is computed. Chosen by shape alone.
enum Algorithm {
  /// The direct kernels on rows.
  case direct
  /// Winograd's minimal filtering of planes.
  case winograd
  /// Minimal filtering along y, together with others of a group (`FilterSet`).
  case filtering
  /// A 1×1 convolution to channels × taps: transposed convolutions whose kernel is their stride.
  case disjoint
  /// im2col (or col2im) and one matrix product a sample.
  case matrix
}
