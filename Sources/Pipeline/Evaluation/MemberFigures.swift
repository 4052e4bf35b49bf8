import Ensembles
import HDF5
import Imaging
import MessagePassing
import Training

/// The figures of each member over test tiles: a confusion matrix, or sums of errors for each channel.
struct MemberFigures {
  private let form: AnswerForm
  private let members: Int
  private var channels: Int { form.channels }
  private(set) var confusion: [ConfusionMatrix] = []
  /// Of values: `[tile, member, channel]`, tiles of this rank, later of all.
  private(set) var sums: [RegressionMetrics] = []
  private var predictions: [UInt8] = []

  init(_ ensemble: EnsemblePredictor, form: AnswerForm) {
    self.form = form
    members = ensemble.members.count
    if form.task.hasClasses {
      confusion = Array(repeating: ConfusionMatrix(classes: form.channels), count: members)
    }
  }

  /// Adds a member's answer over a tile, of which this is known; members of a tile come one after another.
  mutating func add(_ answer: UnsafeBufferPointer<Float>, of member: Int, _ known: TileTruth) throws {
    guard confusion.isEmpty else {
      mostLikely(answer, classes: channels, into: &predictions)
      try confusion[member].add(labels: known.labels, predictions: predictions)
      return
    }
    sums += RegressionMetrics.channels(channels, of: form.value(answer), known)
  }

  /// Joins what all ranks counted. Collective.
  mutating func reduce(over world: Communicator) throws {
    guard confusion.isEmpty else {
      let counts = try world.allReduce(confusion.flatMap(\.counts), .sum)
      let size = channels * channels
      confusion = confusion.indices.map {
        ConfusionMatrix(classes: channels, counts: Array(counts[$0 * size..<($0 + 1) * size]))
      }
      return
    }
    sums = try RegressionMetrics.joined(sums, width: members * channels, over: world)
  }

  /// Writes them into the group of members.
  func write(to group: Group) throws {
    if confusion.isEmpty {
      let dataset = try group.write(
        sums.flatMap(\.moments), shape: [members, channels, RegressionMetrics.momentCount], to: "error_moments")
      try dataset.setAttribute("long_name", "moments over the test pixels, of which the evaluation's figures follow")
    } else {
      let dataset = try group.write(confusion.flatMap(\.counts), shape: [members, channels, channels], to: "confusion")
      try dataset.setAttribute("long_name", "test pixels by member, true class and predicted class")
    }
  }
}

extension RegressionMetrics {
  /// The metrics of each channel over a tile or slice.
  ///
  /// - Parameter answer: `[channel, voxel]`.
  static func channels(
    _ channels: Int, of answer: UnsafeBufferPointer<Float>, _ known: TileTruth
  ) -> [RegressionMetrics] {
    let voxels = answer.count / channels
    return (0..<channels).map { channel in
      var metrics = RegressionMetrics()
      known.values.withUnsafeBufferPointer { truths in
        known.weights.withUnsafeBufferPointer { weights in
          guard let answer = answer.baseAddress, let truths = truths.baseAddress else { return }
          metrics.add(
            predictions: answer + channel * voxels, truths: truths + channel * voxels, count: voxels,
            weights: weights.isEmpty ? nil : weights.baseAddress)
        }
      }
      return metrics
    }
  }

  /// Joins rows of `width` metrics, this rank's and then those of the next, into one row. Collective; the same on all
  /// ranks.
  static func joined(
    _ rows: [RegressionMetrics], width: Int, over world: Communicator
  ) throws -> [RegressionMetrics] {
    let numbers = try world.allGather(rows.flatMap(\.moments)).flatMap { $0 }
    var result = Array(repeating: RegressionMetrics(), count: width)
    for index in 0..<numbers.count / momentCount {
      result[index % width].merge(
        RegressionMetrics(moments: numbers[index * momentCount..<(index + 1) * momentCount]))
    }
    return result
  }
}
