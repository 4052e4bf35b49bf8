import MessagePassing

/// The coverage of each unit by itself: of a block, an image or a group the share of its known pixels whose set or
/// interval holds the truth.
///
/// Everything is counted in integers, so the order of pixels and ranks does not matter.
public struct UnitCoverage: Hashable, Sendable {
  /// The number of coverages.
  public let levels: Int
  /// The number of units.
  public let units: Int
  // Of each unit: known pixels, and of each level covered ones.
  private var counts: [Int64]

  /// No pixels yet.
  public init(levels: Int, units: Int) {
    self.levels = levels
    self.units = units
    counts = Array(repeating: 0, count: units * (levels + 1))
  }

  /// Adds known pixels of a unit.
  public mutating func add(known: Int, unit: Int) { counts[unit * (levels + 1)] += Int64(known) }

  /// Adds covered pixels of a unit, of those that are known.
  public mutating func add(covered: Int, unit: Int, level: Int) {
    counts[unit * (levels + 1) + 1 + level] += Int64(covered)
  }

  /// Adds up what all ranks counted.
  ///
  /// - Throws: what `sum` throws.
  public mutating func reduce(_ sum: IntegerSum) throws { try sum(&counts) }

  /// Adds up what all ranks of a communicator counted. Collective.
  ///
  /// - Throws: `MPIError`.
  public mutating func reduce(over communicator: Communicator) throws { try reduce(communicator.integerSum) }

  /// The coverage of a unit; NaN when nothing is known of it.
  public func coverage(level: Int, unit: Int) -> Double {
    let first = unit * (levels + 1)
    return Double(counts[first + 1 + level]) / Double(counts[first])
  }

  /// The known units' coverages in ascending order.
  private func sorted(level: Int) -> [Double] {
    (0..<units).map { coverage(level: level, unit: $0) }.filter(\.isFinite).sorted()
  }

  /// The number of units with known pixels.
  public var known: Int { (0..<units).count { counts[$0 * (levels + 1)] > 0 } }

  /// The mean of the units' coverages; NaN without known units.
  public func mean(level: Int) -> Double {
    let known = (0..<units).map { coverage(level: level, unit: $0) }.filter(\.isFinite)
    return known.reduce(0, +) / Double(known.count)
  }

  /// The lowest coverage of a unit; NaN without known units.
  public func lowest(level: Int) -> Double { sorted(level: level).first ?? .nan }

  /// The coverage that nine of ten units reach: of n units the ⌈n ÷ 10⌉-th lowest; NaN without known units.
  public func lowestTenth(level: Int) -> Double {
    let all = sorted(level: level)
    return all.isEmpty ? .nan : all[(all.count + 9) / 10 - 1]
  }

  /// The mean over units of |coverage − level| (CovGap; Ding et al., arXiv 2306.09335, section 3); NaN without known
  /// units.
  public func gap(level: Int, to coverage: Coverage) -> Double {
    let known = sorted(level: level)
    return known.reduce(0) { $0 + abs($1 - coverage.value) } / Double(known.count)
  }
}
