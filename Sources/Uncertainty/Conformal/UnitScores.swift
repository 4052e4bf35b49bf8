import MessagePassing

/// The calibration scores of this rank with the unit that each is of: the block, image or group whose pixels are alike.
public struct UnitScores: Sendable {
  /// The number of units on all ranks.
  public let units: Int
  /// In the order in which they were added.
  public private(set) var values: [Float] = []
  /// The units of consecutive values.
  private(set) var runs: [(unit: Int, count: Int)] = []

  /// No scores yet.
  public init(units: Int) { self.units = units }

  /// Adds scores of one unit.
  ///
  /// - Precondition: `unit` is below `units`.
  public mutating func add(_ scores: some Collection<Float>, unit: Int) {
    precondition((0..<units).contains(unit), "unit \(unit) of \(units)")
    guard !scores.isEmpty else { return }
    values += scores
    if runs.last?.unit == unit { runs[runs.count - 1].count += scores.count } else { runs.append((unit, scores.count)) }
  }

  /// The same scores, each changed.
  public func mapped(_ change: (Float) -> Float) -> UnitScores {
    var result = self
    result.values = values.map(change)
    return result
  }

  /// Sees that all scores are numbers. Collective.
  ///
  /// - Throws: `UncertaintyError.notANumber`, on all ranks; what `sum` throws.
  func requireNumbers(_ sum: IntegerSum) throws {
    var counts = [Int64(values.count { $0.isNaN }), Int64(values.count)]
    try sum(&counts)
    guard counts[0] == 0 else { throw UncertaintyError.notANumber(scores: counts[0], of: counts[1]) }
  }

  /// Of each unit the scores on all ranks, `[unit]`. Collective.
  ///
  /// - Throws: what `sum` throws.
  func sizes(_ sum: IntegerSum) throws -> [Int64] {
    var sizes = [Int64](repeating: 0, count: units)
    for run in runs { sizes[run.unit] += Int64(run.count) }
    try sum(&sizes)
    return sizes
  }

  /// The units that have scores in any of some lists. Collective.
  ///
  /// - Throws: what `sum` throws.
  public static func knownUnits(_ lists: [UnitScores], sum: IntegerSum) throws -> Int64 {
    guard let count = lists.map(\.units).max() else { return 0 }
    var known = [Int64](repeating: 0, count: count)
    for list in lists {
      for run in list.runs { known[run.unit] = 1 }
    }
    try sum(&known)
    return Int64(known.count { $0 > 0 })
  }

  /// As how many independent scores these count for each threshold: the number that gives the share of scores above the
  /// threshold the same variance, when the units are independent and the scores of one are not. Collective.
  ///
  /// The variance of the share is that of a ratio of sums over units (Cochran, *Sampling Techniques*, eq. 6.13; the ratio
  /// to the variance of independent scores is Kish's design effect).
  ///
  /// - Returns: of each threshold a number from 1 to that of the scores; nil where no score or every score is above it,
  ///   or where there is only one unit.
  /// - Throws: what `sum` throws.
  public func effectiveCounts(_ thresholds: [ConformalThreshold], sum: IntegerSum) throws -> [Double?] {
    let sizes = try sizes(sum)
    var above = [Int64](repeating: 0, count: units * thresholds.count)
    for (index, threshold) in thresholds.enumerated() {
      guard case .score(let threshold) = threshold else { continue }
      var first = 0
      for run in runs {
        above[index * units + run.unit] += Int64(values[first..<first + run.count].count { $0 > threshold })
        first += run.count
      }
    }
    try sum(&above)
    let (all, known) = (Double(sizes.reduce(0, +)), Double(sizes.count { $0 > 0 }))
    return thresholds.indices.map { index in
      let own = above[index * units..<(index + 1) * units]
      let share = Double(own.reduce(0, +)) / all
      guard known > 1, share > 0, share < 1 else { return nil }
      let squares = zip(own, sizes).reduce(0.0) { sum, unit in
        let difference = Double(unit.0) - share * Double(unit.1)
        return sum + difference * difference
      }
      let variance = squares * known / (known - 1) / (all * all)
      return variance > 0 ? min(all, max(1, share * (1 - share) / variance)) : all
    }
  }
}
