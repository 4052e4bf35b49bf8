/// What a rank waits for, and for whom.
struct Wait: Hashable {
  enum Kind: Int {
    case answer, announcement, forming, step, epoch, reports
  }

  let kind: Kind
  let ranks: [Int]

  init(_ kind: Kind, ranks: [Int]) { (self.kind, self.ranks) = (kind, ranks) }

  /// For whom and what, as after "has waited for".
  var text: String {
    let who = Stall.names(ranks)
    return switch kind {
    case .answer: "\(who) to give the next member"
    case .announcement: "\(who) to announce the next member"
    case .forming: "\(who) to come to train a member together"
    case .step: "\(who) in a training step"
    case .epoch: "\(who) between two epochs"
    case .reports: "\(who) at the end of training"
    }
  }
}

/// Ranks that hold others up, or may.
public struct Stall: Hashable, Sendable, CustomStringConvertible {
  /// Ranks that have not been heard of for the limit.
  public var silent: [Int] = []
  /// For each rank that has waited for others for longer than the limit, though all are heard of: for whom, and what
  /// for.
  public var waiting: [Int: String] = [:]
  /// The limit, in seconds.
  public var seconds: Int
  /// Whether rank 0 is silent, so that another rank tells of it.
  public var isOfRoot: Bool { silent == [0] }

  /// One line, without a full stop.
  public var description: String {
    var parts: [String] = []
    if !silent.isEmpty { parts.append("no word from \(Self.names(silent)) for \(seconds) s") }
    for (rank, wait) in waiting.sorted(by: { $0.key < $1.key }) {
      parts.append("rank \(rank) has waited \(seconds) s for \(wait)")
    }
    return parts.joined(separator: "; ")
  }

  static func names(_ ranks: [Int]) -> String { "rank " + ranks.map(String.init).joined(separator: ", ") }
}
