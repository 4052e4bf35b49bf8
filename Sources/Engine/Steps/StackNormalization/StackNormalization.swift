import CKernels

/// A dense stack's planes, old and new, activated by ReLU and normalized once more, as DLSIA's mixed-scale dense network does after every layer.
///
/// What such a plane holds after any number of layers is a clamped line of what its convolution gave (`tutti_line`). So the planes
/// themselves are kept once, as they were made, and convolutions make what they read while they read it (`MadeSource`), forward and
/// backward. L layers hold L planes and as many gradients of them and of the stack, not L²/2.
struct Restack {
  /// Holds the one stage: `source` are the planes as they were made, `target` is the stack that others than convolutions read.
  var group: StageGroup
  /// Leading channels whose values came through the restacking before; of the others the source is the value.
  var old: Int
  /// Place of the channels' lines among the plan's coefficients, five floats each, and of those before.
  var lines: Int
  var oldLines: Int
  /// Whether the stack has a place of its own, where it is made at once; else `target` is the source.
  var isStored: Bool
  /// Whether the layer before takes the moments of the old channels and passes their gradient on.
  var isFollowing = false
  /// Whether the layer behind takes the sums of the stack's gradient.
  var hasSumsTaken = false
}
