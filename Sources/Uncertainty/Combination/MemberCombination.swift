import Settings

/// How the answers of members become one: what is averaged, how much each member counts, and how sharp probabilities are.
///
/// Of classes, with weights w that add up to 1 over members: the mean is Σ w·p, or with `logits` the softmax of Σ w·log p.
/// Where each class has weights of its own, the mean is divided by its sum over classes. A temperature T replaces
/// probabilities p by the softmax of log p ÷ T (C. Guo et al., arXiv 1706.04599, section 4.2, after the average, as R. Rahaman
/// and A. Thiery, arXiv 2007.08792, found best).
public struct MemberCombination: Hashable, Sendable {
  /// What of classes is averaged.
  public enum Average: String, CaseIterable, SettingConvertible, Hashable {
    case probabilities, logits
  }

  /// What of classes is averaged; values are averaged themselves.
  public var average = Average.probabilities
  /// `[1][member]`, or `[channel][member]` where each class or channel has weights of its own; each row adds up to 1. Empty:
  /// all members count alike.
  public var weights: [[Double]] = []
  /// What logarithms of the averaged probabilities are divided by.
  public var temperature = 1.0

  /// All members alike, their probabilities averaged.
  public init() {}

  /// Whether it is the mean of the members' answers, and nothing else.
  public var isPlain: Bool { weights.isEmpty && average == .probabilities && temperature == 1 }

  /// Which of so many members count anywhere.
  public func used(of members: Int) -> [Int] {
    weights.isEmpty ? Array(0..<members) : (0..<members).filter { member in weights.contains { $0[member] > 0 } }
  }

  /// The same of some of the members alone, which are all that count.
  public func restricted(to members: [Int]) -> MemberCombination {
    var result = self
    result.weights = weights.map { row in members.map { row[$0] } }
    return result
  }

  /// The least probability whose logarithm is taken.
  static let leastProbability = 1e-12
}
