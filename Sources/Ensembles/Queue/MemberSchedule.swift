/// Which rank trains which member: the decisions of the coordinator, apart from how they are told.
///
/// Members go largest cost first, each to the rank that is expected to end it first (the longest processing time rule
/// of Graham, doi:10.1137/0117039, for ranks of different speed, as Gonzalez, Ibarra and Sahni, doi:10.1137/0206013). A
/// slow rank so gets small members, or none near the end. What members take is corrected by what those that have ended
/// took (`MemberCostModel`). Every rank begins with a member that all ranks know without a message; the others are
/// pulled. Which rank trains a member never changes the member.
public struct MemberSchedule: Sendable {
  /// A member that is to be trained.
  public struct Candidate: Hashable, Sendable {
    /// Counted from 0.
    public var member: Int
    /// What its training takes, in any unit that all candidates share: floating-point operations.
    public var cost: Double
    /// The bytes that its training moves, in any unit that all candidates share; 0 where it is not known.
    public var bytes: Double

    /// A member and what its training takes.
    public init(member: Int, cost: Double, bytes: Double = 0) {
      self.member = member
      self.cost = cost
      self.bytes = bytes
    }
  }

  /// How a member's training ended.
  public enum Outcome: Hashable, Sendable {
    case done
    case failed(message: String)
    /// It was to stop, and goes on in another run.
    case stopped
  }

  /// What became of a member.
  public struct Report: Hashable, Sendable {
    /// Counted from 0.
    public var member: Int
    /// The rank that trained it.
    public var rank: Int
    /// Whether it is done, or why not.
    public var outcome: Outcome
    /// When the training began, in seconds from the queue's timeline's start.
    public var start: Double
    /// How long the training took.
    public var seconds: Double
    /// The part of its cost that it took: less than 1 for a member that stopped early or went on from a checkpoint.
    public var share: Double

    /// A report, as given.
    public init(member: Int, rank: Int, outcome: Outcome, start: Double = 0, seconds: Double, share: Double = 1) {
      self.member = member
      self.rank = rank
      self.outcome = outcome
      self.start = start
      self.seconds = seconds
      self.share = share
    }

    /// What happened in one line, for a member that failed; nil for one that is done.
    public var line: String? {
      guard case .failed(let message) = outcome else { return nil }
      return "member \(member) stopped: \(message)"
    }
  }

  /// The candidates, largest cost first; equal ones by member.
  public let order: [Candidate]
  /// The number of ranks, or of groups of ranks that count as one each.
  public let ranks: Int
  /// What has been reported, by member.
  public private(set) var reports: [Int: Report] = [:]
  private let firsts: [Int?]
  private var model: MemberCostModel
  /// Members that no rank has, most expensive first.
  private var remaining: [Candidate]
  private var owners: [Int: Int] = [:]
  /// What each rank has been given and has not ended, the first of them begun at `begun`.
  private var given: [[Candidate]]
  private var begun: [Double]
  /// The last time that is known: ranks train without a pause.
  private var now = 0.0
  private var isTold: [Bool]
  private var isStopping = false

  /// - Parameter speeds: of the ranks, relative to each other; nil: all alike.
  public init(_ candidates: [Candidate], ranks: Int, speeds: [Double]? = nil) {
    precondition(ranks > 0, "a schedule is for at least one rank")
    precondition(Set(candidates.map(\.member)).count == candidates.count, "a member is a candidate once")
    self.ranks = ranks
    order = candidates.sorted { ($1.cost, $0.member) < ($0.cost, $1.member) }
    model = MemberCostModel(speeds: speeds ?? Array(repeating: 1, count: ranks))
    remaining = order
    given = Array(repeating: [], count: ranks)
    begun = Array(repeating: 0, count: ranks)
    isTold = Array(repeating: false, count: ranks)
    // What each rank would begin with, if all were done as expected.
    var firsts = [Int?](repeating: nil, count: ranks)
    var ends = ExpectedEnds(begun, speeds: model.speeds)
    for candidate in order {
      let rank = ends.add(model.work(candidate))
      if firsts[rank] == nil { firsts[rank] = candidate.member }
    }
    self.firsts = firsts
    let started = Set(firsts.compactMap { $0 })
    remaining.removeAll { started.contains($0.member) }
    for candidate in order where started.contains(candidate.member) {
      if let rank = firsts.firstIndex(of: candidate.member) { give(candidate, to: rank) }
    }
    // A rank that begins without a member knows that there is none.
    for rank in 0..<ranks where firsts[rank] == nil { isTold[rank] = true }
  }

