import Host

/// The coverage where it is worst: between two parallel planes in the space of some features (Cauchois, Gupta and Duchi, arXiv
/// 2004.10181, section 4; as Romano, Sesia and Candès, arXiv 2006.02544, section 4.1, measure it).
///
/// Marginal coverage can hide that some kind of pixel is covered less. A slab that holds a share of the pixels is looked for
/// on one half of them, and its coverage told on the other half, so that it is not low by chance.
public enum WorstSlab {
  /// The share of pixels that a slab holds at least.
  public static let share = 0.1
  /// Directions that are tried.
  public static let directions = 64

  /// The coverage in the worst slab.
  ///
  /// - Parameters:
  ///   - features: `[pixel, feature]`; of each the mean is taken away and the deviation divided by.
  ///   - covered: whether the truth of each pixel is in its set or interval.
  /// - Returns: always the same for the same pixels; NaN of fewer than 40.
  /// - Complexity: O(*directions* · *pixels*² · `share`).
  public static func coverage(_ features: [Float], covered: [Bool]) -> Double {
    let pixels = covered.count
    guard pixels >= 40 else { return .nan }
    let width = features.count / pixels
    let scaled = standardized(features, width: width)
    var random = RandomStream(seed: 0, purpose: .init("worst slab"))
    let directions = (0..<directions).map { _ -> [Double] in
      // The sum of twelve uniform numbers is nearly normal.
      (0..<width).map { _ in (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &random) } }
    }
    var order = Array(0..<pixels)
    for place in 0..<pixels - 1 {
      order.swapAt(place, Int.random(in: place..<pixels, using: &random))
    }
    func part(_ pixels: ArraySlice<Int>) -> (features: [Double], covered: [Bool]) {
      (pixels.flatMap { scaled[$0 * width..<($0 + 1) * width] }, pixels.map { covered[$0] })
    }
    let (own, others) = (part(order[..<(pixels / 2)]), part(order[(pixels / 2)...]))
    let slab = slab(own.features, covered: own.covered, directions: directions, share: share)
    let inside = others.covered.indices.filter { pixel in
      let place = projection(others.features, pixel, slab.direction)
      return slab.low <= place && place <= slab.high
    }
    return Double(inside.count { others.covered[$0] }) / Double(inside.count)
  }

  private static func standardized(_ features: [Float], width: Int) -> [Double] {
    let pixels = features.count / width
    var result = features.map { $0.isFinite ? Double($0) : 0 }
    for feature in 0..<width {
      let places = stride(from: feature, to: result.count, by: width)
      let mean = places.reduce(0) { $0 + result[$1] } / Double(pixels)
      let variance = places.reduce(0) { $0 + (result[$1] - mean) * (result[$1] - mean) } / Double(pixels)
      for place in places { result[place] = variance > 0 ? (result[place] - mean) / variance.squareRoot() : 0 }
    }
    return result
  }

  private static func projection(_ features: [Double], _ pixel: Int, _ direction: [Double]) -> Double {
    let first = pixel * direction.count
    return direction.indices.reduce(0) { $0 + direction[$1] * features[first + $1] }
  }

  /// The slab with the least coverage of some directions, the first of equals.
  ///
  /// - Parameter features: `[pixel, feature]`.
  static func slab(
    _ features: [Double], covered: [Bool], directions: [[Double]], share: Double
  ) -> (direction: [Double], low: Double, high: Double, coverage: Double) {
    let pixels = covered.count
    let least = max(1, Int((share * Double(pixels)).rounded()))
    var best = (direction: directions[0], low: -Double.infinity, high: Double.infinity, coverage: Double.infinity)
    for direction in directions {
      let places = (0..<pixels).map { projection(features, $0, direction) }
      let order = places.indices.sorted { (places[$0], $0) < (places[$1], $1) }
      var sums = [0]
      sums.reserveCapacity(pixels + 1)
      for pixel in order { sums.append(sums[sums.count - 1] + (covered[pixel] ? 1 : 0)) }
      sums.withUnsafeBufferPointer { sums in
        guard least <= pixels else { return }
        for first in 0...pixels - least {
          // A longer slab falls into two, of which one is no better covered.
          for end in first + least...min(pixels, first + 2 * least - 1) {
            let coverage = Double(sums[end] - sums[first]) / Double(end - first)
            if coverage < best.coverage {
              best = (direction, places[order[first]], places[order[end - 1]], coverage)
            }
          }
        }
      }
    }
    return best
  }
}
