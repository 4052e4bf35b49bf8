import Host

/// A map of points in two dimensions that keeps neighbours near each other: uniform manifold approximation and projection
/// (L. McInnes, J. Healy, J. Melville, arXiv 1802.03426), with the choices of the authors' program umap-learn.
///
/// The graph of neighbours is exact. All is done by one thread, and numbers are drawn from a stream of their own, so that a
/// map is a function of points, start and seed. Time grows with the square of the points, and memory with the points times
/// neighbours; some thousand points take about a second.
struct UMAP {
  /// How many points, itself included, count as a point's neighbourhood (umap-learn's `n_neighbors`).
  var neighbours = 15
  /// How near points may come in the map (`min_dist`).
  var leastDistance = 0.1
  /// Passes over the edges (`n_epochs`).
  var epochs = 500
  /// Points that push an edge's first one away, for each time that the edge pulls (`negative_sample_rate`).
  var pushes = 5

  /// A point's coordinates change by this much at most for each edge and unit of the rate.
  private static let mostStep: Float = 4

  /// The map.
  ///
  /// - Parameters:
  ///   - points: of equal length.
  ///   - start: where each begins, such as its principal components.
  ///   - random: the numbers that are drawn.
  /// - Returns: a place of each point; all NaN when a point is not finite.
  func map(_ points: [[Double]], from start: [SIMD2<Double>], _ random: RandomStream) -> [SIMD2<Double>] {
    precondition(points.count == start.count, "a start for each point")
    guard points.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return points.map { _ in [.nan, .nan] } }
    var random = random
    var places = Self.spread(start, &random)
    guard points.count > 1 else { return places.map { SIMD2<Double>($0) } }
    let graph = NeighbourGraph(points, neighbours: min(neighbours, points.count))
    move(&places, along: graph.edges, &random)
    return places.map { SIMD2<Double>($0) }
  }

  /// The start, scaled so that its largest coordinate is 10, with a little noise that parts equal points.
  private static func spread(_ start: [SIMD2<Double>], _ random: inout RandomStream) -> [SIMD2<Float>] {
    let largest = start.reduce(0) { max($0, abs($1.x), abs($1.y)) }
    let scale = largest > 0 && largest.isFinite ? 10 / largest : 0
    return start.map { place in
      let noise = SIMD2(random.normal(), random.normal()) * 1e-4
      return SIMD2<Float>((scale > 0 ? place * scale : .zero) + noise)
    }
  }

  /// Stochastic gradient descent on the cross entropy of the graph and that of the map (section 3.2 and appendix C).
  ///
  /// An edge of the largest weight pulls in every epoch, others as often as their weight says. What is pulled is then pushed
  /// away by points that are drawn.
  private func move(_ places: inout [SIMD2<Float>], along edges: [NeighbourGraph.Edge], _ random: inout RandomStream) {
    let curve = Self.curve(leastDistance: leastDistance)
    let (a, b) = (Float(curve.a), Float(curve.b))
    let most = edges.map(\.weight).max() ?? 0
    let used = edges.filter { $0.weight * Double(epochs) >= most }
    let periods = used.map { Float(most / $0.weight) }
    var nextPulls = periods
    var nextPushes = periods.map { $0 / Float(pushes) }
    let count = places.count
    for epoch in 0..<epochs {
      let (now, rate) = (Float(epoch), 1 - Float(epoch) / Float(epochs))
      for (index, edge) in used.enumerated() where nextPulls[index] <= now {
        let apart = places[edge.from] - places[edge.to]
        let square = (apart * apart).sum()
        if square > 0 {
          let power = Self.power(square, b)
          let step = Self.clipped(apart * (-2 * a * b * power / square / (a * power + 1))) * rate
          places[edge.from] += step
          places[edge.to] -= step
        }
        nextPulls[index] += periods[index]
        let period = periods[index] / Float(pushes)
        let due = Int((now - nextPushes[index]) / period)
        for _ in 0..<max(0, due) {
          let other = random.integer(below: count)
          let apart = places[edge.from] - places[other]
          let square = (apart * apart).sum()
          guard square > 0 else { continue }
          let force = 2 * b / ((0.001 + square) * (a * Self.power(square, b) + 1))
          places[edge.from] += Self.clipped(apart * force) * rate
        }
        nextPushes[index] += Float(due) * period
      }
    }
  }

  private static func power(_ square: Float, _ b: Float) -> Float { Elementary.exp(b * Elementary.log(square)) }

  private static func clipped(_ step: SIMD2<Float>) -> SIMD2<Float> {
    step.clamped(lowerBound: SIMD2(repeating: -mostStep), upperBound: SIMD2(repeating: mostStep))
  }

  // MARK: The curve

  /// The a and b for which 1 / (1 + a·x²ᵇ) is nearest to 1 up to the least distance and exp(least distance − x) behind it, at
  /// 300 points from 0 to 3 (umap-learn's `find_ab_params` with `spread` 1), by Levenberg and Marquardt's method.
  static func curve(leastDistance: Double) -> (a: Double, b: Double) {
    let points = (0..<300).map { 3 * Double($0) / 299 }
    let wanted = points.map { $0 < leastDistance ? 1 : Elementary.exp(leastDistance - $0) }
    func errors(_ a: Double, _ b: Double) -> Double {
      zip(points, wanted).reduce(0) { sum, point in
        let error = 1 / (1 + a * Elementary.pow(point.0, 2 * b)) - point.1
        return sum + error * error
      }
    }
    var (a, b, damping) = (1.0, 1.0, 1e-3)
    var least = errors(a, b)
    for _ in 0..<100 {
      // The normal equations of both unknowns.
      var (aa, ab, bb, ga, gb) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for (x, y) in zip(points, wanted) where x > 0 {
        let power = Elementary.pow(x, 2 * b)
        let value = 1 / (1 + a * power)
        let (da, db) = (-power * value * value, -2 * a * power * Elementary.log(x) * value * value)
        aa += da * da
        ab += da * db
        bb += db * db
        ga += da * (value - y)
        gb += db * (value - y)
      }
      let (da, db) = (aa * (1 + damping), bb * (1 + damping))
      let determinant = da * db - ab * ab
      guard determinant > 0 else { break }
      let (newA, newB) = (a - (db * ga - ab * gb) / determinant, b - (da * gb - ab * ga) / determinant)
      let found = newA > 0 && newB > 0 ? errors(newA, newB) : .infinity
      guard found < least else {
        damping *= 10
        if damping > 1e12 { break }
        continue
      }
      let isDone = abs(newA - a) < 1e-12 && abs(newB - b) < 1e-12
      (a, b, least, damping) = (newA, newB, found, damping / 10)
      if isDone { break }
    }
    return (a, b)
  }
}
