import HDF5
import Host

#if canImport(Glibc)
  import Glibc
#endif

/// How far kinds of images lie apart in each member's latent values, and a map of these in two dimensions.
struct LatentFigures: Sendable {
  /// The most images that are looked at; of more those at even distances.
  static let mostImages = 1000

  /// Places of the images in the test part.
  var images: [Int]
  /// Of each of them; empty when nothing is known of kinds.
  var kinds: [Int]
  /// `[member][image]`: the first two principal components.
  var map: [[SIMD2<Double>]] = []
  /// The share of the variance that they hold, for each member.
  var shares: [Double] = []
  /// The mean silhouette of the images, for each member (P. J. Rousseeuw, doi 10.1016/0377-0427(87)90125-7).
  var silhouettes: [Double] = []
  /// The share of images whose nearest neighbour is of their kind, for each member.
  var purities: [Double] = []

  /// - Parameters:
  ///   - latent: `[member, image, …]`.
  ///   - kinds: of each image; nil when nothing is known.
  /// - Throws: `HDF5Error`.
  init(_ latent: Dataset, kinds all: [Int]?) throws {
    let shape = try latent.shape
    let count = shape[1]
    let length = shape.dropFirst(2).reduce(1, *)
    let images =
      count <= Self.mostImages
      ? Array(0..<count) : (0..<Self.mostImages).map { $0 * (count - 1) / (Self.mostImages - 1) }
    self.images = images
    kinds = all.map { all in images.map { all[$0] } } ?? []
    for member in 0..<shape[0] {
      let slab = Hyperslab(
        start: [member] + shape.dropFirst().map { _ in 0 }, count: [1] + Array(shape.dropFirst()))
      let values = try latent.read(as: Float.self, slab)
      let points = images.map { image in values[image * length..<(image + 1) * length].map(Double.init) }
      let (places, share) = Self.components(points)
      map.append(places)
      shares.append(share)
      if !kinds.isEmpty {
        let (silhouette, purity) = Self.separation(points, kinds)
        silhouettes.append(silhouette)
        purities.append(purity)
      }
    }
  }

  // MARK: Mathematics

  /// The first two principal components of points, and the share of the variance that they hold (K. Pearson, 1901).
  static func components(_ points: [[Double]]) -> (places: [SIMD2<Double>], share: Double) {
    let none = (points.map { _ in SIMD2<Double>(0, 0) }, Double.nan)
    guard let length = points.first?.count, points.count > 1, length > 0 else { return none }
    let means = (0..<length).map { index in points.reduce(0) { $0 + $1[index] } / Double(points.count) }
    let centred = points.map { zip($0, means).map { $0 - $1 } }
    // Of few points with many values the products of points have the same components.
    let byPoints = points.count < length
    let n = min(points.count, length)
    var matrix = [Double](repeating: 0, count: n * n)
    if byPoints {
      for i in 0..<n {
        for j in 0...i { matrix[i * n + j] = zip(centred[i], centred[j]).reduce(0) { $0 + $1.0 * $1.1 } }
      }
    } else {
      for point in centred {
        for i in 0..<n {
          for j in 0...i { matrix[i * n + j] += point[i] * point[j] }
        }
      }
    }
    for i in 0..<n {
      for j in 0..<i { matrix[j * n + i] = matrix[i * n + j] }
    }
    let total = (0..<n).reduce(0) { $0 + matrix[$1 * n + $1] }
    guard total > 0, let found = BLAS.eigenvectors(of: matrix, n: n, count: min(2, n)) else { return none }
    let places = points.indices.map { index -> SIMD2<Double> in
      let values = found.map { value, vector in
        byPoints
          ? vector[index] * max(0, value).squareRoot() : zip(centred[index], vector).reduce(0) { $0 + $1.0 * $1.1 }
      }
      return [values[0], values.count > 1 ? values[1] : 0]
    }
    return (places, found.reduce(0) { $0 + $1.value } / total)
  }

