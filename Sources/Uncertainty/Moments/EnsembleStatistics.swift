/// Computes the maps of a tile while its members come one after another.
public final class EnsembleStatistics {
  private let section: StatisticsSection
  /// Values of each pixel: classes, or channels of the value itself.
  private let channels: Int
  /// The quantiles that members answer with; fewer than 2: they answer with values alone.
  private let answered: [Double]
  /// Whether the mean that maps are told of is that of all members alike.
  private let isPlain: Bool
  private var count = 0
  private var moments: MemberMoments?
  private var logarithms: MemberMoments?
  private var entropies: EntropySplit?
  private var widths: MemberMoments?
  /// `[member, value]`
  private var members: [[Float]] = []

  /// Statistics of tiles of any size.
  ///
  /// - Parameters:
  ///   - channels: of an answer's value.
  ///   - quantiles: that members answer with; empty when they answer with values alone.
  ///   - isPlain: whether the mean that `maps` is told is that of all members alike. Else members are weighted, say: `kept`
  ///     and `standard-error` are of that mean and spread, all others of all members alike.
  public init(_ section: StatisticsSection, channels: Int, quantiles: [Double], isPlain: Bool = true) {
    (self.section, self.channels, answered, self.isPlain) = (section, channels, quantiles, isPlain)
  }

  private func needs(_ any: EnsembleStatistic...) -> Bool { any.contains(where: section.maps.contains) }

  private func begin(_ count: Int) {
    if self.count != count {
      self.count = count
      moments = MemberMoments(count: count)
      logarithms = needs(.geometricMean, .geometricSpread) ? MemberMoments(of: .logarithms, count: count) : nil
      entropies = needs(.entropy) ? EntropySplit(classes: channels, pixels: count / channels) : nil
      widths = needs(.variances) && answered.count > 1 ? MemberMoments(count: count) : nil
    }
    moments?.reset()
    logarithms?.reset()
    entropies?.reset()
    widths?.reset()
    members.removeAll(keepingCapacity: true)
  }

  /// Adds what a member says of a tile; the first begins a new tile.
  ///
  /// - Parameter answer: `[quantile, channel, voxel]`.
  public func add(_ answer: UnsafeBufferPointer<Float>, of member: Int) {
    let size = answer.count / max(1, answered.count)
    if member == 0 { begin(size) }
    guard let first = answer.baseAddress else { return }
    let value = first + answered.count / 2 * size
    moments?.add(value)
    logarithms?.add(value)
    entropies?.add(value)
    if needs(.quantiles) { members.append(Array(UnsafeBufferPointer(start: value, count: size))) }
    guard let widths, let low = answered.first, let high = answered.last else { return }
    let distance = Float(normalQuantile(high) - normalQuantile(low))
    let last = first + answer.count - size
    widths.add((0..<size).map { (last[$0] - first[$0]) / distance * ((last[$0] - first[$0]) / distance) })
  }

  /// The maps of the tile, in the order of `StatisticsSection.datasets`.
  ///
  /// - Parameters:
  ///   - mean: of the members' values, `[channel, voxel]`, as is their `deviation`.
  public func maps(mean: UnsafeBufferPointer<Float>, deviation: UnsafeBufferPointer<Float>) -> [[Float]] {
    func written(_ count: Int, _ write: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
      [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        if let first = buffer.baseAddress { write(first) }
        initialized = count
      }
    }
    func map(_ map: StatisticsSection.Map) -> [Float] {
      switch map.statistic {
      case .geometricMean: return written(count) { logarithms?.writeMean(to: $0) }
      case .geometricSpread: return written(count) { logarithms?.writeStandardDeviation(to: $0) }
      case .skewness: return written(count) { moments?.writeSkewness(to: $0) }
      case .kurtosis: return written(count) { moments?.writeKurtosis(to: $0) }
      case .cornishFisher:
        return section.quantiles.flatMap { level in written(count) { moments?.writeQuantile(level, to: $0) } }
      case .quantiles: return empirical()
      case .entropy:
        let pixels = count / channels
        var total = [Float](repeating: 0, count: pixels)
        var (aleatoric, epistemic) = (total, total)
        let own = isPlain ? Array(mean) : written(count) { moments?.writeMean(to: $0) }
        entropies?.write(mean: own, total: &total, aleatoric: &aleatoric, epistemic: &epistemic)
        return map.part == 0 ? total : map.part == 1 ? aleatoric : epistemic
      case .variances:
        let aleatoric = written(count) { widths?.writeMean(to: $0) }
        let epistemic = deviation.map { $0 * $0 }
        return map.part == 1 ? aleatoric : map.part == 2 ? epistemic : zip(aleatoric, epistemic).map(+)
      case .standardError:
        let root = Float(moments?.members ?? 1).squareRoot()
        return deviation.map { $0 / root }
      case .kept:
        return zip(mean, deviation).map {
          Double($0) - section.deviations * Double($1) > section.above ? 1 : 0
        }
      }
    }
    return section.datasets.map(map)
  }

  /// Of each wanted quantile the values between the members' order statistics (type 7 of Hyndman and Fan,
  /// doi:10.1080/00031305.1996.10473566, as NumPy's).
  private func empirical() -> [Float] {
    var result = [Float](repeating: 0, count: section.quantiles.count * count)
    var sorted = [Float](repeating: 0, count: members.count)
    for i in 0..<count {
      for member in members.indices { sorted[member] = members[member][i] }
      sorted.sort()
      for (place, quantile) in section.quantiles.enumerated() {
        let position = quantile * Double(sorted.count - 1)
        let (below, rest) = (Int(position), position - position.rounded(.down))
        let above = min(below + 1, sorted.count - 1)
        result[place * count + i] = Float(Double(sorted[below]) + rest * Double(sorted[above] - sorted[below]))
      }
    }
    return result
  }
}
