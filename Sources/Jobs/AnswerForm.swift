import Ensembles

/// The axes that an ensemble's answers have in a results file.
struct AnswerForm: Hashable, Sendable {
  let task: EnsembleTask
  /// One 3-D image, not a stack of 2-D images.
  let volume: Bool
  /// Classes, or channels of the images that are answered with.
  let channels: Int

  init(_ ensemble: EnsemblePredictor, volume: Bool) {
    self.init(task: ensemble.task, volume: volume, channels: ensemble.channels)
  }

  init(task: EnsembleTask, volume: Bool, channels: Int) {
    self.task = task
    self.volume = volume
    self.channels = channels
  }

  /// The name of the axis behind that of images; nil when an image has one channel.
  var channelAxis: String? { task.hasClasses ? "class" : channels > 1 ? "channel" : nil }

  /// The names of the pixels' axes; none when an image has one answer.
  var pixelAxes: [String] { task.answersImages ? [] : (volume ? ["z"] : []) + ["y", "x"] }

  /// The names of all axes of a mean.
  var axes: [String] { ["image"] + (channelAxis.map { [$0] } ?? []) + pixelAxes }

  /// Before the pixels' axes, the extents of one image's channels.
  var channelExtents: [Int] { channelAxis == nil ? [] : [channels] }
}
