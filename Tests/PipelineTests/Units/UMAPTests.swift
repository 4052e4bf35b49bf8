import Host
import Testing

@testable import Pipeline

@Suite("UMAP")
struct UMAPTests {
  private func stream(_ seed: UInt64 = 1) -> RandomStream { RandomStream(seed: seed, purpose: .test) }

  /// Points around two centres in five dimensions, and which centre each is of.
  private func clouds(_ count: Int, apart: Double) -> (points: [[Double]], kinds: [Int]) {
    var random = stream(7)
    let kinds = (0..<count).map { $0 % 2 }
    return (kinds.map { kind in (0..<5).map { ($0 == 0 ? apart * Double(kind) : 0) + random.normal() } }, kinds)
  }

  @Test(
    "the curve is that of umap-learn",
    arguments: [
      // find_ab_params(1, min_dist) of umap-learn 0.5.
      (0.1, 1.576943460405378, 0.8950608781227859), (0.5, 0.5830300205483709, 1.334166992455648),
    ])
  func curve(leastDistance: Double, a: Double, b: Double) {
    let curve = UMAP.curve(leastDistance: leastDistance)
    #expect(abs(curve.a - a) < 1e-5 && abs(curve.b - b) < 1e-5, "\(curve)")
  }

  @Test("memberships of a neighbourhood are 1 for the nearest, fall with distance, and sum to log₂ of its size")
  func memberships() {
    let neighbours = (1..<15).map { (point: $0, distance: 1 + 0.3 * Double($0 * $0)) }
    let found = NeighbourGraph.memberships(neighbours, meanDistance: 1)
    #expect(found[1] == 1)
    for point in 2..<15 { #expect(found[point, default: 1] < found[point - 1, default: 0]) }
    // log₂ 15
    #expect(abs(found.values.sorted().reduce(0, +) - 3.9068905956) < 1e-4)
  }

  @Test("edges join neighbours in both directions, and are as heavy as one or the other holds")
  func union() {
    // 0 and 1 are each other's nearest; 2 is nobody's nearest, and its own is 1.
    let graph = NeighbourGraph([[0], [1], [3]], neighbours: 2)
    #expect(
      graph.edges == [
        .init(from: 0, to: 1, weight: 1), .init(from: 1, to: 0, weight: 1), .init(from: 1, to: 2, weight: 1),
        .init(from: 2, to: 1, weight: 1),
      ])
    // With all as neighbours: of a and b the union is a + b − ab, the same both ways.
    let whole = NeighbourGraph([[0], [1], [3], [3.5]], neighbours: 4)
    for edge in whole.edges {
      #expect(whole.edges.contains(.init(from: edge.to, to: edge.from, weight: edge.weight)))
      #expect(edge.weight > 0 && edge.weight <= 1)
    }
  }

  @Test("clouds that lie apart stay apart, and their points stay together")
  func clusters() {
    let (points, kinds) = clouds(60, apart: 12)
    let start = LatentFigures.components(points).places
    let map = UMAP().map(points, from: start, stream())
    let found = LatentFigures.separation(map.map { [$0.x, $0.y] }, kinds)
    #expect(found.purity == 1 && found.silhouette > 0.8, "\(found)")
    // Without a start that parts them they part too.
    let blind = UMAP().map(points, from: points.map { _ in .zero }, stream())
    let other = LatentFigures.separation(blind.map { [$0.x, $0.y] }, kinds)
    #expect(other.purity == 1 && other.silhouette > 0.5, "\(other)")
  }

  @Test("a map has the same bits again, and others by another seed")
  func bits() {
    let (points, _) = clouds(40, apart: 4)
    let start = LatentFigures.components(points).places
    let maps = [1, 1, 2].map { UMAP(epochs: 50).map(points, from: start, stream($0)) }
    #expect(maps[0] == maps[1] && maps[0] != maps[2])
    #expect(maps[0].allSatisfy { $0.x.isFinite && $0.y.isFinite })
    // From a start that no library makes, those of every machine.
    let plain = UMAP(epochs: 50).map(points, from: points.map { _ in .zero }, stream())
    let bits = plain.map { "\($0.x.bitPattern) \($0.y.bitPattern)" }.joined(separator: " ")
    #expect(FNV1a.hash(of: bits) == 14_173_821_940_127_487_126)
  }

  @Test("few points, equal ones, and none have a map; points that are no numbers have places that are none")
  func degenerate() {
    #expect(UMAP().map([], from: [], stream()).isEmpty)
    for points in [[[1.0, 2]], [[0], [1]], [[0], [1], [5]], Array(repeating: [3.0, 3], count: 20)] {
      let map = UMAP(epochs: 40).map(points, from: points.map { _ in .zero }, stream())
      #expect(map.count == points.count && map.allSatisfy { $0.x.isFinite && $0.y.isFinite }, "\(points)")
    }
    // Equal points are parted, however little.
    let equal = UMAP(epochs: 40).map(
      Array(repeating: [3.0], count: 9), from: Array(repeating: .zero, count: 9), stream())
    #expect(Set(equal).count == 9)
    let broken = UMAP().map([[0], [.nan], [1]], from: Array(repeating: .zero, count: 3), stream())
    #expect(broken.allSatisfy { $0.x.isNaN && $0.y.isNaN })
  }
}
