/// Least squares with weights that are not negative and add up to 1.
enum SimplexLeastSquares {
  /// The w with the least wᵀGw − 2·bᵀw, by active sets: on the weights above 0 the equations of the constrained minimum are
  /// solved; a weight that would fall below 0 is taken out, and the one that would lower the error most is put in
  /// (Lawson and Hanson, *Solving Least Squares Problems*, chapter 23, with a sum that is kept).
  ///
  /// - Parameters:
  ///   - gram: symmetric and positive semidefinite; a billionth of its mean diagonal is added there, so that equal columns
  ///     share a weight.
  /// - Complexity: O(*n*³) a step, about *n* steps.
  static func solution(_ gram: [[Double]], _ right: [Double]) -> [Double] {
    let count = right.count
    var gram = gram
    let ridge = 1e-9 * gram.indices.reduce(0) { $0 + gram[$1][$1] } / Double(count)
    for i in 0..<count { gram[i][i] += ridge }
    func value(_ i: Int) -> Double { gram[i][i] - 2 * right[i] }
    let first = (0..<count).min { value($0) < value($1) } ?? 0
    var weights = [Double](repeating: 0, count: count)
    weights[first] = 1
    var free = [first]
    let scale = (0..<count).reduce(1e-300) { max($0, abs(gram[$1][$1]), abs(right[$1])) }
    for _ in 0..<10 * count + 10 {
      // Towards the minimum on the free weights.
      while let target = minimum(gram, right, free) {
        var (step, leaving) = (1.0, -1)
        for (place, i) in free.enumerated() where target[place] <= 0 {
          let own = weights[i] / (weights[i] - target[place])
          if own < step { (step, leaving) = (own, place) }
        }
        for (place, i) in free.enumerated() { weights[i] += step * (target[place] - weights[i]) }
        guard leaving >= 0 else { break }
        weights[free[leaving]] = 0
        free.remove(at: leaving)
      }
      let slopes = (0..<count).map { i in
        weights.indices.reduce(-right[i]) { $0 + gram[i][$1] * weights[$1] }
      }
      let common = free.reduce(0) { $0 + slopes[$1] } / Double(free.count)
      let others = (0..<count).filter { !free.contains($0) }
      guard let next = others.min(by: { slopes[$0] < slopes[$1] }), slopes[next] < common - 1e-12 * scale else { break }
      free.append(next)
    }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  /// The minimum with the sum 1 where only some weights are not 0, whatever their signs; nil where it cannot be told.
  private static func minimum(_ gram: [[Double]], _ right: [Double], _ free: [Int]) -> [Double]? {
    let size = free.count + 1
    var rows = free.map { i in free.map { gram[i][$0] } + [1, right[i]] }
    rows.append(Array(repeating: 1, count: free.count) + [0, 1])
    for column in 0..<size {
      guard let pivot = (column..<size).max(by: { abs(rows[$0][column]) < abs(rows[$1][column]) }),
        rows[pivot][column] != 0
      else { return nil }
      rows.swapAt(column, pivot)
      for row in 0..<size where row != column {
        let factor = rows[row][column] / rows[column][column]
        guard factor != 0 else { continue }
        for place in column...size { rows[row][place] -= factor * rows[column][place] }
      }
    }
    return free.indices.map { rows[$0][size] / rows[$0][$0] }
  }
}
