import Host

#if canImport(Glibc)
  import Glibc
#endif

/// Whether new units can be taken for exchangeable with known ones, by a number that is computed of each alike.
public enum Exchangeability {
  /// Of each new unit, how often a unit like the known ones is at least as far out, on either side: conformal p values
  /// (Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, section 2.2), doubled for two sides.
  ///
  /// - Returns: from 2 ÷ (n + 1), for n known units, to 1; NaN for a unit whose number is NaN.
  public static func pValues(of new: [Double], among known: [Double]) -> [Double] {
    let known = known.filter { !$0.isNaN }
    return new.map { value in
      guard !value.isNaN else { return .nan }
      let (above, below) = (known.count { $0 >= value }, known.count { $0 <= value })
      return min(1, 2 * Double(1 + min(above, below)) / Double(known.count + 1))
    }
  }

  private static let draws = 9999

  /// How often units in random order would differ as much in the mean of their ranks as the new ones do from the known: a
  /// permutation test (Wilcoxon's rank sum), valid for any number of units when all are exchangeable.
  ///
  /// - Returns: at least 1 ÷ 10 000, from 9999 random orders, always the same; of more than 2000 units by the normal
  ///   distribution. NaN without new or known units.
  public static func pValue(of new: [Double], among known: [Double]) -> Double {
    let (new, known) = (new.filter { !$0.isNaN }, known.filter { !$0.isNaN })
    guard !new.isEmpty, !known.isEmpty else { return .nan }
    let all = known + new
    // Twice the mid ranks, so that they are whole.
    let order = all.indices.sorted { all[$0] < all[$1] }
    var ranks = [Int](repeating: 0, count: all.count)
    var (first, ties) = (0, 0.0)
    while first < order.count {
      var last = first
      while last + 1 < order.count, all[order[last + 1]] == all[order[first]] { last += 1 }
      for place in first...last { ranks[order[place]] = first + last + 2 }
      let size = Double(last - first + 1)
      ties += size * size * size - size
      first = last + 1
    }
    let (n, m) = (known.count, new.count)
    let expected = m * (n + m + 1)
    let found = abs(ranks[n...].reduce(0, +) - expected)
    if n + m > 2000 {
      let (total, product) = (Double(n + m), Double(n) * Double(m))
      let variance = product / 12 * (total + 1 - ties / (total * (total - 1)))
      return variance > 0 ? erfc(Double(found) / 2 / variance.squareRoot() / 2.0.squareRoot()) : 1
    }
    // The fewer of both are drawn.
    let (size, middle) = m <= n ? (m, expected) : (n, n * (n + m + 1))
    var random = RandomStream(seed: 0, purpose: .init("exchangeability"))
    var extreme = 0
    for _ in 0..<draws {
      var sum = 0
      for place in 0..<size {
        ranks.swapAt(place, Int.random(in: place..<ranks.count, using: &random))
        sum += ranks[place]
      }
      if abs(sum - middle) >= found { extreme += 1 }
    }
    return Double(1 + extreme) / Double(1 + draws)
  }
}
