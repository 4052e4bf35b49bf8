/// The calibration units that tune what scores depend on (temperature, λ and k), and do not calibrate: what is tuned is then
/// independent of calibration units, and what levels promise stays true.
public struct TuningPart: Sendable {
  /// `[unit]`; nil: pixels are drawn one by one.
  private let units: [Bool]?
  /// Below which random numbers pixels tune.
  private let limit: UInt64

  /// The share of units that tunes unless a job says otherwise.
  public static let standardShare = 0.2

  /// A share of units, at least one, or of pixels; always the same of as many.
  public init(share: Double, ofUnits count: Int?) {
    limit = UInt64(share * 0x1p32) << 32
    units = count.map { count in
      let order = (0..<count).sorted { Self.key($0, 0) < Self.key($1, 0) }
      let chosen = Set(order.prefix(max(1, Int((share * Double(count)).rounded()))))
      return (0..<count).map(chosen.contains)
    }
  }

  private static func key(_ region: Int, _ place: Int) -> UInt64 {
    CalibrationSample.key(region: Int32(region), place: Int64(place), purpose: 1)
  }

  /// Whether a pixel tunes.
  public func holds(unit: Int, region: Int, place: Int) -> Bool {
    units?[unit] ?? (Self.key(region, place) < limit)
  }

  /// The number of units that tune; nil of pixels.
  public var count: Int? { units?.count { $0 } }
}

extension CalibrationSample {
  /// The temperature with the best likelihood of the sample's labels.
  ///
  /// - Precondition: the sample is of probabilities.
  public var fittedTemperature: Double {
    TemperatureScaling.fitted(values, labels: truths.map { Int($0) }, classes: width)
  }

  /// λ and k tuned on the sample, its probabilities taken at a temperature.
  ///
  /// - Throws: `UncertaintyError.notANumber`.
  public func tunedRegularization(
    _ method: ConformalMethod, temperature: Double, coverage: Coverage, penalty: Float?, free: Int?
  ) throws -> SetRegularization {
    return try SetRegularization.tuned(
      method, scaled(by: temperature).values, labels: truths.map { Int($0) }, classes: width, coverage: coverage,
      penalty: penalty, free: free)
  }
}

// MARK: Another tuning part

extension CalibrationSample {
  /// A pixel of one of two samples.
  public struct Origin: Hashable, Sendable {
    /// Whether it is of the second.
    public var isOfSecond: Bool
    /// Its place in the sample.
    public var index: Int

    /// A pixel of a sample.
    public init(isOfSecond: Bool, index: Int) { (self.isOfSecond, self.index) = (isOfSecond, index) }
  }

  /// The pixels of two samples of one calibration part, none of which is in both, divided anew.
  ///
  /// Where a sample is not whole, pixels with keys above the largest of its own are left out of the other, too, so that
  /// both together are a random sample of all pixels.
  ///
  /// - Parameter isOfSecond: whether a pixel belongs to the second of the new samples.
  /// - Returns: the pixels of each, in the order of regions and places.
  public static func divided(
    _ first: CalibrationSample, _ second: CalibrationSample, _ isOfSecond: (Origin) -> Bool
  ) -> (first: [Origin], second: [Origin]) {
    let limit = [first, second].filter { !$0.isWhole }.compactMap(\.largestKey).min() ?? .max
    func origins(_ sample: CalibrationSample, _ isOfSecond: Bool) -> [(region: Int32, place: Int64, Origin)] {
      (0..<sample.count).filter { key(region: sample.regions[$0], place: sample.places[$0]) <= limit }.map {
        (sample.regions[$0], sample.places[$0], Origin(isOfSecond: isOfSecond, index: $0))
      }
    }
    let all = (origins(first, false) + origins(second, true)).sorted { ($0.region, $0.place) < ($1.region, $1.place) }
      .map { $0.2 }
    return (all.filter { !isOfSecond($0) }, all.filter(isOfSecond))
  }

  private var largestKey: UInt64? {
    (0..<count).map { Self.key(region: regions[$0], place: places[$0]) }.max()
  }

  /// Pixels of two samples of one width.
  ///
  /// - Parameter offered: the pixels that there were to choose from.
  public init(_ pixels: [Origin], of first: CalibrationSample, _ second: CalibrationSample, offered: Int64) {
    func all<Number>(_ path: KeyPath<CalibrationSample, [Number]>) -> [Number] {
      pixels.map { ($0.isOfSecond ? second : first)[keyPath: path][$0.index] }
    }
    let values = pixels.flatMap { ($0.isOfSecond ? second : first).numbers(of: $0.index) }
    self.init(
      values: values, truths: all(\.truths), regions: all(\.regions), places: all(\.places), offered: offered)
  }

  private func numbers(of pixel: Int) -> ArraySlice<Float> { values[pixel * width..<(pixel + 1) * width] }

  /// Its probabilities at another temperature.
  ///
  /// - Parameter present: the temperature that they are at.
  /// - Precondition: the sample is of probabilities.
  public func scaled(by temperature: Double, from present: Double = 1) -> CalibrationSample {
    guard temperature != present else { return self }
    let values = (0..<count).flatMap {
      TemperatureScaling.scaled(Array(numbers(of: $0)), by: temperature, from: present)
    }
    return CalibrationSample(values: values, truths: truths, regions: regions, places: places, offered: offered)
  }
}
