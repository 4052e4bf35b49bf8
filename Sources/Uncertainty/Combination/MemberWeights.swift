import Host
import Settings

/// How much each member counts in the mean: a rule that is applied to known pixels of the validation part.
public enum MemberWeights: String, CaseIterable, SettingConvertible, Hashable, Sendable {
  case equal, validation, greedy, stacking

  /// What it is, in one phrase, with its source.
  public var meaning: String {
    switch self {
    case .equal: "all members alike"
    case .validation:
      "inverse to the member's own loss there (Perrone and Cooper, *When networks disagree*, 1993)"
    case .greedy:
      "members chosen one after the other with replacement, each time the one that makes the mean best, up to \(Self.steps) "
        + "times; a weight is how often it was chosen up to the best mean (Caruana et al., doi:10.1145/1015330.1015432)"
    case .stacking:
      "of each class or channel the weights from 0 on, with the sum 1, that bring the mean nearest to the truth in the "
        + "squared error (Breiman, doi:10.1007/BF00117832; by class as Ting and Witten, doi:10.1613/jair.594)"
    }
  }

  /// Choices of `greedy`.
  static let steps = 50

  /// The weights of members, `[1][member]` or `[channel][member]`; empty where all count alike.
  ///
  /// - Parameters:
  ///   - answers: of each known pixel what every member says. Of classes, probabilities `[member, class]`, and the label as
  ///     truth; the loss is the negative log-likelihood. Of values, `[member]` of one channel, with the channel as region;
  ///     the loss is the squared error.
  ///   - classes: their number; nil of values.
  ///   - channels: of values.
  ///   - average: what of classes is averaged.
  public func weights(
    of answers: CalibrationSample, members: Int, classes: Int?, channels: Int = 1,
    average: MemberCombination.Average = .probabilities
  ) -> [[Double]] {
    guard self != .equal, answers.count > 0, members > 1 else { return [] }
    let known = KnownAnswers(answers, members: members, classes: classes, average: average)
    switch self {
    case .equal: return []
    case .validation:
      let losses = (0..<members).map { max(known.loss(of: [$0]), 1e-12) }
      let sum = losses.reduce(0) { $0 + 1 / $1 }
      return [losses.map { 1 / $0 / sum }]
    case .greedy: return [Self.greedy(known, members: members)]
    case .stacking: return (0..<(classes ?? channels)).map { known.stacked($0) }
    }
  }

  private static func greedy(_ known: KnownAnswers, members: Int) -> [Double] {
    var chosen: [Int] = []
    var sum = known.nothing
    var best: (loss: Double, count: Int) = (.infinity, 0)
    for _ in 0..<steps {
      let losses = (0..<members).map { known.loss(sum, adding: $0, count: chosen.count + 1) }
      guard let member = losses.indices.min(by: { losses[$0] < losses[$1] }) else { break }
      chosen.append(member)
      known.add(member, to: &sum)
      if losses[member] < best.loss { best = (losses[member], chosen.count) }
    }
    var counts = [Double](repeating: 0, count: members)
    for member in chosen.prefix(best.count) { counts[member] += 1 }
    return counts.map { $0 / Double(best.count) }
  }
}

/// What members say of known pixels, in the form that losses of their means need.
private struct KnownAnswers {
  let sample: CalibrationSample
  let members: Int
  /// Nil of values.
  let classes: Int?
  /// What is added up: of averaged probabilities those of the true classes, `[member, pixel]`; of logits all,
  /// `[member, pixel, class]`; of values their differences from the truth, `[member, pixel]`.
  private let terms: [[Double]]
  private let average: MemberCombination.Average

  init(_ sample: CalibrationSample, members: Int, classes: Int?, average: MemberCombination.Average) {
    (self.sample, self.members, self.classes, self.average) = (sample, members, classes, average)
    terms = (0..<members).map { member in
      sample.truths.indices.flatMap { pixel -> [Double] in
        let first = pixel * sample.width
        guard let classes else { return [Double(sample.values[first + member] - sample.truths[pixel])] }
        let own = first + member * classes
        guard average == .logits else { return [Double(sample.values[own + Int(sample.truths[pixel])])] }
        return (0..<classes).map { logarithm(sample.values[own + $0]) }
      }
    }
  }

  var nothing: [Double] { Array(repeating: 0, count: terms[0].count) }

  func add(_ member: Int, to sum: inout [Double]) {
    for i in sum.indices { sum[i] += terms[member][i] }
  }

  /// The loss of the mean of some members.
  func loss(of chosen: [Int]) -> Double {
    var sum = nothing
    for member in chosen.dropLast() { add(member, to: &sum) }
    return loss(sum, adding: chosen[chosen.count - 1], count: chosen.count)
  }

  /// The loss of the mean of `count` members, of which all but one are in a sum.
  func loss(_ sum: [Double], adding member: Int, count: Int) -> Double {
    let (own, divisor) = (terms[member], Double(count))
    var total = 0.0
    if let classes, average == .logits {
      for pixel in sample.truths.indices {
        var largest = -Double.infinity
        let first = pixel * classes
        for i in first..<first + classes { largest = max(largest, (sum[i] + own[i]) / divisor) }
        var exponentials = 0.0
        for i in first..<first + classes { exponentials += Elementary.exp((sum[i] + own[i]) / divisor - largest) }
        let label = first + Int(sample.truths[pixel])
        total += largest + Elementary.log(exponentials) - (sum[label] + own[label]) / divisor
      }
    } else if classes != nil {
      for i in own.indices {
        total -= Elementary.log(max((sum[i] + own[i]) / divisor, MemberCombination.leastProbability))
      }
    } else {
      for i in own.indices {
        let error = (sum[i] + own[i]) / divisor
        total += error * error
      }
    }
    return total / Double(sample.count)
  }

  /// The weights of a class, or of a channel of values, whose mean is nearest to the truth; equal ones without any.
  func stacked(_ channel: Int) -> [Double] {
    var gram = [[Double]](repeating: Array(repeating: 0, count: members), count: members)
    var right = [Double](repeating: 0, count: members)
    var (pixels, found) = (0, false)
    for pixel in sample.truths.indices where classes != nil || Int(sample.regions[pixel]) == channel {
      let truth = classes == nil ? Double(sample.truths[pixel]) : Int(sample.truths[pixel]) == channel ? 1 : 0
      if classes == nil || truth == 1 { found = true }
      pixels += 1
      let own = (0..<members).map { member -> Double in
        let place = pixel * sample.width + (classes.map { member * $0 + channel } ?? member)
        return Double(sample.values[place])
      }
      for a in 0..<members {
        right[a] += own[a] * truth
        for b in 0...a { gram[a][b] += own[a] * own[b] }
      }
    }
    guard found else { return Array(repeating: 1 / Double(members), count: members) }
    for a in 0..<members {
      right[a] /= Double(pixels)
      for b in 0...a {
        gram[a][b] /= Double(pixels)
        gram[b][a] = gram[a][b]
      }
    }
    return SimplexLeastSquares.solution(gram, right)
  }
}
