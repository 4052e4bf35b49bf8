import HDF5
import Host
import MessagePassing

#if canImport(Glibc)
  import Glibc
#endif

/// How far kinds of images lie apart in each member's latent values, and maps of these in two dimensions.
struct LatentFigures: Sendable {
  /// The most images that are looked at; of more those at even distances.
  static let mostImages = 1000

  /// Where kinds are told apart: in the latent values themselves, or in a map.
  enum Space: String, CaseIterable, Sendable {
    case latent
    /// The first two principal components.
    case components = "map"
    case umap

    /// In a table.
    var title: String {
      switch self {
      case .latent: "latent values"
      case .components: "principal components"
      case .umap: "UMAP"
      }
    }

    /// Before the names of datasets.
    fileprivate var prefix: String { self == .latent ? "" : rawValue + "_" }
  }

  /// How far kinds lie apart.
  struct Separation: Hashable, Sendable {
    /// The mean silhouette (P. J. Rousseeuw, doi 10.1016/0377-0427(87)90125-7).
    var silhouette: Double
    /// The share of points whose nearest neighbour is of their kind.
    var purity: Double
  }

  /// What is known of one member's latent values.
  struct OfMember: Sendable {
    /// Of each image, its first two principal components.
    var map: [SIMD2<Double>] = []
    /// Of each image, its place in a map by UMAP; none in files of earlier programs.
    var umap: [SIMD2<Double>] = []
    /// The share of the variance that the components hold.
    var share = Double.nan
    /// How far kinds lie apart; empty when nothing is known of kinds.
    var separations: [Space: Separation] = [:]

    /// A map of the images; empty where there is none.
    func places(_ space: Space) -> [SIMD2<Double>] { space == .umap ? umap : map }
  }

  /// Places of the images in the test part.
  var images: [Int]
  /// Of each of them; empty when nothing is known of kinds.
  var kinds: [Int]
  var members: [OfMember] = []

