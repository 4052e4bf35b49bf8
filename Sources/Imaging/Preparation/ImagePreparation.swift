import ImageFiles

/// What is done to images and labels before networks see them, in training and prediction alike.
public struct ImagePreparation: Sendable, Hashable {
  /// The channels that networks see, in this order; nil: all.
  public var channels: [ImageChannel]?
  /// Whose values say how images are scaled.
  public var scaling: ScalingRule
  /// What is done to values before.
  public var transform: IntensityTransform
  /// How it is known which pixels were measured; nil: all were.
  public var validity: Validity?
  /// The dataset that says so.
  public var valid: ArrayLocation?

  /// The classes that labels stand for; nil: the labels are the classes.
  public var labelMap: LabelMap?

  /// Preparation as given.
  public init(
    channels: [ImageChannel]? = nil, scaling: ScalingRule = .training, transform: IntensityTransform = .none,
    validity: Validity? = nil,
    valid: ArrayLocation? = nil, labelMap: LabelMap? = nil
  ) {
    self.channels = channels
    self.scaling = scaling
    self.transform = transform
    self.validity = validity
    self.valid = valid
    self.labelMap = labelMap
  }
}
