/// How unlike a class a prediction is. A prediction set holds the classes whose score is at most a threshold.
public protocol ClassScore: Sendable {
  /// The score of a class of one pixel. Calibration and prediction use this same arithmetic.
  ///
  /// - Parameters:
  ///   - probabilities: of the pixel's classes, `stride` floats apart.
  func score(_ label: Int, _ probabilities: UnsafePointer<Float>, stride: Int, classes: Int) -> Float

  /// Writes 1 where the score of a class is at most a threshold, else 0, and counts the ones in `sizes`.
  ///
  /// - Parameters:
  ///   - probabilities: `[class, pixel]`.
  ///   - set: `[pixel]`, as is `sizes`.
  func writeSet(
    of label: Int, upTo threshold: Float, _ probabilities: UnsafePointer<Float>, classes: Int, pixels: Int,
    set: UnsafeMutablePointer<UInt8>, sizes: UnsafeMutablePointer<UInt8>)

  /// Appends the scores of the labels of all labelled pixels, to one list or to that of their class.
  ///
  /// - Parameters:
  ///   - probabilities: `[class, pixel]`.
  ///   - labels: `[pixel]`; those equal to `ignore` are passed over.
  func appendScores(
    of labels: UnsafePointer<UInt8>, ignore: UInt8?, _ probabilities: UnsafePointer<Float>, classes: Int, pixels: Int,
    to groups: inout [[Float]])
}

// Loops over pixels are requirements, so that every score has them compiled for itself.
extension ClassScore {
  public func writeSet(
    of label: Int, upTo threshold: Float, _ probabilities: UnsafePointer<Float>, classes: Int, pixels: Int,
    set: UnsafeMutablePointer<UInt8>, sizes: UnsafeMutablePointer<UInt8>
  ) {
    for i in 0..<pixels {
      let isIn: UInt8 = score(label, probabilities + i, stride: pixels, classes: classes) <= threshold ? 1 : 0
      set[i] = isIn
      sizes[i] &+= isIn
    }
  }

  public func appendScores(
    of labels: UnsafePointer<UInt8>, ignore: UInt8?, _ probabilities: UnsafePointer<Float>, classes: Int, pixels: Int,
    to groups: inout [[Float]]
  ) {
    let isByClass = groups.count > 1
    for i in 0..<pixels where labels[i] != ignore {
      let label = Int(labels[i])
      groups[isByClass ? label : 0].append(score(label, probabilities + i, stride: pixels, classes: classes))
    }
  }
}
