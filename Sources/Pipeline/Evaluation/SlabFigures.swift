import HDF5
import MessagePassing
import Uncertainty

/// The coverage of each level where it is worst in the space of what the ensemble says (`WorstSlab`), on a random sample of the
/// known pixels of the test part.
struct SlabFigures: Sendable {
  /// The most pixels that are looked at.
  private static let mostPixels = 2048

  private let features: Int
  private let levels: Int
  private var sample: CalibrationSample
  /// Of each level; NaN of too few pixels, and before `find(over:)`.
  private(set) var coverage: [Double]

  /// No pixels yet.
  ///
  /// - Parameter features: numbers of each pixel: probabilities, or value and spread.
  init(features: Int, levels: Int) {
    (self.features, self.levels) = (features, levels)
    sample = CalibrationSample(width: features + levels, capacity: Self.mostPixels)
    coverage = Array(repeating: .nan, count: levels)
  }

  /// Offers a known pixel.
  mutating func add(region: Int, place: Int, feature: (Int) -> Float, covered: (_ level: Int) -> Bool) {
    sample.add(region: region, place: place, truth: 0) { $0 < features ? feature($0) : covered($0 - features) ? 1 : 0 }
  }

  /// Finds the coverages. Collective.
  ///
  /// - Throws: `RemoteFailure`.
  mutating func find(over world: Communicator) throws {
    let whole = try sample.joined(over: world)
    coverage = try world.fromRoot(of: Double.self) {
      guard let whole else { return coverage }
      let width = features + levels
      let own = (0..<whole.count).flatMap { whole.values[$0 * width..<$0 * width + features] }
      return (0..<levels).map { level in
        WorstSlab.coverage(own, covered: (0..<whole.count).map { whole.values[$0 * width + features + level] == 1 })
      }
    }
  }

  /// Writes them into a group of figures.
  func write(to group: Group) throws {
    try group.write(coverage, to: "worst_slab_coverage").setAttribute(
      "long_name",
      "coverage by level between the two parallel planes in the space of \(features) numbers of the prediction between "
        + "which it is worst, of a tenth of the pixels or more")
  }
}
