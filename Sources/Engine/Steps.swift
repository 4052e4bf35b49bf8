import CKernels

// What a plan is made of. Steps hold numbers and pointers to the plan's tables only, so that walking through them in a
// training step touches no reference counts.

/// Some channels of a buffer.
struct Place: Sendable {
  /// Among the plan's buffers, or `nowhere`.
  var buffer: Int
  var channel: Int
  var channels: Int
  var geometry: PlaneGeometry

  /// The buffer of what is made while it is read (`ActivatedStack`).
  static let nowhere = -1
  var isStored: Bool { buffer != Self.nowhere }
}

/// How the halo of a value's rows is filled, and how far.
struct Border {
  var padding: tutti_padding
  var width: Int32
  /// Pixels of the gradient's halo that belong to others.
  var folded: Int
}

/// A part of the flat parameter vector.
struct Slice {
  var offset: Int
  var count: Int

  var range: Range<Int> { offset..<offset + count }
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

/// How the gradient of a product's weights is computed. Chosen by shape alone.
package enum GradientAlgorithm {
  /// Kernels whose lanes are pixels of a row.
  case rows
  /// Minimal filtering along y, pixels in lanes, together with others of a group (`FilterSet`).
  case filtering
  /// Kernels whose lanes are channels of the narrow space.
  case channels
  /// Winograd's minimal filtering, channels of the narrow space in lanes.
  case winograd
  /// im2col and one matrix product a sample.
  case matrix

  /// Whether weights are computed piece by piece, with all shards of a piece before the next.
  var isByPieces: Bool { self == .channels || self == .winograd }

  /// The best by shape, as measured (docs/decisions/003-weight-gradients.md): lanes are channels where these fill most of a
  /// vector of 16.
  ///
  /// - Parameters:
  ///   - channels: of the narrow space.
  ///   - axes: z, y, x, from the wide space to the narrow one.
  package init(channels: Int, axes: [AxisConvolution]) {
    let isLinear = axes.allSatisfy { $0.target == 1 && $0.kernel == $0.source }
    let readsHalo = axes[2].padding > 0 && axes[2].stride != 1
    let rowTaps = axes[0].kernel * axes[1].kernel
    if channels >= 12, !isLinear, !readsHalo, rowTaps <= TUTTI_CHANNEL_ROW_TAPS, axes[2].stride <= TUTTI_CHANNEL_X_STEP
    {
      self = .channels
    } else {
      self = axes[2].stride == 1 && !isLinear ? .rows : .matrix
    }
  }
}

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

/// Batch normalization of a stage's result.
struct Normalization {
  var weight: Slice
  var bias: Slice
  /// Running mean and variance among the statistics; nil when a prediction uses the batch's own.
  var mean: Slice?
  var variance: Slice?
  var epsilon: Double
  var momentum: Double
  /// Place of this normalization's per-channel coefficients among the plan's: 7 × channels floats.
  var coefficients: Int
}

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

/// Stages whose products read the same stack, worked in one pass over it; or a single stage of any kind.
///
/// The edges that leave a node of a sparse network all read the whole stack. Of a block of layers of a dense network each also reads
/// the planes of those before it: the source's first `common` channels are summed for the whole block, the rest layer by layer.
struct StageGroup {
  /// Bands of a sample that a block of dense layers works in one piece, since its taps reach far.
  static let denseBands = 4

  /// Places among the plan's stages.
  var stages: Range<Int>
  /// Channels of all results, and weights of all products.
  var channels: Int
  var weights: Int
  var common: Int
  /// Source channels of the stage that reads most.
  var most: Int
  /// Whether a stage reads what an earlier one makes.
  var isDense: Bool
  /// Source channels that stay in cache while all stages work them, forward and for weight gradients.
  var chunk: Int
  var gradientChunk: Int
  /// Rows whose gradients stay in cache while the contributions of all stages are added.
  var gradientRows: Int
  /// Whether this is the first to write the source's gradient, and writes all of it.
  var storesGradient: Bool
  /// Those of its products that are worked by minimal filtering along y, among the plan's filter sets.
  var filterSets = 0..<0
  /// Rows of the pieces of their data gradients are multiples of so many.
  var filterUnit = 1
  /// The stack that it makes while it reads it, when it does.
  var activated: ActivatedStack?
  /// How the source is made while it is read, when it is.
  var made: MadeSource?
  /// The step of the restacking whose stack is read here alone, so that its sums are taken here; and of that behind, whose moments are
  /// taken and whose gradient is passed on.
  var restackBefore: Int?
  var restackAfter: Int?
}

struct Pooling {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  /// Buffer of the chosen pixels' offsets, an Int32 each; tightly packed.
  var choices: Int
  var kernel: (z: Int, y: Int, x: Int)
  var stride: (z: Int, y: Int, x: Int)
  var border: Border
}

struct Softmax {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  var logarithm: Bool
  var border: Border
}

struct Dropout {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  /// Buffer of the factors (0 or 1 / (1 − rate)), laid out as the target.
  var factors: Place
  var rate: Float
  /// Stable hash of the node's name: part of the random numbers' key.
  var key: UInt64
  var border: Border
}

/// A tensor that stands in two stacks, or whose readers disagree on padding, is copied. A sum is a sequence of copies that add up.
struct Copy {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  var factor: Float
  /// Whether the target holds earlier terms.
  var accumulates: Bool
  /// No halo but for the last term.
  var border: Border
}

/// Normalization of groups of channels, sample by sample, and the activation behind it.
struct GroupNormalizationStep {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  /// The gradient of the target; it becomes that before the activation in place.
  var targetGradient: Place?
  /// Nil when the normalization is not affine.
  var weight: Slice?
  var bias: Slice?
  var groups: Int
  var epsilon: Double
  /// Buffer of each group's mean and inverse deviation.
  var moments: Int
  var activation: tutti_activation
  var activationParameter: Float
  var border: Border
  /// Place of the two sums a channel among those that are reduced at the end of the backward pass.
  var sums: Int
}

struct PReLU {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  /// One slope, or one a channel.
  var weight: Slice
  var border: Border
  /// Place of the two sums a channel, of which it needs the first, among those that are reduced at the end of the backward pass.
  var sums: Int
}

struct Clamp {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  var minimum: Float
  var maximum: Float
  var border: Border
}

struct Resampling {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  var z: tutti_resampling_axis
  var y: tutti_resampling_axis
  var x: tutti_resampling_axis
  var isLinear: Bool
  var border: Border
}

struct Reshape {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  var border: Border
}

enum Step {
  case stages(StageGroup)
  case restack(Restack)
  case pooling(Pooling)
  case softmax(Softmax)
  case dropout(Dropout)
  case copy(Copy)
  case groupNormalization(GroupNormalizationStep)
  case prelu(PReLU)
  case clamp(Clamp)
  case resampling(Resampling)
  case reshape(Reshape)

  /// What a step makes that mixed precision has still to round: stages and restackings do so while rows are in cache, and what pooling and
  /// reshaping make is as round as what they read.
  var unrounded: (Place, Border)? {
    switch self {
    case .stages, .restack, .pooling, .reshape: nil
    case .softmax(let step): (step.target, step.border)
    case .dropout(let step): (step.target, step.border)
    case .copy(let step): (step.target, step.border)
    case .groupNormalization(let step): (step.target, step.border)
    case .prelu(let step): (step.target, step.border)
    case .clamp(let step): (step.target, step.border)
    case .resampling(let step): (step.target, step.border)
    }
  }
}
