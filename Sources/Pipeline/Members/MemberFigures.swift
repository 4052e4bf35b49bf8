import Ensembles
import HDF5
import Imaging
import MessagePassing
import Training

/// The figures of each member over test tiles: a confusion matrix, or sums of errors for each channel.
struct MemberFigures: TileSum {
  private let form: AnswerForm
  private let members: Int
  private var channels: Int { form.channels }
  private(set) var confusion: [ConfusionMatrix] = []
  /// Of values: `[member, channel]` of all tiles, once they are reduced.
  private(set) var sums: [RegressionMetrics] = []
  /// Of the tile that members answer for: as `confusion`, or `[member, channel]`.
  private var tileConfusion: [ConfusionMatrix] = []
  private var tileSums: [RegressionMetrics] = []
  /// Of values: the moments of each tile, `[member, channel, moment]`. Sums are of rounded numbers, so that their order
  /// counts.
  private var moments: [(tile: Int, numbers: [Double])] = []
  private var predictions: [UInt8] = []

  init(_ ensemble: EnsemblePredictor, form: AnswerForm) {
    self.form = form
    members = ensemble.members.count
    if form.task.hasClasses {
      confusion = Array(repeating: ConfusionMatrix(classes: form.channels), count: members)
      tileConfusion = confusion
    }
  }

  /// Adds a member's answer over a tile, of which this is known; members of a tile come one after another.
  mutating func add(_ answer: UnsafeBufferPointer<Float>, of member: Int, _ known: TileTruth) throws {
    guard confusion.isEmpty else {
      mostLikely(answer, classes: channels, into: &predictions)
      try tileConfusion[member].add(labels: known.labels, predictions: predictions)
      return
    }
    tileSums += RegressionMetrics.channels(channels, of: form.value(answer), known)
  }

  mutating func endTile(_ tile: Int) -> [Int] {
    var numbers: [Int]
    if confusion.isEmpty {
      numbers = tileSums.flatMap(\.moments).map { Int(truncatingIfNeeded: $0.bitPattern) }
      tileSums = []
    } else {
      numbers = tileConfusion.flatMap { $0.counts.map { Int($0) } }
      tileConfusion = confusion.map { ConfusionMatrix(classes: $0.classes) }
    }
    _ = addTile(tile, numbers)
    return numbers
  }

  mutating func addTile(_ tile: Int, _ numbers: [Int]) -> Bool {
    let size = confusion.isEmpty ? channels * RegressionMetrics.momentCount : channels * channels
    guard numbers.count == members * size else { return false }
    if confusion.isEmpty {
      moments.append((tile, numbers.map { Double(bitPattern: UInt64(bitPattern: Int64($0))) }))
    } else {
      for member in confusion.indices {
        let counts = zip(confusion[member].counts, numbers[member * size..<(member + 1) * size]).map { $0 + Int64($1) }
        confusion[member] = ConfusionMatrix(classes: channels, counts: counts)
      }
    }
    return true
  }

  /// Joins what all ranks counted in the tiles that ended. Collective.
  mutating func reduce(over world: Communicator) throws {
    guard confusion.isEmpty else {
      let counts = try world.allReduce(confusion.flatMap(\.counts), .sum)
      let size = channels * channels
      confusion = confusion.indices.map {
        ConfusionMatrix(classes: channels, counts: Array(counts[$0 * size..<($0 + 1) * size]))
      }
      return
    }
    let tiles = try world.allGather(moments.map(\.tile)).flatMap { $0 }
    let numbers = try world.allGather(moments.flatMap(\.numbers)).flatMap { $0 }
    let width = members * channels
    let count = RegressionMetrics.momentCount
    sums = Array(repeating: RegressionMetrics(), count: width)
    for place in tiles.indices.sorted(by: { tiles[$0] < tiles[$1] }) {
      for index in 0..<width {
        let first = (place * width + index) * count
        sums[index].merge(RegressionMetrics(moments: numbers[first..<first + count]))
      }
    }
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
