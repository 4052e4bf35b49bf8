/// What a node of a network computes. Settings carry PyTorch's names and meanings.
public enum Operation: Hashable, Sendable {
  /// The image: `channels` planes.
  case input(channels: Int)
  /// Cross-correlation with trained weights.
  case convolution(Convolution)
  /// The adjoint of a strided convolution, with trained weights.
  case transposedConvolution(TransposedConvolution)
  /// Normalization of each channel over the batch.
  case batchNormalization(BatchNormalization)
  /// Normalization of groups of channels in each sample.
  case groupNormalization(GroupNormalization)
  /// A function of each element.
  case activation(Activation)
  /// The maximum over windows.
  case maxPooling(MaxPooling)
  /// Interpolation to more pixels.
  case upsampling(Upsampling)
  /// The channels of all inputs, one after another.
  case concatenation
  /// Σ factor · input, element by element, of inputs of one shape; without factors their plain sum.
  case sum(factors: [Double])
  /// All values of a sample as one vector (channel, z, y, x), times a matrix: `features` channels of extent 1.
  ///
  /// With a second input the result has the shape of that input, and as many features as it has values.
  case linear(features: Int, bias: Bool)
  /// The values of a sample in the order (channel, z, y, x) as another shape of as many, as `torch.nn.Unflatten`.
  case reshape(channels: Int, extents: [Int])
  /// Softmax over the channels of each pixel, or its logarithm.
  case softmax(logarithm: Bool)
  /// Zeroes elements with probability `rate` while training and scales the others by 1 / (1 − rate).
  case dropout(rate: Double)
  /// Every value moved to the nearest one in `minimum` … `maximum`, as `torch.clamp`.
  case clamp(minimum: Double, maximum: Double)

  /// The first input minus the second.
  public static let difference = Operation.sum(factors: [1, -1])
}

/// Cross-correlation as `torch.nn.ConvNd`: weight `[channels, input channels, (z,) y, x]`, bias `[channels]`.
public struct Convolution: Hashable, Sendable, Codable {
  /// Output channels.
  public var channels: Int
  /// Extents of the kernel.
  public var kernel: PerAxis
  /// Pixels from one window to the next.
  public var stride: PerAxis
  /// Pixels from one tap of the kernel to the next.
  public var dilation: PerAxis
  /// Pixels added to both sides of each axis.
  public var padding: PerAxis
  /// What padding consists of.
  public var paddingMode: PaddingMode
  /// Whether a bias is added to each channel.
  public var bias: Bool

  /// PyTorch's defaults.
  public init(
    channels: Int, kernel: PerAxis, stride: PerAxis = 1, dilation: PerAxis = 1, padding: PerAxis = 0,
    paddingMode: PaddingMode = .zeros, bias: Bool = true
  ) {
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
    self.paddingMode = paddingMode
    self.bias = bias
  }

  /// A convolution of stride 1 with an odd kernel whose output is as large as its input.
  public static func same(
    channels: Int, kernel: Int = 3, dilation: Int = 1, paddingMode: PaddingMode = .zeros, bias: Bool = true
  ) -> Convolution {
    Convolution(
      channels: channels, kernel: .all(kernel), dilation: .all(dilation),
      padding: .all(dilation.saturatingMultiplied(by: kernel - 1) / 2),
      paddingMode: paddingMode, bias: bias)
  }
}

/// `torch.nn.ConvTransposeNd`: weight `[input channels, channels, (z,) y, x]`, bias `[channels]`.
///
/// With a second input, the output padding is chosen on each axis so that the output is as large as that input;
/// an extent that no output padding below the stride reaches is an error of shape.
public struct TransposedConvolution: Hashable, Sendable, Codable {
  /// Output channels.
  public var channels: Int
  /// Extents of the kernel.
  public var kernel: PerAxis
  /// Output pixels from one input pixel to the next.
  public var stride: PerAxis
  /// Pixels removed from both sides of each axis of the output.
  public var padding: PerAxis
  /// Pixels added to the end of each axis of the output.
  public var outputPadding: PerAxis
  /// Whether a bias is added to each channel.
  public var bias: Bool

