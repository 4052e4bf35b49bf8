import Foundation

/// What a run would do, as text for people and as figures for programs.
public struct RunPlan: Sendable, Encodable {
  /// A member and what its training takes.
  public struct Member: Sendable, Encodable {
    /// Counted from 0.
    public var member: Int
    /// Trained numbers.
    public var parameters: Int
    /// 10⁹ floating-point operations of a training step.
    public var stepGFLOP: Double
    /// The ranks that train it, if all are equally fast.
    public var ranks: [Int]

    private enum CodingKeys: String, CodingKey {
      case member, parameters, ranks
      case stepGFLOP = "step_gflop"
    }
  }

  /// What the job is called.
  public let name: String
  /// What is learnt.
  public let task: String
  /// Of the run that is planned.
  public let ranks: Int
  /// The results file.
  public let results: String
  /// Known pixels (or images) of each class, by part.
  public var known: [String: [Int]] = [:]
  /// Patches of an epoch.
  public var patches = 0
  /// Steps of an epoch.
  public var steps = 0
  /// Epochs of each member.
  public var epochs = 0
  /// Each of them.
  public var members: [Member] = []
  /// Bytes that each stage takes on a rank besides the program, by its name.
  public var memory: [String: Int] = [:]
  /// How long stages take; nil: nothing was tried, since training would not fit.
  public private(set) var times: StageTimes?
  /// What is there already, and what would be made again, and why: a line each.
  public private(set) var status: [String] = []
  private var lines: [String]

  private enum CodingKeys: String, CodingKey {
    case name, task, ranks, results, known, patches, steps, epochs, members, memory, times, status
  }

  init(name: String, task: String, ranks: Int, results: String, lines: [String]) {
    (self.name, self.task, self.ranks, self.results, self.lines) = (name, task, ranks, results, lines)
  }

  /// Takes how long stages take.
  ///
  /// - Parameter tried: ranks that were tried, each of `threads` threads.
  mutating func addTimes(_ times: StageTimes, tried: Int, threads: Int) {
    func counted(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
    self.times = times
    lines.append("time on \(counted(ranks, "rank")), \(times)")
    lines.append(
      "(tried on \(counted(tried, "rank")) of \(counted(threads, "thread")): training runs at "
        + String(format: "%.1f GFLOP/s a rank)", times.speed / 1e9))
  }

  /// Takes what is there already; empty: nothing is.
  mutating func addStatus(_ text: String) {
    guard !text.isEmpty else { return }
    status = text.split(separator: "\n").map(String.init)
    lines += ["", text]
  }
}

extension RunPlan: CustomStringConvertible {
  public var description: String { lines.joined(separator: "\n") }
}
