import Ensembles
import Foundation

/// How far a run is, and how long it will take: what is told while it works.
///
/// Times are seconds since the command began, and are given by who has a clock.
public struct RunProgress: Hashable, Sendable {
  /// What the run does.
  public private(set) var stage = RunStage.reading
  /// The part of the stage that is done, where that is known.
  public private(set) var part = 0.0
  /// What stages take relative to each other.
  private var work: [RunStage: Double] = [:]
  /// Members of the job, and those that are trained.
  private var members = 0
  private var trained = 0
  /// Those in training.
  private var active: [Int: MemberQueue.Progress] = [:]
  /// When work began that time is reckoned by, and the part of all work that was done then.
  private var origin: (time: Double, done: Double)? {
    get { originTime.map { ($0, originDone) } }
    set { (originTime, originDone) = (newValue?.time, newValue?.done ?? 0) }
  }
  private var originTime: Double?
  private var originDone = 0.0

  /// Nothing is known.
  public init() {}

  /// Takes what a job has to do.
  ///
  /// - Parameter work: operations of its stages.
  public mutating func plan(_ work: [RunStage: Double], members: Int, trained: Int) {
    (self.work, self.members, self.trained) = (work, members, trained)
    // What is no operations of networks: reading, figures, pictures.
    let all = max(1, work.values.reduce(0, +))
    for other in [RunStage.evaluation, .page] where work[other] == nil { self.work[other] = 0.02 * all }
  }

  /// Takes how far a stage is.
  public mutating func take(_ stage: RunStage, part: Double, at time: Double) {
    if stage != self.stage { active = [:] }
    (self.stage, self.part) = (stage, part)
    if origin == nil, stage != .reading { origin = (time, done) }
  }

  /// Takes how far a member is.
  ///
  /// - Returns: what is worth a line that stays: a member that is trained, or gone on with; nil: nothing.
  public mutating func take(_ progress: MemberQueue.Progress, at time: Double) -> String? {
    if stage != .training { take(.training, part: 0, at: time) }
    let before = active[progress.member]
    if progress.isFinished {
      active[progress.member] = nil
      trained += 1
    } else {
      active[progress.member] = progress
    }
    if members > 0 {
      part = (Double(trained) + active.values.reduce(0) { $0 + $1.share }) / Double(members)
      if before == nil, progress.share > 0 { origin = (time, done) }
    }
    if progress.isFinished {
      let epochs = "\(progress.epoch) \(progress.epoch == 1 ? "epoch" : "epochs")"
      return "member \(progress.member) is trained: \(epochs) on rank \(progress.rank), "
        + "loss \(Self.short(progress.loss)), \(Self.clock(time))"
    }
    if before == nil, progress.share > 0 {
      return "member \(progress.member) goes on from epoch \(progress.epoch) of \(progress.epochs)"
    }
    return nil
  }

  /// The part of all work that is done; nil where it is not known how much there is.
  var allDone: Double? { work.isEmpty ? nil : done }

  private var done: Double {
    let all = work.values.reduce(0, +)
    guard all > 0 else { return 0 }
    var sum = 0.0
    for other in RunStage.allCases {
      if other == stage { return (sum + (work[other] ?? 0) * part) / all }
      sum += work[other] ?? 0
    }
    return sum / all
  }

  /// Seconds until the end, by the time that the work so far took; nil while too little is known.
  public func left(at time: Double) -> Double? {
    guard let origin, !work.isEmpty, time - origin.time >= 2, done - origin.done > 0.005 else { return nil }
    return (1 - done) / (done - origin.done) * (time - origin.time)
  }

  // MARK: Texts

  /// One line of text.
  public func line(at time: Double) -> String {
    let most = 4
    let told = active.values.sorted { $0.member < $1.member }
    var parts = told.prefix(most).map { progress in
      "member \(progress.member) epoch \(progress.epoch)/\(progress.epochs) loss \(Self.short(progress.loss))"
    }
    if told.count > most { parts.append("\(told.count - most) more") }
    return "\(Self.clock(time))  \(summary(at: time))" + (parts.isEmpty ? "" : ": " + parts.joined(separator: "; "))
  }

  /// Lines for a terminal, the members' first, of at most `width` characters.
  public func rows(at time: Double, width: Int, most: Int = 16) -> [String] {
    let told = active.values.sorted { $0.rank < $1.rank }
    var rows = told.prefix(most).map { progress -> String in
      var row = "rank \(progress.rank)  member \(progress.member)  epoch \(progress.epoch)/\(progress.epochs) "
      row += Self.bar(progress.part, 8) + "  loss \(Self.short(progress.loss))"
      if let score = progress.score { row += "  score \(Self.short(score))" }
      if progress.rate.isFinite { row += String(format: "  rate %.2g", progress.rate) }
      if progress.speed > 0 { row += String(format: "  %.1f GFLOP/s", progress.speed / 1e9) }
      return row
    }
    if told.count > most { rows.append("and \(told.count - most) more") }
    let bar = allDone.map { Self.bar($0, max(8, min(40, width - 56))) + "  " } ?? ""
    rows.append("\(Self.clock(time))  \(bar)\(summary(at: time))")
    return rows.map { $0.count < width ? $0 : String($0.prefix(max(1, width - 2))) + "…" }
  }

  /// One JSON object on one line.
  public func json(at time: Double) -> String {
    struct Member: Encodable {
      var member, rank, epoch, epochs: Int
      var part: Double
      var loss, score, rate: Double?
      var flops: Double
    }
    struct Event: Encodable {
      var event = "progress"
      var seconds: Double
      var stage: RunStage
      var done, left: Double?
      var members: [Member]
    }
    func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
    let event = Event(
      seconds: time, stage: stage, done: allDone, left: left(at: time),
      members: active.values.sorted { $0.member < $1.member }.map {
        Member(
          member: $0.member, rank: $0.rank, epoch: $0.epoch, epochs: $0.epochs, part: $0.part, loss: finite($0.loss),
          score: finite($0.score), rate: finite($0.rate), flops: $0.speed)
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(event)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private func summary(at time: Double) -> String {
    var text = stage.words
    if part > 0 { text += String(format: " %.0f %%", 100 * min(1, part)) }
    if let left = left(at: time) { text += ", about \(StageTimes.text(max(1, left))) left" }
    return text
  }

  private static func bar(_ part: Double, _ width: Int) -> String {
    let full = Int((max(0, min(1, part)) * Double(width)).rounded())
    return String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
  }

  /// Minutes and seconds, and hours where there are any.
  static func clock(_ time: Double) -> String {
    let seconds = Int(time)
    return seconds < 3600
      ? String(format: "%d:%02d", seconds / 60, seconds % 60)
      : String(format: "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60)
  }

  private static func short(_ value: Double) -> String { String(format: "%.4f", value) }
}
