import Engine
import Networks

/// What a network is trained for: a loss of its output, and perhaps one of the classes that it tells beside it, whose
/// sum is made small.
///
/// Sums of both losses stand one after the other, so that they are reduced as those of one.
struct Objective: Sendable {
  private let loss: any Loss
  private let channels: Int
  /// Of the image's classes; nil for none.
  private let classifier: (loss: any Loss, tap: Int, classes: Int)?
  /// The sums of the output's loss, after which the classifier's stand.
  private let outputWidth: Int
  /// Sums of a sample.
  let width: Int

  /// - Parameter classifier: the loss of the scores that the plan taps as `classes`, compared with each image's label.
  /// - Throws: `LossError` when a loss has no meaning for the target or what the network gives.
  init(_ loss: any Loss, classifier: (any Loss)?, target: TargetKind, plan: Plan) throws(LossError) {
    channels = plan.outputShape.channels
    try loss.check(target: target, channels: channels)
    self.loss = loss
    outputWidth = loss.width(channels: channels)
    guard let classifier else {
      self.classifier = nil
      width = outputWidth
      return
    }
    guard let tap = plan.taps.firstIndex(where: { $0.name == NetworkGraph.classes }), target.hasImageLabel else {
      preconditionFailure("a classifier's loss needs a network that tells classes, and images with labels")
    }
    let classes = plan.taps[tap].shape.channels
    try classifier.check(target: .labels, channels: classes)
    self.classifier = (classifier, tap, classes)
    width = outputWidth + classifier.width(channels: classes)
  }

  /// Where in an execution the classes of images are told; nil when none are.
  var classes: (tap: Int, count: Int)? { classifier.map { ($0.tap, $0.classes) } }

  /// The floats that phase two needs for intermediate values.
  func scratchCount(_ execution: Execution) -> Int {
    let own = LossSample.scratchCount(loss.scratchPlanes, of: execution.output(0))
    guard let classifier else { return own }
    return max(own, LossSample.scratchCount(classifier.loss.scratchPlanes, of: execution.tap(classifier.tap, 0)))
  }

  /// Phase one of a sample.
  ///
  /// - Parameter room: planes of a value's shape that are free, given the value and, of the classes, the place of the
  ///   tap.
  func writeSums(
    _ execution: Execution, _ sample: Int, _ target: Target, to sums: UnsafeMutablePointer<Double>,
    room: (FeaturePlanes, Int?) -> FeaturePlanes
  ) {
    let output = execution.output(sample)
    loss.writeSums(LossSample(output: output, target: target, gradient: room(output, nil)), to: sums)
    guard let classifier else { return }
    let scores = execution.tap(classifier.tap, sample)
    classifier.loss.writeSums(
      LossSample(output: scores, target: target.ofImage, gradient: room(scores, classifier.tap)),
      to: sums + outputWidth)
  }

  /// The loss of a batch with these sums.
  func value(sums: UnsafePointer<Double>) -> Double {
    let own = loss.value(sums: sums, channels: channels)
    guard let classifier else { return own }
    return own + classifier.loss.value(sums: sums + outputWidth, channels: classifier.classes)
  }

  /// What a batch counts for among the batches of a step; nil for as much as it has samples.
  func weight(sums: UnsafePointer<Double>) -> Double? {
    classifier == nil ? loss.weight(sums: sums, channels: channels) : nil
  }

  /// Phase two of a sample.
  func derive(
    _ execution: Execution, _ sample: Int, _ target: Target, sums: UnsafePointer<Double>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    loss.derive(
      LossSample(
        output: execution.output(sample), target: target, gradient: execution.outputGradient(sample),
        scratch: scratch), sums: sums)
    guard let classifier else { return }
    classifier.loss.derive(
      LossSample(
        output: execution.tap(classifier.tap, sample), target: target.ofImage,
        gradient: execution.tapGradient(classifier.tap, sample), scratch: scratch), sums: sums + outputWidth)
  }
}