  /// Mean silhouette, and share of points whose nearest neighbour is of their kind; NaN when all are of one kind.
  ///
  /// - Complexity: O(*points*²).
  static func separation(_ points: [[Double]], _ kinds: [Int]) -> (silhouette: Double, purity: Double) {
    let names = Set(kinds).sorted()
    let places = kinds.map { kind in names.firstIndex(of: kind) ?? 0 }
    let sizes = names.indices.map { place in places.count { $0 == place } }
    guard names.count > 1 else { return (.nan, .nan) }
    var (total, pure) = (0.0, 0)
    for i in points.indices {
      var sums = [Double](repeating: 0, count: names.count)
      var nearest = (distance: Double.infinity, place: -1)
      for j in points.indices where j != i {
        let distance = zip(points[i], points[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        sums[places[j]] += distance
        if distance < nearest.distance { nearest = (distance, places[j]) }
      }
      if nearest.place == places[i] { pure += 1 }
      // A point that is alone of its kind counts as 0.
      guard sizes[places[i]] > 1 else { continue }
      let own = sums[places[i]] / Double(sizes[places[i]] - 1)
      let other =
        names.indices.filter { $0 != places[i] }.map { sums[$0] / Double(sizes[$0]) }.min() ?? .infinity
      if max(own, other) > 0 { total += (other - own) / max(own, other) }
    }
    return (total / Double(points.count), Double(pure) / Double(points.count))
  }

  // MARK: Files and text

  /// Writes the group `latent` of an evaluation.
  func write(to evaluation: Group) throws {
    let group = try evaluation.createGroup("latent")
    try group.setAttribute("NX_class", "NXcollection")
    try group.write(images.map { Int64($0) }, to: "image")
      .setAttribute("long_name", "places of the images in the predictions")
    try group.write(map.flatMap { $0.flatMap { [$0.x, $0.y] } }, shape: [map.count, images.count, 2], to: "map")
      .setAttribute("long_name", "the first two principal components of the latent values, by member and image")
    try group.write(shares, to: "variance_share")
    guard !kinds.isEmpty else { return }
    try group.write(kinds.map { Int64($0) }, to: "kind")
    try group.write(silhouettes, to: "silhouette")
    try group.write(purities, to: "neighbour_purity").setAttribute(
      "long_name", "share of images whose nearest neighbour is of their kind, by member")
  }

  /// The figures of an evaluation's group `latent`; nil when there are none.
  init?(in evaluation: Group) throws {
    guard try evaluation.exists("latent") else { return nil }
    let group = try evaluation.group("latent")
    images = try group.read("image", as: Int.self)
    kinds = try group.exists("kind") ? group.read("kind", as: Int.self) : []
    let values = try group.read("map", as: Double.self)
    let count = 2 * images.count
    map = (0..<values.count / max(1, count)).map { member in
      stride(from: member * count, to: (member + 1) * count, by: 2).map { [values[$0], values[$0 + 1]] }
    }
    shares = try group.read("variance_share", as: Double.self)
    guard !kinds.isEmpty else { return }
    silhouettes = try group.read("silhouette", as: Double.self)
    purities = try group.read("neighbour_purity", as: Double.self)
  }

  /// A line of the table that a run ends with.
  var line: String {
    func range(_ values: [Double]) -> String {
      let known = values.filter(\.isFinite)
      guard let low = known.min(), let high = known.max() else { return "–" }
      return low == high ? TextTable.number(low) : "\(TextTable.number(low)) to \(TextTable.number(high))"
    }
    let map = "two principal components hold \(range(shares)) of the variance"
    guard !kinds.isEmpty else { return "latent values: \(map)" }
    return "latent values, members: silhouette of kinds \(range(silhouettes)), nearest neighbour of the same kind "
      + "\(range(purities)); \(map)"
  }
}
