import Ensembles
import HDF5
import Imaging

/// The axes that an ensemble's answers have in a results file.
struct AnswerForm: Hashable, Sendable {
  let task: EnsembleTask
  let layout: ImageLayout
  /// Classes, or channels of the images that are answered with.
  let channels: Int
  /// The quantiles that are answered with; empty when the value alone is.
  let quantiles: [Double]

  init(_ settings: EnsembleSettings, _ layout: ImageLayout) {
    let answer = settings.answer
    task = answer.task
    self.layout = layout
    quantiles = answer.quantiles ?? []
    channels = answer.channels / max(1, quantiles.count)
  }

  /// What answers of results are, where no job says it.
  ///
  /// - Parameters:
  ///   - prediction: the group of a results file.
  ///   - shape: of its datasets, `[image, (z,) y, x]`.
  /// - Throws: `HDF5Error`.
  init(of prediction: Group, pixels shape: [Int]) throws {
    let axes = try ResultsFile.axes(of: prediction)
    let classes = try prediction.exists("class_names") ? prediction.readStrings("class_names").count : 0
    let hasPixels = axes.contains("y")
    task = classes == 0 ? .regression : hasPixels ? .segmentation : .classification
    quantiles = []
    let hasChannels = axes.contains("channel")
    channels = classes > 0 ? classes : hasChannels ? try prediction.dataset("mean").shape[1] : 1
    guard axes.contains("z"), shape.count == 4 else {
      layout = .stack
      return
    }
    // Numbers are those of slices of one image, or of images.
    let indices = try prediction.dataset("indices").shape[0]
    layout = shape[0] == 1 && indices == shape[1] ? .volume : .volumes
  }

  /// Classes of images, told beside another answer.
  init(imageClasses classes: Int) {
    (task, layout, channels, quantiles) = (.classification, .stack, classes, [])
  }

  /// Of the classes that an ensemble tells beside its answers; nil when it tells none.
  static func classes(beside settings: EnsembleSettings) -> AnswerForm? {
    settings.classifier.map { AnswerForm(imageClasses: $0.classes) }
  }

  /// Of an answer with all its quantiles, `[quantile, channel, voxel]`, the middle one's part, which is the value.
  func value<Element>(_ answer: UnsafeBufferPointer<Element>) -> UnsafeBufferPointer<Element> {
    guard !quantiles.isEmpty else { return answer }
    let size = answer.count / quantiles.count
    let first = quantiles.count / 2 * size
    return UnsafeBufferPointer(rebasing: answer[first..<first + size])
  }

  /// The name of the axis behind that of images; nil when an image has one channel.
  var channelAxis: String? { task.hasClasses ? "class" : channels > 1 ? "channel" : nil }

  /// The names of the pixels' axes; none when an image has one answer.
  var pixelAxes: [String] { task.answersImages ? [] : (layout.hasDepth ? ["z"] : []) + ["y", "x"] }

  /// The names of all axes of a mean.
  var axes: [String] { ["image"] + (channelAxis.map { [$0] } ?? []) + pixelAxes }

  /// Before the pixels' axes, the extents of one image's channels.
  var channelExtents: [Int] { channelAxis == nil ? [] : [channels] }
}
