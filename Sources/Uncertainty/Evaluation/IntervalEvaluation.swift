/// Coverage and mean width of prediction intervals at each level, over known values.
public struct IntervalEvaluation: Hashable, Sendable {
  // Of each level: values, covered values.
  private var counts: [Int64]
  private var widths: [Double]

  /// No values yet.
  public init(levels: Int) {
    counts = Array(repeating: 0, count: 2 * levels)
    widths = Array(repeating: 0, count: levels)
  }

  /// Adds the values of one level.
  ///
  /// - Parameter weights: values of weight 0 do not count.
  public mutating func add(
    lower: UnsafePointer<Float>, upper: UnsafePointer<Float>, truth: UnsafePointer<Float>, count: Int, level: Int,
    weights: UnsafePointer<Float>? = nil
  ) {
    var width = 0.0
    for i in 0..<count where weights?[i] != 0 {
      counts[2 * level] += 1
      if lower[i] <= truth[i] && truth[i] <= upper[i] { counts[2 * level + 1] += 1 }
      width += Double(max(upper[i] - lower[i], 0))
    }
    widths[level] += width
  }

  /// All that is counted as numbers, of each level three: to send to other ranks, exact below 2⁵³ values.
  public var numbers: [Double] {
    widths.indices.flatMap { [Double(counts[2 * $0]), Double(counts[2 * $0 + 1]), widths[$0]] }
  }

  /// The evaluation that `numbers` is of.
  public init(numbers: some Collection<Double>) {
    let numbers = Array(numbers)
    precondition(numbers.count.isMultiple(of: 3), "three numbers a level")
    self.init(levels: numbers.count / 3)
    for level in widths.indices {
      counts[2 * level] = Int64(numbers[3 * level])
      counts[2 * level + 1] = Int64(numbers[3 * level + 1])
      widths[level] = numbers[3 * level + 2]
    }
  }

  /// Adds what another evaluation counted. The sum of widths depends on the order in its last bits: merge in a fixed
  /// one.
  public mutating func merge(_ other: IntervalEvaluation) {
    precondition(other.widths.count == widths.count, "evaluations of other levels")
    for i in counts.indices { counts[i] += other.counts[i] }
    for i in widths.indices { widths[i] += other.widths[i] }
  }

  /// Values of a level.
  public func values(level: Int) -> Int64 { counts[2 * level] }

  /// The share of values in their interval; NaN without values.
  public func coverage(level: Int) -> Double { Double(counts[2 * level + 1]) / Double(counts[2 * level]) }

  /// The mean width of intervals; NaN without values.
  public func meanWidth(level: Int) -> Double { widths[level] / Double(counts[2 * level]) }
}
