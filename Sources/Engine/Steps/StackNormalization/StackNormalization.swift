import CKernels

/// ReLU and batch normalization of a whole stack after every layer, as in DLSIA's mixed-scale dense network
/// (docs/decisions/007-stack-normalization.md).
///
/// However often a channel is activated and normalized, its value is a clamped line (`tutti_line`) of the result of its
/// convolution. So the convolution results alone are kept, and the next convolutions recompute what they read while
/// they read it (`RecomputedSource`), in the forward and in the backward pass. L layers keep L channels and their
/// gradients, not L²/2.
struct StackNormalization {
  /// Its `source` are the convolution results, its `target` is the normalized stack.
  var stage: StageID
  /// Leading channels that the stack normalization before has already normalized.
  var oldChannels: Int
  /// Offsets among the plan's coefficients of the clamped lines, five floats a channel: of this one, and of the one
  /// before.
  var lines: Int
  var oldLines: Int
  /// Whether the normalized stack is stored because others than convolutions read it; else `target` is the source.
  var isStored: Bool
  /// Whether the layer before accumulates the moments of the old channels, and propagates their gradient.
  var isFusedWithPrevious = false
  /// Whether the layer after accumulates the sums of the stack's gradient.
  var isFusedWithNext = false
}
