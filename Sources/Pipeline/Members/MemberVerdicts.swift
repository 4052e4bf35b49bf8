import Ensembles
import HDF5
import Host
import Training

/// Which members did not learn, and why: each is compared with answers that need no learning, and with its fellows.
struct MemberVerdicts: Hashable, Sendable {
  /// The members' numbers.
  let members: [Int]
  /// Their `answerHash`.
  let hashes: [UInt64]
  /// Of each member why it did not learn; nil when it did.
  let reasons: [String?]

  /// The numbers of members that did not learn.
  var weak: [Int] { zip(members, reasons).filter { $1 != nil }.map(\.0) }

  /// The members that are kept when weak ones are left out: all when none learnt.
  var strong: [Int] { weak.count == members.count ? members : members.filter { !weak.contains($0) } }

  /// Verdicts as given.
  init(members: [Int], hashes: [UInt64], reasons: [String?]) {
    (self.members, self.hashes, self.reasons) = (members, hashes, reasons)
  }

  // MARK: Reasons

  /// How much worse than its fellows a member is: its F1 is less than this part of theirs.
  private static let leastF1 = 0.5
  /// How much worse than its fellows a member is: its error is more than so many times theirs.
  private static let mostError = 4.0
  /// The part of the variance of the targets beyond which an error is that of the mean.
  private static let mostVariance = 0.98

  /// Why members that tell classes did not learn.
  ///
  /// - Parameter names: of the classes.
  static func reasons(_ members: [ConfusionMatrix], names: [String]) -> [String?] {
    guard let first = members.first else { return [] }
    let known = names.indices.filter { first.support($0) > 0 }
    guard known.count > 1 else { return members.map { _ in nil } }
    func score(_ member: ConfusionMatrix) -> Double {
      known.reduce(0) { $0 + (member.predicted($1) > 0 ? member.f1($1) : 0) } / Double(known.count)
    }
    let scores = members.map(score)
    let most = known.max { first.support($0) < first.support($1) } ?? 0
    // The most frequent class everywhere: its precision is its part of the pixels, its recall 1.
    let part = Double(first.support(most)) / Double(first.pixels)
    let trivial = 2 * part / (1 + part) / Double(known.count)
    return members.indices.map { index in
      let member = members[index]
      let fellows = members.indices.filter { $0 != index }
      let told = names.indices.filter { member.predicted($0) > 0 }
      if told.count == 1 { return "it says ‘\(names[told[0]])’ everywhere" }
      if scores[index] <= trivial {
        return "its F1 macro is \(number(scores[index])), and \(number(trivial)) for ‘\(names[most])’ everywhere"
      }
      let missed = known.filter { label in
        member.f1(label) == 0 && fellows.contains { members[$0].f1(label) >= 0.1 }
      }
      if !missed.isEmpty {
        return "it never finds \(missed.map { "‘\(names[$0])’" }.joined(separator: ", ")), which its fellows do"
      }
      guard let usual = fellows.map({ scores[$0] }).filter(\.isFinite).median, scores[index] < leastF1 * usual
      else { return nil }
      return "its F1 macro is \(number(scores[index])), its fellows' \(number(usual))"
    }
  }

  /// Why members that answer with images did not learn.
  ///
  /// - Parameters:
  ///   - members: `[member, channel]`
  ///   - input: the image itself as the answer, `[channel]`; nil where that is no answer.
  ///   - mayBeNoise: whether the targets may hold nothing but noise for a member that learnt all that there is.
  static func reasons(
    _ members: [[RegressionMetrics]], input: [RegressionMetrics]?, mayBeNoise: Bool = false
  ) -> [String?] {
    /// The squared error in variances of the targets, in the mean over channels; NaN when all are alike.
    func error(_ channels: [RegressionMetrics]) -> Double {
      channels.reduce(0) { $0 + 1 - $1.determination } / Double(channels.count)
    }
    let errors = members.map(error)
    return members.indices.map { index in
      let own = errors[index]
      if own >= (mayBeNoise ? 1 : mostVariance) {
        return "its squared error is \(number(own)) of the targets' variance: the mean of the targets does as well"
      }
      if let other = input.map(error), own >= other {
        return "its squared error is \(number(own)) of the targets' variance, that of the image itself \(number(other))"
      }
      let usual = members.indices.filter { $0 != index }.map { errors[$0] }.filter(\.isFinite).median
      guard let usual, own > mostError * usual else { return nil }
      return "its squared error is \(number(own)) of the targets' variance, its fellows' \(number(usual))"
    }
  }

  private static func number(_ value: Double) -> String { TextTable.number(value) }

  // MARK: Files

  /// Writes them beside the members.
  func write(to path: String) throws {
    try ChecksummedFile.write(path) { file in
      try file.write(members.map { Int32($0) }, to: "member")
      try file.write(hashes, to: "fingerprint")
      try file.write(reasons.map { $0 ?? "" }, to: "reason")
    }
  }

  /// Reads what `write(to:)` wrote.
  init(_ path: String) throws {
    self = try ChecksummedFile.read(path) { file in
      MemberVerdicts(
        members: try file.read("member", as: Int.self), hashes: try file.read("fingerprint", as: UInt64.self),
        reasons: try file.readStrings("reason").map { $0.isEmpty ? nil : $0 })
    }
  }
}
