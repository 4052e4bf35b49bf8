/// Which rank trains which member: the decisions of the coordinator, apart from how they are told.
///
/// Members go largest cost first, which keeps the ranks' ends close together (Graham's longest processing time rule,
/// doi:10.1137/0117039). Every rank begins with a member that all ranks know without a message; the others are pulled.
/// Which rank trains a member never changes the member.
public struct MemberSchedule: Sendable {
  /// A member that is to be trained.
  public struct Candidate: Hashable, Sendable {
    public var member: Int
    /// What its training takes, in any unit that all candidates share.
    public var cost: Double

    public init(member: Int, cost: Double) {
      self.member = member
      self.cost = cost
    }
  }

  /// How a member's training ended.
  public enum Outcome: Hashable, Sendable {
    case done
    case failed(message: String)
  }

  /// What became of a member.
  public struct Report: Hashable, Sendable {
    public var member: Int
    /// The rank that trained it.
    public var rank: Int
    public var outcome: Outcome
    /// How long the training took.
    public var seconds: Double

    public init(member: Int, rank: Int, outcome: Outcome, seconds: Double) {
      self.member = member
      self.rank = rank
      self.outcome = outcome
      self.seconds = seconds
    }

    /// What happened in one line, for a member that failed; nil for one that is done.
    public var line: String? {
      guard case .failed(let message) = outcome else { return nil }
      return "member \(member) stopped: \(message)"
    }
  }

  /// The candidates, largest cost first; equal ones by member.
  public let order: [Candidate]
  public let ranks: Int
  private var place: Int
  private var isTold: [Bool]
  /// What has been reported, by member.
  public private(set) var reports: [Int: Report] = [:]

  public init(_ candidates: [Candidate], ranks: Int) {
    precondition(ranks > 0, "a schedule is for at least one rank")
    precondition(Set(candidates.map(\.member)).count == candidates.count, "a member is a candidate once")
    self.ranks = ranks
    order = candidates.sorted { ($1.cost, $0.member) < ($0.cost, $1.member) }
    place = min(ranks, order.count)
    // A rank that begins without a member knows that there is none.
    isTold = (0..<ranks).map { $0 >= candidates.count }
  }

  /// The member that a rank begins with: rank r has the r-th largest.
  public func first(for rank: Int) -> Int? { rank < order.count ? order[rank].member : nil }

  /// The next member for a rank that asks; nil when all are given away, which is the last answer a rank gets.
  public mutating func next(for rank: Int) -> Int? {
    guard place < order.count else {
      isTold[rank] = true
      return nil
    }
    place += 1
    return order[place - 1].member
  }

  /// Notes what became of a member.
  public mutating func finish(_ report: Report) {
    precondition(order.contains { $0.member == report.member }, "member \(report.member) is no candidate")
    precondition(reports[report.member] == nil, "member \(report.member) ends once")
    reports[report.member] = report
  }

  /// Whether every member has ended and every rank knows that there is none left.
  public var isComplete: Bool { reports.count == order.count && isTold.allSatisfy { $0 } }

  /// Ranks that get no member at all.
  public var spareRanks: Int { max(0, ranks - order.count) }

  /// One line on ranks that get no member; nil when all get one.
  public var remark: String? {
    guard spareRanks > 0, !order.isEmpty else { return nil }
    func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
    return "\(count(ranks, "rank")) for \(count(order.count, "member")) to train: "
      + "\(count(spareRanks, "rank")) will help only to calibrate and predict."
  }
}