  /// A schedule for groups of ranks, each of which counts as one rank.
  ///
  /// - Parameter speeds: of all ranks, relative to each other; nil: all alike.
  init(_ candidates: [Candidate], groups: RankGroups, speeds: [Double]?) {
    self.init(candidates, ranks: groups.groups.count, speeds: speeds.map { groups.speeds(of: $0) })
  }

  private mutating func give(_ candidate: Candidate, to rank: Int) {
    given[rank].append(candidate)
    owners[candidate.member] = rank
  }

  /// The member that a rank begins with: among ranks of one speed, rank r has the r-th largest.
  public func first(for rank: Int) -> Int? { firsts[rank] }

  /// The next member for a rank that asks; nil when all are given away or others end the rest sooner, which is the last
  /// answer that a rank gets.
  public mutating func next(for rank: Int) -> Int? {
    guard !isTold[rank], let place = choice(for: rank) else {
      isTold[rank] = true
      return nil
    }
    let candidate = remaining.remove(at: place)
    give(candidate, to: rank)
    return candidate.member
  }

  /// The first of the remaining members that this rank is expected to end before all others.
  private func choice(for rank: Int) -> Int? {
    guard let largest = remaining.first, let smallest = remaining.last else { return nil }
    if isFirst(rank, toEnd: largest) { return 0 }
    // Ranks that have had their last answer take no part.
    var ends = ExpectedEnds(
      (0..<ranks).map { isTold[$0] ? .infinity : expectedEnd($0) }, speeds: model.speeds)
    for (place, candidate) in remaining.enumerated() where ends.add(model.work(candidate)) == rank { return place }
    // Expectations are not exact: a rank that would end the smallest hardly later than others the rest may have it.
    let end = expectedEnd(rank)
    let own = end + model.work(smallest) / model.speeds[rank]
    return own - end <= 1.02 * (ends.latest - end) ? remaining.count - 1 : nil
  }

  /// Whether a rank is expected to end a member before all others; nearly always so for one that asks.
  private func isFirst(_ rank: Int, toEnd candidate: Candidate) -> Bool {
    let work = model.work(candidate)
    let end = expectedEnd(rank) + work / model.speeds[rank]
    for other in 0..<ranks where other != rank && !isTold[other] {
      let otherEnd = expectedEnd(other) + work / model.speeds[other]
      if (otherEnd, other) < (end, rank) { return false }
    }
    return true
  }

  /// When a rank is expected to end all that it has been given; not before the last report of any rank.
  private func expectedEnd(_ rank: Int) -> Double {
    var end = begun[rank]
    for candidate in given[rank] { end += model.work(candidate) / model.speeds[rank] }
    return max(now, end)
  }

  /// Notes what became of a member.
  public mutating func finish(_ report: Report) {
    precondition(reports[report.member] == nil, "member \(report.member) ends once")
    reports[report.member] = report
    guard let rank = owners[report.member],
      let place = given[rank].firstIndex(where: { $0.member == report.member })
    else { preconditionFailure("member \(report.member) was given to no rank") }
    let candidate = given[rank].remove(at: place)
    begun[rank] += report.seconds
    now = max(now, begun[rank])
    guard report.outcome == .done, model.note(candidate, share: report.share, rank: rank, seconds: report.seconds)
    else { return }
    let model = model
    remaining.sort { (model.work($1), $0.member) < (model.work($0), $1.member) }
  }

  /// The ranks that have a member which has not ended.
  public var busyRanks: [Int] { given.indices.filter { !given[$0].isEmpty } }

  /// Whether every member has ended and every rank knows that there is none left.
  public var isComplete: Bool {
    isTold.allSatisfy { $0 } && (isStopping ? given.allSatisfy { $0.isEmpty } : reports.count == order.count)
  }

  /// Gives no more members away; those that no rank has are left to another run.
  public mutating func stop() {
    isStopping = true
    remaining = []
  }
}
