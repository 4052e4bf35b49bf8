import CKernels

/// A product, a normalization and an activation, each of which may be absent, computed band by band.
///
/// The backward pass turns the target's gradient in place into that of `raw`.
struct Stage: Ported {
  var ports: Ports
  var product: Product?
  var normalization: Normalization?
  var activation: tutti_activation
  var activationParameter: Float
  /// Whether the activation comes before the normalization; `raw` is then the activation's result.
  var activatesFirst: Bool
  /// Offset of the clamped lines that recompute the source from convolution results (`RecomputedSource`); nil when the
  /// source is stored as it is read.
  var sourceLines: Int?
  /// How the weight gradient gets a source that is not kept until the backward pass; nil when it is kept.
  var recomputation: Recomputation?
  /// What the normalization reads, or the activation where that is alone: the product's result, or the `source` without
  /// a product. It shares the memory of `target` when the backward pass does not need it.
  var raw: Place
  /// Offsets of two late sums a channel: those of the normalization and those of the bias.
  var sums: Int
  var biasSums: Int
  /// The first of its channels among those of its group.
  var groupChannel: Int
  /// The first of its channels among those whose gradient sums lie side by side, and how many these are: those of its
  /// group, or of the virtual concatenation that it is a part of.
  var sumLayout: (channel: Int, channels: Int)
  /// Whether normalization and activation wait for all rows of the product, because its pieces do not end where bands
  /// do.
  var isFinishedLate = false

  /// A source that the backward pass computes once more from the kept result of the stage that produced it.
  struct Recomputation {
    var place: Place
    var producer: StageID
  }

  /// Whether the target overwrites the raw result.
  var rawIsTarget: Bool { raw.buffer == target.buffer && raw.channel == target.channel }
  /// Whether the activation's derivative is computed twice, for the gradient sums and for the normalization's gradient,
  /// which is cheaper than storing what lies between.
  var derivesTwice: Bool {
    normalization != nil && !activatesFirst && tutti_has_cheap_derivative(activation)
  }
  var isPlain: Bool { normalization == nil && activation == TUTTI_IDENTITY }
}
