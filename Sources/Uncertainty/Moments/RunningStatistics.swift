import CKernels
import Host

/// Mean and standard deviation over members, element by element, without keeping the members.
///
/// Members are added one after the other by Welford's update (doi:10.1080/00401706.1962.10490022); the result depends
/// on their order in the last bits, so add them in member order.
public final class RunningStatistics {
  /// The number of members so far.
  public private(set) var members = 0
  /// The number of elements of a member.
  public let count: Int
  /// The mean over the members, zero before the first one.
  public let mean: AlignedBuffer<Float>
  /// The sums of squared deviations from the mean.
  public let squaredDeviations: AlignedBuffer<Float>

  /// Statistics of arrays of `count` elements.
  public init(count: Int) {
    self.count = count
    mean = AlignedBuffer(count: count)
    squaredDeviations = AlignedBuffer(count: count)
  }

  /// Forgets all members, for the next tile.
  public func reset() {
    members = 0
    mean.buffer.update(repeating: 0)
    squaredDeviations.buffer.update(repeating: 0)
  }

  /// Adds one more member of `count` elements. With a team, in pieces that its size does not change.
  public func add(_ member: UnsafePointer<Float>, team: ThreadTeam? = nil) {
    members += 1
    let n = Float(members)
    forEachPiece(of: count, team: team) { [mean, squaredDeviations] first, count in
      tutti_welford(member + first, mean.pointer + first, squaredDeviations.pointer + first, count, n)
    }
  }

  /// Adds some elements of a member with a weight (West, doi:10.1145/359146.359153).
  ///
  /// - Parameter sum: of the weights of these elements so far, with this one.
  func add(
    _ member: UnsafePointer<Float>, _ elements: Range<Int>, weight: Double, sum: Double, team: ThreadTeam? = nil
  ) {
    let (share, weight) = (Float(weight / sum), Float(weight))
    let (mean, squares) = (mean.pointer, squaredDeviations.pointer)
    forEachPiece(of: elements.count, team: team) { first, count in
      for i in elements.lowerBound + first..<elements.lowerBound + first + count {
        let delta = member[i] - mean[i]
        mean[i] += share * delta
        squares[i] += weight * delta * (member[i] - mean[i])
      }
    }
  }

  /// Adds one more member of `count` elements.
  public func add(_ member: [Float]) {
    precondition(member.count == count, "a member has \(member.count) elements instead of \(count)")
    member.withUnsafeBufferPointer { if let first = $0.baseAddress { add(first) } }
  }

  /// Adds the members of `other` after the own ones (Chan, Golub and LeVeque, doi:10.1080/00031305.1983.10483115, eq.
  /// 2.1).
  public func merge(_ other: RunningStatistics) {
    precondition(other.count == count, "merged statistics have \(other.count) elements instead of \(count)")
    guard other.members > 0 else { return }
    let total = members + other.members
    let share = Float(Double(other.members) / Double(total))
    let weight = Float(Double(members) * Double(other.members) / Double(total))
    let (a, b) = (mean.pointer, other.mean.pointer)
    let (m2, otherM2) = (squaredDeviations.pointer, other.squaredDeviations.pointer)
    for i in 0..<count {
      let delta = b[i] - a[i]
      a[i] += delta * share
      m2[i] += otherM2[i] + delta * delta * weight
    }
    members = total
  }

  /// Writes the sample standard deviation (divisor members − 1) of every element; NaN for less than two members.
  public func writeStandardDeviation(to result: UnsafeMutablePointer<Float>) {
    guard members > 1 else {
      result.update(repeating: .nan, count: count)
      return
    }
    let divisor = Float(members - 1)
    for i in 0..<count { result[i] = (squaredDeviations.pointer[i] / divisor).squareRoot() }
  }

  /// The sample standard deviation of every element; NaN for less than two members.
  public var standardDeviation: [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let first = buffer.baseAddress { writeStandardDeviation(to: first) }
      initialized = count
    }
  }
}

/// Runs `body(first, count)` over fixed pieces of `count` elements, on the team when there is one.
func forEachPiece(of count: Int, team: ThreadTeam?, _ body: (_ first: Int, _ count: Int) -> Void) {
  let piece = 65536
  guard let team, count > piece else { return body(0, count) }
  team.run(count: (count + piece - 1) / piece) { index, _ in
    body(index * piece, min(piece, count - index * piece))
  }
}
