/// Finds the word that was meant: a dataset's name, a file's, a setting's.
public enum Spelling {
  /// The candidate nearest to `word`, or nil when none is near: up to one edit in three letters, or one contains the
  /// other. Case counts for nothing, nor does `_` in place of `-`.
  ///
  /// - Complexity: O(*candidates* · *letters*²).
  public static func nearest(to word: String, among candidates: [String]) -> String? {
    let wanted = plain(word)
    let ranked = candidates.map { (candidate: $0, distance: distance(wanted, plain($0))) }
    if let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= max(1, wanted.count / 3) {
      return best.candidate
    }
    return candidates.first { candidate in
      let candidate = plain(candidate)
      return min(candidate.count, wanted.count) > 2 && (wanted.contains(candidate) || candidate.contains(wanted))
    }
  }

  private static func plain(_ word: String) -> String {
    String(word.lowercased().map { $0 == "_" || $0 == " " ? "-" : $0 })
  }

  /// Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b` (optimal string alignment).
  static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a)
    let b = Array(b)
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var best = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
