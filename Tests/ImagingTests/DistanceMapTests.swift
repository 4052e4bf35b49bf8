import Host
import TestSupport
import Testing

@testable import Imaging

@Suite struct DistanceMapTests {
  private func random(_ count: Int, share: Float, _ random: inout TestRandom) -> [UInt8] {
    random.uniforms(count).map { ($0 + 1) / 2 < share ? 1 : 0 }
  }

  @Test func `distances to a set are the least over its voxels, in planes and volumes, with any spacing`() {
    var source = TestRandom(5)
    for round in 0..<30 {
      let extents = Extents(
        z: round % 2 == 0 ? 1 : source.integer(1...5), y: source.integer(1...7), x: source.integer(1...9))
      let spacing = round % 3 == 0 ? (z: 1.0, y: 1.0, x: 1.0) : (z: 2.5, y: 0.5, x: 1.25)
      let set = random(extents.count, share: round % 4 == 0 ? 0.05 : 0.3, &source)
      let maps = DistanceMap.Element.allCases.map {
        DistanceMap(to: set, extents: extents, element: $0, spacing: spacing).distances
      }
      func place(_ voxel: Int) -> (Int, Int, Int) {
        (voxel / (extents.y * extents.x), voxel / extents.x % extents.y, voxel % extents.x)
      }
      for voxel in set.indices {
        let (z, y, x) = place(voxel)
        let all = set.indices.filter { set[$0] != 0 }.map { other -> (Double, Double, Double) in
          let (oz, oy, ox) = place(other)
          let (dz, dy, dx) = (Double(abs(z - oz)), Double(abs(y - oy)), Double(abs(x - ox)))
          let ball = (dz * spacing.z, dy * spacing.y, dx * spacing.x)
          return (
            (ball.0 * ball.0 + ball.1 * ball.1 + ball.2 * ball.2).squareRoot(), dz + dy + dx, max(dz, dy, dx)
          )
        }
        let least = [all.map(\.0).min(), all.map(\.1).min(), all.map(\.2).min()].map { $0 ?? .infinity }
        for (map, expected) in zip(maps, least) {
          #expect(expected == .infinity ? map[voxel] == .infinity : abs(Double(map[voxel]) - expected) < 1e-5)
        }
      }
    }
  }

  /// The rule of the paper (Mossina and Friedrich, arXiv 2503.05618, section 3), written from it: the least number of
  /// dilations of the prediction by a structuring element that hold a share τ of the truth.
  private func dilations(
    _ predicted: [UInt8], _ truth: [UInt8], _ extents: Extents, offsets: [(Int, Int)], share: Double
  ) -> Int? {
    var mask = predicted
    let wanted = share * Double(truth.count { $0 != 0 })
    for count in 0...extents.y + extents.x {
      if Double(zip(mask, truth).count { $0 != 0 && $1 != 0 }) >= wanted - 1e-9 { return count }
      var next = mask
      for y in 0..<extents.y {
        for x in 0..<extents.x where mask[y * extents.x + x] != 0 {
          for (dy, dx) in offsets where (0..<extents.y).contains(y + dy) && (0..<extents.x).contains(x + dx) {
            next[(y + dy) * extents.x + x + dx] = 1
          }
        }
      }
      mask = next
    }
    return nil
  }

  @Test func `margins of a thousand random masks are the number of dilations of the paper's rule`() {
    var source = TestRandom(8)
    let cross = [(0, 1), (0, -1), (1, 0), (-1, 0)]
    let square = (-1...1).flatMap { y in (-1...1).map { (y, $0) } }
    for round in 0..<1000 {
      let extents = Extents(y: source.integer(3...8), x: source.integer(3...8))
      let predicted = random(extents.count, share: round % 10 == 0 ? 0 : 0.1, &source)
      let truth = random(extents.count, share: 0.3, &source)
      let share = [0.5, 0.9, 1][round % 3]
      let isSquare = round % 2 == 0
      let expected = dilations(predicted, truth, extents, offsets: isSquare ? square : cross, share: share)
      let map = DistanceMap(to: predicted, extents: extents, element: isSquare ? .square : .cross)
      let found = Margin.covering(share, of: zip(map.distances, truth).filter { $0.1 != 0 }.map(\.0))
      #expect(found == expected.map { Float($0) } ?? .infinity, "round \(round)")
    }
  }
}
