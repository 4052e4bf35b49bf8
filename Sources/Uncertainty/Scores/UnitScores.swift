import MessagePassing

/// The calibration scores of this rank with the unit that each is of: the block, image or group whose pixels are alike.
///
/// With a folder, memory does not grow with the number of scores: a million stay in memory, the others in a file there.
public struct UnitScores: Sendable {
  /// The unit of consecutive scores.
  struct Run: Sendable {
    var unit: Int
    var count: Int
  }

  /// The number of units on all ranks.
  public let units: Int
  /// The scores of this rank.
  public private(set) var count = 0
  private var scoreless = 0
  private var own: [Int64]
  private let folder: String?
  private var file: ScoreFile?
  /// Behind those in the file.
  private var recent: [Float] = []
  private var runs: [Run] = []
  private var change: (@Sendable (Float) -> Float)?

  /// Scores that stay in memory.
  private let most: Int

  /// No scores yet.
  ///
  /// - Parameter folder: where scores go when there are many; nil: all stay in memory.
  public init(units: Int, spillingTo folder: String? = nil) {
    self.init(units: units, spillingTo: folder, keeping: 1 << 20)
  }

  /// The most bytes that so many scores take in lists that spill, with what is read of one of them at a time.
  public static func bytes(of scores: Int, lists: Int) -> Int {
    // Lists grow by doubling.
    min(8 * scores * max(1, lists), lists * 12 << 20) + min(12 * scores, 24 << 20)
  }

  init(units: Int, spillingTo folder: String?, keeping most: Int) {
    (self.units, self.folder, self.most) = (units, folder, most)
    own = Array(repeating: 0, count: units)
  }

  /// Scores of one unit, in memory.
  init(_ scores: some Collection<Float>) {
    self.init(units: 1)
    add(scores, unit: 0)
  }

  /// Adds scores of one unit.
  ///
  /// - Precondition: `unit` is below `units`.
  public mutating func add(_ scores: some Collection<Float>, unit: Int) {
    precondition((0..<units).contains(unit), "unit \(unit) of \(units)")
    precondition(change == nil, "scores that are changed take no others")
    guard !scores.isEmpty else { return }
    let first = recent.count
    recent += scores
    let added = recent.count - first
    for index in first..<recent.count where recent[index].isNaN { scoreless += 1 }
    count += added
    own[unit] += Int64(added)
    if runs.last?.unit == unit {
      runs[runs.count - 1].count += added
    } else {
      runs.append(Run(unit: unit, count: added))
    }
    if let folder, recent.count >= most || runs.count >= most / 4 { spill(to: folder) }
  }

  private mutating func spill(to folder: String) {
    if file == nil {
      file = ScoreFile(in: folder)
    } else if !isKnownUniquelyReferenced(&file) {
      file = file?.copied(to: folder)
    }
    file?.append(runs, recent)
    recent.removeAll(keepingCapacity: true)
    runs.removeAll(keepingCapacity: true)
  }

  /// The same scores, each changed when it is read.
  public func mapped(_ change: @escaping @Sendable (Float) -> Float) -> UnitScores {
    precondition(self.change == nil, "scores are changed once")
    var result = self
    result.change = change
    return result
  }

  /// All scores in the order in which they were added, a run of one unit at a time.
  ///
  /// - Throws: `FileError` when those that are not in memory cannot be read, or could not be written.
  public func forEachRun(_ body: (_ unit: Int, _ scores: UnsafeBufferPointer<Float>) throws -> Void) throws {
    func pass(_ runs: [Run], _ values: [Float]) throws {
      try (change.map(values.map) ?? values).withUnsafeBufferPointer { values in
        var first = 0
        for run in runs {
          try body(run.unit, UnsafeBufferPointer(rebasing: values[first..<first + run.count]))
          first += run.count
        }
      }
    }
    try file?.forEachBlock(pass)
    try pass(runs, recent)
  }

  /// All scores in the order in which they were added, in memory.
  ///
  /// - Throws: as `forEachRun`.
  public var values: [Float] {
    get throws {
      var all: [Float] = []
      try forEachRun { all += $1 }
      return all
    }
  }

  /// Sees that all scores are numbers. Collective.
  ///
  /// - Returns: the scores on all ranks.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks; what `sum` throws.
  @discardableResult
  func requireNumbers(_ sum: IntegerSum) throws -> Int64 {
    var counts = [Int64(scoreless), Int64(count)]
    try sum(&counts)
    guard counts[0] == 0 else { throw UncertaintyError.notANumber(scores: counts[0], of: counts[1]) }
    return counts[1]
  }

  /// Of each unit the scores on all ranks, `[unit]`. Collective.
  ///
  /// - Throws: what `sum` throws.
  func sizes(_ sum: IntegerSum) throws -> [Int64] {
    var sizes = own
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
      for unit in list.own.indices where list.own[unit] > 0 { known[unit] = 1 }
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
    try sumTogether(&above, sum) { above in
      try forEachRun { unit, scores in
        for (index, threshold) in thresholds.enumerated() {
          guard case .score(let threshold) = threshold else { continue }
          above[index * units + unit] += Int64(scores.count { $0 > threshold })
        }
      }
    }
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
