import Host

/// What an ensemble said of calibration pixels and what is true of them: of all, or of a random sample of bounded size.
/// Thresholds of another method, level or unit follow from it without predicting again.
///
/// A sample is kept where there are more pixels than a file shall hold. Which pixels it holds is a function of their places
/// alone, so pixels of a sample are as exchangeable with new ones as all pixels are, and the promise of the levels is the
/// same; thresholds scatter a little. The pixels with the lowest of random keys are kept, in whole bins of keys, so the
/// sample does not depend on how pixels are spread over ranks.
public struct CalibrationSample: Sendable, Hashable {
  /// Numbers of each pixel besides the truth: its probabilities, or what scores of values need.
  public let width: Int
  /// The most pixels that are kept.
  public let capacity: Int
  /// `[pixel, width]`
  public private(set) var values: [Float] = []
  /// The label, or the true value.
  public private(set) var truths: [Float] = []
  /// The region that each pixel is of.
  public private(set) var regions: [Int32] = []
  /// Where it is in the region.
  public private(set) var places: [Int64] = []
  /// The pixels that were there to choose from.
  public private(set) var offered: Int64 = 0
  private var limit = UInt64.max

  /// No pixels yet.
  ///
  /// - Parameter capacity: nil: as many as make about 8 MiB, at most 131 072.
  public init(width: Int, capacity: Int? = nil) {
    self.width = width
    self.capacity = capacity ?? min(131_072, max(1024, (8 << 20) / (4 * (width + 4))))
  }

  /// A sample as a file has it.
  public init(values: [Float], truths: [Float], regions: [Int32], places: [Int64], offered: Int64) {
    self.init(width: truths.isEmpty ? 1 : values.count / truths.count)
    (self.values, self.truths, self.regions, self.places, self.offered) = (values, truths, regions, places, offered)
  }

  /// The number of pixels that it holds.
  public var count: Int { truths.count }

  /// Whether it holds every pixel.
  public var isWhole: Bool { Int64(count) == offered }

  /// Offers a pixel.
  ///
  /// - Parameters:
  ///   - place: of the region's pixels; of several channels, each is a pixel of its own.
  ///   - values: `width` numbers, `stride` floats apart.
  public mutating func add(region: Int, place: Int, truth: Float, values: UnsafePointer<Float>, stride: Int = 1) {
    add(region: region, place: place, truth: truth) { values[$0 * stride] }
  }

  /// Offers a pixel whose numbers are asked for where it is taken.
  public mutating func add(region: Int, place: Int, truth: Float, value: (_ index: Int) -> Float) {
    offered += 1
    guard Self.key(region: Int32(region), place: Int64(place)) < limit else { return }
    for index in 0..<width { self.values.append(value(index)) }
    truths.append(truth)
    regions.append(Int32(region))
    places.append(Int64(place))
    if count > 2 * capacity + 1024 { prune() }
  }

  /// A random number of a place.
  ///
  /// - Parameter purpose: of which numbers; those of one are independent of another's.
  static func key(region: Int32, place: Int64, purpose: UInt32 = 0) -> UInt64 {
    let counter = SIMD4(
      UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: place >> 32), UInt32(bitPattern: region), purpose)
    let block = Philox.block(counter: counter, key: SIMD2(0x5341_4D50, 0x4C45_0001))
    return UInt64(block[0]) | UInt64(block[1]) << 32
  }

  private static let binBits: UInt64 = 48
  private static let bins = 1 << 16

  /// The pixels by the upper bits of their keys.
  private var histogram: [Int64] {
    var counts = [Int64](repeating: 0, count: Self.bins)
    for index in 0..<count { counts[Int(Self.key(region: regions[index], place: places[index]) >> Self.binBits)] += 1 }
    return counts
  }

  /// Leaves out bins of keys that cannot be among the lowest of all ranks.
  private mutating func prune() {
    var before: Int64 = 0
    for (bin, own) in histogram.enumerated() {
      guard before <= Int64(capacity) else { return keep(below: UInt64(bin) << Self.binBits) }
      before += own
    }
  }

  private mutating func keep(below limit: UInt64) {
    self.limit = limit
    let old = self
    (values, truths, regions, places) = ([], [], [], [])
    for index in 0..<old.count where Self.key(region: old.regions[index], place: old.places[index]) < limit {
      take(old, index)
    }
  }

  private mutating func take(_ other: CalibrationSample, _ index: Int) {
    values += other.values[index * width..<(index + 1) * width]
    truths.append(other.truths[index])
    regions.append(other.regions[index])
    places.append(other.places[index])
  }

  /// Leaves out what is too much on all ranks together. Collective.
  ///
  /// - Parameter sum: adds integers over the ranks; called once.
  /// - Throws: what `sum` throws.
  public mutating func trim(sum: IntegerSum) throws {
    var counts = histogram + [offered]
    try sum(&counts)
    let all = counts.removeLast()
    offered = all
    var kept: Int64 = 0
    for (bin, own) in counts.enumerated() {
      kept += own
      if kept > Int64(capacity) { return keep(below: UInt64(bin) << Self.binBits) }
    }
  }

  /// The ranks' samples as one, in the order of regions and places.
  ///
  /// - Parameter parts: trimmed, of one width.
  public init(joining parts: [CalibrationSample]) {
    self.init(width: parts[0].width, capacity: parts[0].capacity)
    offered = parts[0].offered
    var order: [(region: Int32, place: Int64, part: Int, index: Int)] = []
    for (part, sample) in parts.enumerated() {
      for index in 0..<sample.count { order.append((sample.regions[index], sample.places[index], part, index)) }
    }
    order.sort { ($0.region, $0.place) < ($1.region, $1.place) }
    for pixel in order { take(parts[pixel.part], pixel.index) }
  }
}

extension CalibrationSample {
  /// The scores of the labels by a method of classes: one list, or one a class.
  ///
  /// - Parameters:
  ///   - units: of each pixel the unit that it is of.
  ///   - count: of units.
  /// - Precondition: the sample is of probabilities, and every truth is one of the classes.
  public func classScores(_ method: ConformalMethod, units: [Int], of count: Int, byClass: Bool) -> [UnitScores] {
    let score = method.requiredClassScore
    var result = [UnitScores](repeating: UnitScores(units: count), count: byClass ? width : 1)
    values.withUnsafeBufferPointer { values in
      guard let first = values.baseAddress else { return }
      for index in truths.indices {
        let label = Int(truths[index])
        let own = score.score(label, first + index * width, stride: 1, classes: width)
        result[byClass ? label : 0].add(CollectionOfOne(own), unit: units[index])
      }
    }
    return result
  }

  /// The numbers of a value that a sample of values keeps: mean, spread, outer quantiles and unit.
  public static let valueWidth = 5

  /// The scores of the truths by a method of values.
  ///
  /// - Precondition: the sample is of values.
  public func valueScores(_ method: ConformalMethod, units: [Int], of count: Int) -> UnitScores {
    let score = method.requiredValueScore
    var result = UnitScores(units: count)
    for index in truths.indices {
      let own = Array(values[index * width..<(index + 1) * width])
      let numbers = score.numbers(
        of: PredictedValue(mean: own[0], spread: own[1], lower: own[2], upper: own[3], unit: own[4]))
      let truth = truths[index] / score.divisor(unit: own[4])
      result.add(CollectionOfOne(score.score(truth, numbers.first, numbers.second)), unit: units[index])
    }
    return result
  }
}
