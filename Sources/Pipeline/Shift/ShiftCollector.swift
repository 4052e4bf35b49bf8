import Ensembles
import Host
import Imaging
import MessagePassing

/// Sums, tile by tile, of what tells whether images are like others, without knowing what they show: how much the ensemble
/// doubts, and how bright and how rich in contrast they are.
///
/// A class, since closures of several kinds add to it. Sums are of whole numbers, so they are the same on any number of ranks.
final class ShiftCollector: TileSum {
  /// Of each region: values of the answer, their doubt, values of the image, their sum and that of their squares.
  private var sums: [Int64]
  private let regions: Int
  private let isOfClasses: Bool
  /// What the targets of each channel were divided by for training.
  private let targetUnits: [Float]
  private var pixels: [Float] = []
  /// The region of the last tile and what it added.
  private var last: [Int] = []

  /// Nothing is collected yet.
  init(_ ensemble: EnsemblePredictor, regions: Int) {
    self.regions = regions
    sums = Array(repeating: 0, count: 5 * regions)
    isOfClasses = ensemble.task.hasClasses
    targetUnits = ensemble.members[0].targetScaling?.units ?? []
  }

  /// Adds a tile.
  ///
  /// - Parameters:
  ///   - form: of the answers.
  ///   - channels: of the images.
  ///   - reader: reads the region, scaled as the members want it.
  /// - Throws: what the reader throws.
  func add(
    _ answer: EnsemblePredictor.Answer, _ form: AnswerForm, region: Int, channels: Int,
    _ reader: EnsemblePredictor.Reader
  ) throws {
    let count = answer.tile.core.count * channels
    if pixels.count != count { pixels = [Float](repeating: 0, count: count) }
    try pixels.withUnsafeMutableBufferPointer { try reader(answer.tile.core, $0) }
    var own = [Int64](repeating: 0, count: 5)
    for pixel in pixels where pixel.isFinite {
      own[2] += 1
      // Within these bounds sums of 10⁹ pixels have room.
      let value = Double(min(max(pixel, -256), 256))
      own[3] += Int64((value * 1_048_576).rounded())
      own[4] += Int64((value * value * 65_536).rounded())
    }
    if isOfClasses {
      let voxels = answer.voxels
      for voxel in 0..<voxels {
        var likeliest: Float = 0
        for label in 0..<answer.mean.count / voxels { likeliest = max(likeliest, answer.mean[label * voxels + voxel]) }
        own[1] += Self.part(1 - likeliest)
      }
      own[0] = Int64(voxels)
    } else {
      let spread = form.value(answer.deviation)
      let voxels = spread.count / max(1, targetUnits.count)
      for index in spread.indices { own[1] += Self.part(min(256, spread[index] / targetUnits[index / voxels])) }
      own[0] = Int64(spread.count)
    }
    for index in 0..<5 { sums[5 * region + index] += own[index] }
    last = [region] + own.map { Int($0) }
  }

  func endTile(_ tile: Int) -> [Int] { last }

  func addTile(_ tile: Int, _ numbers: [Int]) -> Bool {
    guard numbers.count == 6, (0..<regions).contains(numbers[0]) else { return false }
    for index in 0..<5 { sums[5 * numbers[0] + index] += Int64(numbers[1 + index]) }
    return true
  }

  private static func part(_ value: Float) -> Int64 {
    value.isFinite ? Int64((Double(value) * 1_048_576).rounded()) : 0
  }

  /// What all ranks collected: of each region its doubt, mean and deviation. Collective.
  ///
  /// - Throws: `MPIError`.
  func features(over world: Communicator) throws -> [ImageFeatures] {
    let all = try world.allReduce(sums, .sum)
    return (0..<regions).map { region in
      let own = all[5 * region..<5 * region + 5].map { Double($0) }
      let mean = own[3] / 1_048_576 / own[2]
      return ImageFeatures(
        doubt: own[1] / 1_048_576 / own[0], mean: mean,
        deviation: max(0, own[4] / 65_536 / own[2] - mean * mean).squareRoot())
    }
  }
}

/// What of an image is compared with others. Intensities are in training's: those have the mean 0 and the deviation 1.
struct ImageFeatures: Hashable, Sendable {
  /// The mean of 1 − the probability of the likeliest class, or of the members' spread in the unit of the targets.
  var doubt: Double
  /// The mean intensity.
  var mean: Double
  /// The standard deviation of intensities.
  var deviation: Double

  /// All numbers with their names in files.
  static let all: [(name: String, meaning: String, path: KeyPath<ImageFeatures, Double> & Sendable)] = [
    ("doubt", "mean doubt of the ensemble: 1 - probability of the likeliest class, or spread", \.doubt),
    ("mean", "mean intensity, in training's standard deviations from training's mean", \.mean),
    ("deviation", "standard deviation of intensities, in training's", \.deviation),
  ]
}