  /// PyTorch's defaults.
  public init(
    channels: Int, kernel: PerAxis, stride: PerAxis, padding: PerAxis = 0, outputPadding: PerAxis = 0,
    bias: Bool = true
  ) {
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.bias = bias
  }
}

/// Batch normalization (Ioffe and Szegedy, arXiv 1502.03167) as `torch.nn.BatchNormNd`: weight and bias `[channels]`.
public struct BatchNormalization: Hashable, Sendable, Codable {
  /// Added to the variance.
  public var epsilon: Double
  /// Weight of the batch in the running statistics.
  public var momentum: Double
  /// Whether a prediction uses running statistics (the default) or those of its own batch.
  public var tracksRunningStatistics: Bool

  /// PyTorch's defaults.
  public init(epsilon: Double = 1e-5, momentum: Double = 0.1, tracksRunningStatistics: Bool = true) {
    self.epsilon = epsilon
    self.momentum = momentum
    self.tracksRunningStatistics = tracksRunningStatistics
  }
}

/// Normalization of every sample by itself (Wu and He, arXiv 1803.08494), as `torch.nn.GroupNorm`: mean and variance of
/// the channels of a group, `groups` of which lie one after another; weight and bias `[channels]`.
public struct GroupNormalization: Hashable, Sendable, Codable {
  /// How many groups the channels make; nil for one a channel, which is `torch.nn.InstanceNormNd`.
  public var groups: Int?
  /// Added to the variance.
  public var epsilon: Double
  /// Whether a weight and a bias follow for every channel.
  public var affine: Bool

  /// PyTorch's defaults.
  public init(groups: Int?, epsilon: Double = 1e-5, affine: Bool = true) {
    self.groups = groups
    self.epsilon = epsilon
    self.affine = affine
  }

  /// Instance normalization (Ulyanov, Vedaldi and Lempitsky, arXiv 1607.08022).
  public static func instance(epsilon: Double = 1e-5, affine: Bool = true) -> GroupNormalization {
    GroupNormalization(groups: nil, epsilon: epsilon, affine: affine)
  }
}

/// Maximum over windows, without padding; windows that do not fit at the end are dropped (PyTorch's floor mode).
public struct MaxPooling: Hashable, Sendable, Codable {
  /// Extents of the windows.
  public var kernel: PerAxis
  /// Pixels from one window to the next.
  public var stride: PerAxis

  /// Windows that do not overlap unless a stride is given.
  public init(kernel: PerAxis, stride: PerAxis? = nil) {
    self.kernel = kernel
    self.stride = stride ?? kernel
  }
}

/// Interpolation to more pixels, as `torch.nn.Upsample`.
///
/// With a second input the result is as large as that input, whatever the factor says.
public struct Upsampling: Hashable, Sendable, Codable {
  /// How values between pixels are found.
  public enum Mode: String, Codable, Hashable, Sendable, CaseIterable {
    /// The nearest pixel's value.
    case nearest
    /// Linear, bilinear or trilinear, as many as there are axes.
    case linear
  }

  /// How values between pixels are found.
  public var mode: Mode
  /// How many pixels one becomes.
  public var factor: PerAxis
  /// Whether the centres of the first and last pixels stay in place (linear only) instead of the image's edges.
  public var alignCorners: Bool

  /// Upsampling by a factor.
  public init(mode: Mode, factor: PerAxis, alignCorners: Bool = false) {
    self.mode = mode
    self.factor = factor
    self.alignCorners = alignCorners
  }
}

extension Operation {
  /// The operation's name in messages and drawings.
  public var label: String {
    switch self {
    case .input: "input"
    case .convolution: "convolution"
    case .transposedConvolution: "transposed convolution"
    case .batchNormalization: "batch normalization"
    case .groupNormalization(let settings): settings.groups == nil ? "instance normalization" : "group normalization"
    case .activation: "activation"
    case .maxPooling: "max pooling"
    case .upsampling: "upsampling"
    case .concatenation: "concatenation"
    case .sum: "sum"
    case .linear: "linear"
    case .reshape: "reshape"
    case .softmax: "softmax"
    case .dropout: "dropout"
    case .clamp: "clamp"
    }
  }
}
