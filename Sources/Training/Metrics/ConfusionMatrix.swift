import Host

/// How often each class was predicted as each, and the metrics that follow from it.
///
/// Counts are integers, so pixels, shards and ranks may be added in any order. A metric that is undefined (a class that
/// does not occur, no pixels at all) is NaN.
public struct ConfusionMatrix: Hashable, Sendable {
  /// The number of classes.
  public let classes: Int
  /// `[true class, predicted class]`.
  public private(set) var counts: [Int64]

  /// No pixels yet.
  public init(classes: Int) {
    self.classes = classes
    counts = Array(repeating: 0, count: classes * classes)
  }

  /// The matrix with these counts, `[true class, predicted class]`.
  public init(classes: Int, counts: [Int64]) {
    precondition(counts.count == classes * classes, "\(counts.count) counts for \(classes) classes")
    self.classes = classes
    self.counts = counts
  }

  /// A label or prediction that is no class.
  public struct LabelError: Error, Hashable, Sendable, CustomStringConvertible {
    /// "label" or "prediction".
    public let what: String
    /// The label that is out of range.
    public let value: Int
    /// Where it is.
    public let pixel: Int
    /// How many classes there are.
    public let classes: Int

    public var description: String {
      "pixel \(pixel) has \(what) \(value), but there are \(classes) classes (0 … \(classes - 1)); "
        + "correct the labels, or name this one as data.ignore"
    }
  }

  /// Adds pixels.
  ///
  /// - Parameters:
  ///   - labels: `[pixel]`; those equal to `ignore` do not count, whatever was predicted there.
  ///   - predictions: `[pixel]`.
  /// - Throws: `LabelError` at the first label or prediction that is no class; the pixels before it were added.
  public mutating func add(
    labels: UnsafeBufferPointer<UInt8>, predictions: UnsafeBufferPointer<UInt8>, ignore: UInt8? = Label.ignored
  ) throws(LabelError) {
    precondition(labels.count == predictions.count, "\(predictions.count) predictions for \(labels.count) labels")
    for i in labels.indices where labels[i] != ignore {
      let (label, prediction) = (Int(labels[i]), Int(predictions[i]))
      guard label < classes else { throw LabelError(what: "label", value: label, pixel: i, classes: classes) }
      guard prediction < classes else {
        throw LabelError(what: "prediction", value: prediction, pixel: i, classes: classes)
      }
      counts[label * classes + prediction] += 1
    }
  }

  /// Adds pixels.
  ///
  /// - Throws: `LabelError`, as with buffers.
  public mutating func add(labels: [UInt8], predictions: [UInt8], ignore: UInt8? = Label.ignored) throws {
    try labels.withUnsafeBufferPointer { labels in
      try predictions.withUnsafeBufferPointer { predictions in
        try add(labels: labels, predictions: predictions, ignore: ignore)
      }
    }
  }

  /// Adds what another matrix counted.
  public mutating func merge(_ other: ConfusionMatrix) {
    precondition(other.classes == classes, "a matrix of \(other.classes) classes instead of \(classes)")
    for i in counts.indices { counts[i] += other.counts[i] }
  }
}

extension ConfusionMatrix {
  /// All pixels.
  public var pixels: Int64 { counts.reduce(0, +) }

  /// Pixels of a class, by their labels.
  public func support(_ label: Int) -> Int64 { (0..<classes).reduce(0) { $0 + counts[label * classes + $1] } }

  /// Pixels that were predicted as a class.
  public func predicted(_ label: Int) -> Int64 { (0..<classes).reduce(0) { $0 + counts[$1 * classes + label] } }

  private func hits(_ label: Int) -> Int64 { counts[label * classes + label] }

  /// The share of pixels that were predicted right.
  public var accuracy: Double {
    Double((0..<classes).reduce(0) { $0 + hits($1) }) / Double(pixels)
  }

  /// Of the pixels predicted as a class, the share that is of it.
  public func precision(_ label: Int) -> Double { Double(hits(label)) / Double(predicted(label)) }

  /// Of the pixels of a class, the share that was predicted as it.
  public func recall(_ label: Int) -> Double { Double(hits(label)) / Double(support(label)) }

  /// The F1 score of a class, which is its Dice coefficient: 2·hits ÷ (labelled + predicted).
  public func f1(_ label: Int) -> Double {
    Double(2 * hits(label)) / Double(support(label) + predicted(label))
  }

  /// The Dice coefficient of a class: its F1 score by another name.
  public func dice(_ label: Int) -> Double { f1(label) }

  /// Intersection over union of a class (Jaccard index).
  public func iou(_ label: Int) -> Double {
    Double(hits(label)) / Double(support(label) + predicted(label) - hits(label))
  }

  /// F1 over all pixels and classes together; as every pixel has one label and one prediction, the accuracy.
  public var f1Micro: Double { accuracy }

  /// The mean F1 of the classes that occur among labels or predictions, as scikit-learn's `average="macro"`.
  public var f1Macro: Double { mean(f1) }

  /// The mean intersection over union of the classes that occur among labels or predictions.
  public var meanIoU: Double { mean(iou) }

  private func mean(_ metric: (Int) -> Double) -> Double {
    let present = (0..<classes).filter { support($0) + predicted($0) > 0 }
    return present.reduce(0) { $0 + metric($1) } / Double(present.count)
  }
}
