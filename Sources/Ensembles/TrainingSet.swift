import Imaging
import Tensors

/// The training part of a data set in memory, and the units that bootstrap samples draw from it.
public struct TrainingSet: Sendable {
  public let regions: [LabelledRegion]
  public let units: TrainingUnits

  /// - Parameter regions: as many as the units were made of, in their order.
  public init(regions: [LabelledRegion], units: TrainingUnits) {
    precondition(
      units.units.joined().allSatisfy { $0.region < regions.count }, "units of regions that are not there")
    self.regions = regions
    self.units = units
  }

  /// Reads the training part of a data set.
  ///
  /// - Throws: `ImagingError` when the patch does not fit or the data are not what they should be, `HDF5Error`.
  public init(_ data: LabelledImages, scaling: IntensityScaling, patch: Extents) throws {
    units = try TrainingUnits(regions: data.split.train, patch: patch, of: data.images)
    regions = try data.split.train.map { try data.load($0, scaling: scaling) }
  }

  public var channels: Int { regions.first?.channels ?? 0 }

  /// The bytes that images and labels of these regions take in memory.
  public static func bytes(of regions: [Region], channels: Int) -> Int {
    regions.reduce(0) { $0 + (4 * channels + 1) * $1.extents.count }
  }

  /// The units that a member sees: a bootstrap sample of them, or all.
  public func sample(seed: UInt64, member: Int, bagging: Bool) -> Bag {
    let count = units.units.count
    guard bagging else { return Bag(drawn: Array(0..<count), outOfBag: []) }
    var stream = RandomStream(seed: seed, purpose: .bootstrap, keys: UInt64(member))
    let bootstrap = Bootstrap(units: count, from: &stream)
    return Bag(drawn: bootstrap.drawn, outOfBag: bootstrap.outOfBag)
  }
}

/// The training units of a member.
public struct Bag: Hashable, Sendable {
  /// The units that the member is trained with; one drawn twice stands twice.
  public var drawn: [Int]
  /// The units that it never sees, ascending.
  public var outOfBag: [Int]

  public init(drawn: [Int], outOfBag: [Int]) {
    self.drawn = drawn
    self.outOfBag = outOfBag
  }
}
