import Host

/// Points joined with their nearest neighbours, by edges as heavy as it is likely that they are neighbours: the fuzzy union
/// of what each point holds for its neighbourhood (arXiv 1802.03426, section 3.1).
struct NeighbourGraph {
  /// An edge of a point to another; each pair of points has one in both directions.
  struct Edge: Hashable {
    var from: Int
    var to: Int
    /// Above 0, at most 1.
    var weight: Double
  }

  /// Ascending by their ends.
  let edges: [Edge]

  /// A point's neighbour.
  typealias Neighbour = (point: Int, distance: Double)

  /// - Parameters:
  ///   - points: finite, of equal length.
  ///   - neighbours: points of a neighbourhood, its own included; at most as many as there are.
  /// - Complexity: O(*points*²).
  init(_ points: [[Double]], neighbours: Int) {
    let nearest = Self.nearest(points, count: neighbours - 1)
    let all = nearest.flatMap { $0 }
    // Of a neighbourhood the point itself counts, at distance 0.
    let mean = all.reduce(0) { $0 + $1.distance } / Double(max(1, all.count + points.count))
    let own = nearest.map { Self.memberships($0, meanDistance: mean) }
    var others = [[Int: Double]](repeating: [:], count: points.count)
    for (from, row) in own.enumerated() {
      for (to, weight) in row { others[to][from] = weight }
    }
    edges = points.indices.flatMap { from in
      Set(own[from].keys).union(others[from].keys).sorted().compactMap { to in
        let (there, back) = (own[from][to] ?? 0, others[from][to] ?? 0)
        let weight = there + back - there * back
        return weight > 0 ? Edge(from: from, to: to, weight: weight) : nil
      }
    }
  }

  /// Of each point the nearest others, by the Euclidean distance; of equally near ones the first.
  static func nearest(_ points: [[Double]], count: Int) -> [[Neighbour]] {
    points.indices.map { point in
      let others = points.indices.filter { $0 != point }.map { other -> Neighbour in
        var square = 0.0
        for (a, b) in zip(points[point], points[other]) { square += (a - b) * (a - b) }
        return (other, square.squareRoot())
      }
      return Array(others.sorted { ($0.distance, $0.point) < ($1.distance, $1.point) }.prefix(count))
    }
  }

  /// How sure a point's neighbours are its own: 1 for the nearest, and falling exponentially with what others are farther,
  /// by a width for which all together are log₂ of the neighbourhood's size (the paper's algorithm 3, `smooth_knn_dist`).
  ///
  /// - Parameter meanDistance: over all neighbourhoods; widths are not below a thousandth of it, or of the point's own.
  static func memberships(_ neighbours: [Neighbour], meanDistance: Double) -> [Int: Double] {
    let nearest = neighbours.first { $0.distance > 0 }?.distance ?? 0
    let target = Elementary.log(Double(neighbours.count + 1)) / Elementary.log(2)
    func strength(_ distance: Double, _ width: Double) -> Double {
      distance > nearest ? Elementary.exp((nearest - distance) / width) : 1
    }
    var (low, high, width) = (0.0, Double.infinity, 1.0)
    for _ in 0..<64 {
      let sum = neighbours.reduce(0) { $0 + strength($1.distance, width) }
      if abs(sum - target) < 1e-5 { break }
      if sum > target {
        high = width
        width = (low + high) / 2
      } else {
        low = width
        width = high.isFinite ? (low + high) / 2 : 2 * width
      }
    }
    let own = neighbours.reduce(0) { $0 + $1.distance } / Double(neighbours.count + 1)
    width = max(width, 1e-3 * (nearest > 0 ? own : meanDistance))
    return Dictionary(uniqueKeysWithValues: neighbours.map { ($0.point, strength($0.distance, width)) })
  }
}
