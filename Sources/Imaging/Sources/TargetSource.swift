import ImageFiles

/// What a network learns to predict for an image, and where the data hold it.
public enum TargetSource: Sendable, Hashable {
  /// The class of every pixel, in an array of the images' shape without channels. `ignore` is the label of pixels whose
  /// class is not known.
  case pixelClasses(ArrayLocation, classes: Int, ignore: Int?)
  /// One class for each image of a stack; images of the label `ignore` are of no known class.
  case imageClasses(ArrayLocation, classes: Int, ignore: Int?)
  /// Another image for each image, of any number of channels. Where the mask is 0, it is not known.
  case images(ArrayLocation, mask: ArrayLocation?)
  /// The image itself, where the mask is not 0. Each image of a stack may also have a class to be predicted.
  case itself(mask: ArrayLocation?, classes: ImageClasses? = nil)

  /// One class for each image; images of the label `ignore` are of no known class.
  public struct ImageClasses: Sendable, Hashable {
    /// Where the labels are, one an image.
    public var labels: ArrayLocation
    /// The number of classes.
    public var count: Int
    /// The label of images whose class is not known.
    public var ignore: Int?

    /// Classes as given.
    public init(labels: ArrayLocation, count: Int, ignore: Int?) {
      self.labels = labels
      self.count = count
      self.ignore = ignore
    }
  }

  /// The number of classes; 0 when the answer is an image alone.
  public var classes: Int {
    switch self {
    case .pixelClasses(_, let classes, _), .imageClasses(_, let classes, _): classes
    case .itself(_, let classes): classes?.count ?? 0
    case .images: 0
    }
  }

  /// The label of what is of no known class.
  public var ignore: Int? {
    switch self {
    case .pixelClasses(_, _, let ignore), .imageClasses(_, _, let ignore): ignore
    case .itself(_, let classes): classes?.ignore
    case .images: nil
    }
  }

  var mask: ArrayLocation? {
    switch self {
    case .pixelClasses, .imageClasses: nil
    case .images(_, let mask), .itself(let mask, _): mask
    }
  }
}

/// What is done to the values of target images before they are scaled; predictions are transformed back.
public enum TargetTransform: String, Sendable, Hashable, Codable, CaseIterable {
  /// Nothing.
  case none
  /// log(1 + v); −log(1 − v) of values below 0.
  case log1p
  /// The square root; −√−v of values below 0.
  case sqrt

  /// That of images.
  var ofImages: IntensityTransform {
    switch self {
    case .none: .none
    case .log1p: .log1p
    case .sqrt: .sqrt
    }
  }
}

/// How target images are scaled for training; predictions are scaled back.
public enum TargetScaling: String, Sendable, Hashable, Codable, CaseIterable {
  /// Mean 0 and standard deviation 1 over the training part, channel by channel.
  case standard
  /// From 0 to 1 over the training part, channel by channel, for networks that end in a sigmoid.
  case range
  /// As they are.
  case none
}
