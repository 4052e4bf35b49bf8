import Host

#if canImport(Glibc)
  import Glibc
#endif

/// The first four moments over members, element by element, without keeping the members: skewness, kurtosis and
/// quantiles of an ensemble, or its geometric mean and deviation.
///
/// Members are added one after the other (Pébay, Sandia report 2008-6212, eqs. 2.1 to 2.4); the result depends on
/// their order in the last bits, so add them in member order. Where a statistic has no meaning (too few members, all
/// alike) it is NaN.
public final class MemberMoments {
  /// Values, or their logarithms.
  public enum Subject: Hashable, Sendable {
    case values
    /// Of the natural logarithm, for geometric statistics.
    case logarithms
  }

  /// What moments are taken of.
  public let subject: Subject
  /// The number of elements of a member.
  public let count: Int
  /// The number of members so far.
  public private(set) var members = 0
  private let mean: AlignedBuffer<Double>
  // Sums of powers of deviations from the mean.
  private let squares: AlignedBuffer<Double>
  private let cubes: AlignedBuffer<Double>
  private let fourths: AlignedBuffer<Double>

  /// Moments of arrays of `count` elements.
  public init(of subject: Subject = .values, count: Int) {
    self.subject = subject
    self.count = count
    mean = AlignedBuffer(count: count)
    squares = AlignedBuffer(count: count)
    cubes = AlignedBuffer(count: count)
    fourths = AlignedBuffer(count: count)
  }

  /// Forgets all members, for the next tile.
  public func reset() {
    members = 0
    for buffer in [mean, squares, cubes, fourths] { buffer.buffer.update(repeating: 0) }
  }

  /// Adds one more member of `count` elements. With a team, in pieces that its size does not change.
  public func add(_ member: UnsafePointer<Float>, team: ThreadTeam? = nil) {
    members += 1
    let n = Double(members)
    forEachPiece(of: count, team: team) { [subject, mean, squares, cubes, fourths] first, count in
      for i in first..<(first + count) {
        let value = subject == .values ? Double(member[i]) : log(Double(member[i]))
        let delta = value - mean.pointer[i]
        let step = delta / n
        let square = step * step
        let term = delta * step * (n - 1)
        mean.pointer[i] += step
        fourths.pointer[i] +=
          term * square * (n * n - 3 * n + 3) + 6 * square * squares.pointer[i] - 4 * step * cubes.pointer[i]
        cubes.pointer[i] += term * step * (n - 2) - 3 * step * squares.pointer[i]
        squares.pointer[i] += term
      }
    }
  }

  /// Adds one more member of `count` elements.
  public func add(_ member: [Float]) {
    precondition(member.count == count, "a member has \(member.count) elements instead of \(count)")
    member.withUnsafeBufferPointer { if let first = $0.baseAddress { add(first) } }
  }

  /// The mean, of logarithms the geometric one.
  public func writeMean(to result: UnsafeMutablePointer<Float>) { write(to: result) { Float(self.average($0)) } }

  /// The sample standard deviation (divisor members − 1); of logarithms exp of theirs, the geometric standard
  /// deviation, a factor.
  public func writeStandardDeviation(to result: UnsafeMutablePointer<Float>) {
    write(to: result) { i in
      let deviation = self.deviation(i)
      return Float(self.subject == .values ? deviation : exp(deviation))
    }
  }

  /// The unbiased skewness G₁ (Joanes and Gill, doi:10.1111/1467-9884.00122), as `scipy.stats.skew(bias=False)`; from
  /// 3 members on.
  public func writeSkewness(to result: UnsafeMutablePointer<Float>) { write(to: result) { Float(self.skewness($0)) } }

  /// The unbiased excess kurtosis G₂, as `scipy.stats.kurtosis(bias=False)`; from 4 members on.
  public func writeKurtosis(to result: UnsafeMutablePointer<Float>) { write(to: result) { Float(self.kurtosis($0)) } }

  /// The quantile of a distribution with these four moments (Cornish and Fisher, doi:10.2307/1400905): mean + z·std
  /// with z the normal quantile corrected for skewness and kurtosis. Where members are all alike it is their value.
  ///
  /// - Parameter probability: between 0 and 1.
  public func writeQuantile(_ probability: Double, to result: UnsafeMutablePointer<Float>) {
    let z = normalQuantile(probability)
    write(to: result) { i in
      let deviation = self.deviation(i)
      guard deviation > 0 else { return Float(deviation.isNaN ? .nan : self.average(i)) }
      let (s, k) = (self.skewness(i), self.kurtosis(i))
      let adjusted =
        z + (z * z - 1) * s / 6 + (z * z * z - 3 * z) * k / 24 - (2 * z * z * z - 5 * z) * s * s / 36
      let value = self.mean.pointer[i] + adjusted * deviation
      return Float(self.subject == .values ? value : exp(value))
    }
  }

  private func write(to result: UnsafeMutablePointer<Float>, _ statistic: (Int) -> Float) {
    for i in 0..<count { result[i] = statistic(i) }
  }

  private func average(_ i: Int) -> Double {
    guard members > 0 else { return .nan }
    return subject == .values ? mean.pointer[i] : exp(mean.pointer[i])
  }

  private func deviation(_ i: Int) -> Double {
    members > 1 ? (squares.pointer[i] / Double(members - 1)).squareRoot() : .nan
  }

  private func skewness(_ i: Int) -> Double {
    let n = Double(members)
    let variance = squares.pointer[i] / n
    guard members > 2, variance > 0 else { return .nan }
    return (n * (n - 1)).squareRoot() / (n - 2) * (cubes.pointer[i] / n) / (variance * variance.squareRoot())
  }

  private func kurtosis(_ i: Int) -> Double {
    let n = Double(members)
    let variance = squares.pointer[i] / n
    guard members > 3, variance > 0 else { return .nan }
    let excess = fourths.pointer[i] / n / (variance * variance) - 3
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6)
  }
}

/// The number that a standard normal variable stays below with this probability.
///
/// Newton's method on the complementary error function from the centre, where it approaches the root from one side.
func normalQuantile(_ probability: Double) -> Double {
  precondition(probability > 0 && probability < 1, "a probability between 0 and 1")
  let tail = min(probability, 1 - probability)
  var z = 0.0
  for _ in 0..<100 {
    let step = (erfc(z / 2.0.squareRoot()) / 2 - tail) * (2 * Double.pi).squareRoot() * exp(z * z / 2)
    z += step
    if abs(step) <= 1e-15 * max(1, z) { break }
  }
  return probability < 0.5 ? -z : z
}