  /// Reads latent values; ranks share the members. Collective.
  ///
  /// - Parameters:
  ///   - latent: `[member, image, …]`.
  ///   - kinds: of each image; nil when nothing is known.
  ///   - seed: of the ensemble.
  /// - Throws: `RemoteFailure`, on all ranks.
  init(_ latent: Dataset, kinds all: [Int]?, seed: UInt64, over world: Communicator) throws {
    let shape = try world.agree { try latent.shape }
    let count = shape[1]
    let length = shape.dropFirst(2).reduce(1, *)
    let images =
      count <= Self.mostImages
      ? Array(0..<count) : (0..<Self.mostImages).map { $0 * (count - 1) / (Self.mostImages - 1) }
    let kinds = all.map { all in images.map { all[$0] } } ?? []
    (self.images, self.kinds) = (images, kinds)
    let own = try world.agree {
      try stride(from: world.rank, to: shape[0], by: world.size).flatMap { member in
        let slab = Hyperslab(
          start: [member] + shape.dropFirst().map { _ in 0 }, count: [1] + Array(shape.dropFirst()))
        let values = try latent.read(as: Float.self, slab)
        let points = images.map { image in values[image * length..<(image + 1) * length].map(Double.init) }
        let random = RandomStream(seed: seed, purpose: .map, keys: UInt64(member))
        return OfMember(points, kinds, random).numbers
      }
    }
    let width = OfMember.width(images: images.count)
    let parts = try world.allGather(own)
    members = (0..<shape[0]).map { member in
      let first = member / world.size * width
      return OfMember(numbers: parts[member % world.size][first..<first + width], hasKinds: !kinds.isEmpty)
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
  static func separation(_ points: [[Double]], _ kinds: [Int]) -> Separation {
    let names = Set(kinds).sorted()
    let places = kinds.map { kind in names.firstIndex(of: kind) ?? 0 }
    let sizes = names.indices.map { place in places.count { $0 == place } }
    guard names.count > 1 else { return Separation(silhouette: .nan, purity: .nan) }
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
    return Separation(
      silhouette: total / Double(points.count), purity: Double(pure) / Double(points.count))
  }

  // MARK: Files and text

  /// Writes the group `latent` of an evaluation.
  func write(to evaluation: Group) throws {
    let group = try evaluation.createGroup("latent")
    try group.setAttribute("NX_class", "NXcollection")
    try group.write(images.map { Int64($0) }, to: "image")
      .setAttribute("long_name", "places of the images in the predictions")
    for (space, words) in [(Space.components, "the first two principal components"), (.umap, "a map by UMAP")] {
      try group.write(
        members.flatMap { $0.places(space).flatMap { [$0.x, $0.y] } }, shape: [members.count, images.count, 2],
        to: space.rawValue
      ).setAttribute("long_name", "\(words) of the latent values, by member and image")
    }
    try group.write(members.map(\.share), to: "variance_share")
    guard !kinds.isEmpty else { return }
    try group.write(kinds.map { Int64($0) }, to: "kind")
    for space in Space.allCases {
      let all = members.compactMap { $0.separations[space] }
      try group.write(all.map(\.silhouette), to: space.prefix + "silhouette")
        .setAttribute("long_name", "mean silhouette of kinds in \(space.title), by member")
      try group.write(all.map(\.purity), to: space.prefix + "neighbour_purity").setAttribute(
        "long_name", "share of images whose nearest neighbour in \(space.title) is of their kind, by member")
    }
  }

  /// The figures of an evaluation's group `latent`; nil when there are none.
  init?(in evaluation: Group) throws {
    guard try evaluation.exists("latent") else { return nil }
    let group = try evaluation.group("latent")
    images = try group.read("image", as: Int.self)
    kinds = try group.exists("kind") ? group.read("kind", as: Int.self) : []
    let count = 2 * images.count
    members = try group.read("variance_share", as: Double.self).map { OfMember(share: $0) }
    for space in [Space.components, .umap] where try group.exists(space.rawValue) {
      let values = try group.read(space.rawValue, as: Double.self)
      for member in members.indices where values.count >= (member + 1) * count {
        let places = stride(from: member * count, to: (member + 1) * count, by: 2).map {
          SIMD2(values[$0], values[$0 + 1])
        }
        if space == .umap { members[member].umap = places } else { members[member].map = places }
      }
    }
    for space in Space.allCases where try group.exists(space.prefix + "silhouette") {
      let silhouettes = try group.read(space.prefix + "silhouette", as: Double.self)
      let purities = try group.read(space.prefix + "neighbour_purity", as: Double.self)
      for (member, found) in zip(silhouettes, purities).enumerated() where members.indices.contains(member) {
        members[member].separations[space] = Separation(silhouette: found.0, purity: found.1)
      }
    }
  }

  /// What `line` begins with.
  static let lineStart = "latent values"

  /// A line of the table that a run ends with.
  var line: String {
    func range(_ values: [Double]) -> String {
      let known = values.filter(\.isFinite)
      guard let low = known.min(), let high = known.max() else { return "–" }
      return low == high ? TextTable.number(low) : "\(TextTable.number(low)) to \(TextTable.number(high))"
    }
    let map = "two principal components hold \(range(members.map(\.share))) of the variance"
    guard !kinds.isEmpty else { return "\(Self.lineStart): \(map)" }
    func all(_ space: Space, _ value: KeyPath<Separation, Double>) -> String {
      range(members.compactMap { $0.separations[space]?[keyPath: value] })
    }
    return
      "\(Self.lineStart), members: silhouette of kinds \(all(.latent, \.silhouette)), nearest neighbour of the same kind "
      + "\(all(.latent, \.purity)); in a map by UMAP \(all(.umap, \.silhouette)) and \(all(.umap, \.purity)); \(map)"
  }
}

extension LatentFigures.OfMember {
  /// What is known of points.
  ///
  /// - Parameters:
  ///   - kinds: of each; empty when nothing is known.
  ///   - random: for the map by UMAP.
  fileprivate init(_ points: [[Double]], _ kinds: [Int], _ random: RandomStream) {
    (map, share) = LatentFigures.components(points)
    umap = UMAP().map(points, from: map, random)
    guard !kinds.isEmpty else { return }
    for space in LatentFigures.Space.allCases {
      let own = space == .latent ? points : places(space).map { [$0.x, $0.y] }
      separations[space] = LatentFigures.separation(own, kinds)
    }
  }

  /// How many numbers `numbers` are.
  fileprivate static func width(images: Int) -> Int { 4 * images + 1 + 2 * LatentFigures.Space.allCases.count }

  /// All of it, for other ranks.
  fileprivate var numbers: [Double] {
    (map + umap).flatMap { [$0.x, $0.y] } + [share]
      + LatentFigures.Space.allCases.flatMap { space -> [Double] in
        separations[space].map { [$0.silhouette, $0.purity] } ?? [.nan, .nan]
      }
  }

  fileprivate init(numbers: ArraySlice<Double>, hasKinds: Bool) {
    let all = Array(numbers)
    let spaces = LatentFigures.Space.allCases
    let count = (all.count - 1 - 2 * spaces.count) / 4
    let places = (0..<2 * count).map { SIMD2(all[2 * $0], all[2 * $0 + 1]) }
    (map, umap, share) = (Array(places.prefix(count)), Array(places.suffix(count)), all[4 * count])
    guard hasKinds else { return }
    for (index, space) in spaces.enumerated() {
      separations[space] = LatentFigures.Separation(
        silhouette: all[4 * count + 1 + 2 * index], purity: all[4 * count + 2 + 2 * index])
    }
  }
}

extension RandomStream.Purpose {
  /// Maps of points in two dimensions.
  fileprivate static let map = RandomStream.Purpose("map")
}
