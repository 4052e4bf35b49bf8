import Settings

// Keys that several families have. A family lists those that it has, in the order of its documentation.

extension Setting {
  /// The key `kernel`, for all convolutions of a network.
  static func kernel(_ path: WritableKeyPath<Section, PerAxis> & Sendable) -> Setting {
    Setting("kernel", path, .perAxis(1...31), "extent of the convolutions' kernels, an odd number")
  }

  /// The key `pooling`.
  static func pooling(_ path: WritableKeyPath<Section, PerAxis> & Sendable) -> Setting {
    Setting("pooling", path, .perAxis(1...16), "factor between the extents of one level and the next")
  }

  /// The key `padding`.
  static func padding(_ path: WritableKeyPath<Section, PaddingMode> & Sendable) -> Setting {
    Setting("padding", path, noun: "padding", "what convolutions read beyond the border of the image")
  }

  /// The key `running-statistics`.
  static func runningStatistics(_ path: WritableKeyPath<Section, Bool> & Sendable) -> Setting {
    Setting(
      "running-statistics", path, .boolean,
      "whether batch normalization predicts with running statistics of training (true) or with those of the batch")
  }

  /// The key `initialization`.
  static func initialization(_ path: WritableKeyPath<Section, Initialization> & Sendable) -> Setting {
    Setting(
      "initialization", path, noun: "initialization",
      "how weights start: PyTorch's default (uniform in ±1/√fan-in), Kaiming's, Xavier's or orthogonal ones")
  }

  /// The key `final-activation`.
  static func finalActivation(_ path: WritableKeyPath<Section, Activation?> & Sendable) -> Setting {
    .activation("final-activation", path, "what follows the last convolution, and its normalization if it has one")
  }

  /// A rate of dropout, with the key `dropout` unless another is given.
  static func dropout(
    _ key: String = "dropout", _ path: WritableKeyPath<Section, Double> & Sendable, _ meaning: String
  ) -> Setting {
    Setting(key, path, .number(.atLeast(0, below: 1)), meaning)
  }
}
