import CKernels

/// Product, normalization and activation, each of which may be absent, done band by band.
struct Stage {
  var product: Product?
  var normalization: Normalization?
  var activation: tutti_activation
  var activationParameter: Float
  /// Whether the activation stands before the normalization; `raw` is then the activation's result.
  var activatesFirst: Bool
  /// Place of the lines that make what is read out of the source's planes (`Restack`), among the plan's coefficients; nil when the source
  /// is read as it stands.
  var lines: Int?
  var source: Place
  /// Where the weights' gradient reads the source: made anew there by a stage before, so that it need not be held all the time; nil when the
  /// source is still where it was.
  var remade: (place: Place, maker: Int)?
  /// Where the data gradient goes; nil when nobody needs it.
  var sourceGradient: Place?
  /// What the normalization (or the activation, when that stands alone) reads: the product's result, the `source` without a product;
  /// the `target`, where it need not be kept.
  var raw: Place
  var target: Place
  /// The gradient of the target; it becomes that of `raw` in place.
  var targetGradient: Place?
  var border: Border
  /// Places of the stage's two sums a channel, of its normalization and of its bias, among those that are reduced at the end of the
  /// backward pass.
  var sums: Int
  var biasSums: Int
  /// Place of its channels among those of its group.
  var groupChannel: Int
  /// Place of its channels among those whose gradients pass together, and how many these are: its group's, or all of the stack that it makes
  /// with others (`ActivatedStack`).
  var passed: (channel: Int, channels: Int)
  /// Whether what follows the product waits for all rows, since the pieces in which the group's products are worked cut bands.
  var isFinishedLate = false

  /// Whether the raw result stands where the target will.
  var rawIsTarget: Bool { raw.buffer == target.buffer && raw.channel == target.channel }
  /// Whether the gradient is taken through the activation where its sums are and again where the normalization's is, rather than stored
  /// between.
  var activatesTwice: Bool {
    normalization != nil && !activatesFirst && tutti_has_cheap_derivative(activation)
  }
  var isPlain: Bool { normalization == nil && activation == TUTTI_IDENTITY }
}
