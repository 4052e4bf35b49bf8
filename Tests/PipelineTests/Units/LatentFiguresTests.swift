import Testing

@testable import Pipeline

@Suite("Figures of latent values")
struct LatentFiguresTests {
  @Test("components of points on a line are their places on it, whether values or points are more")
  func components() {
    for length in [2, 9] {
      let direction = (0..<length).map { Double($0 + 1) }
      let norm = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let steps = [-3.0, -1, 0, 4, 0]
      let (places, share) = LatentFigures.components(steps.map { step in direction.map { 7 + step * $0 / norm } })
      #expect(abs(share - 1) < 1e-9)
      let sign = places[3].x > 0 ? 1.0 : -1
      for (place, step) in zip(places, steps) {
        #expect(abs(sign * place.x - step) < 1e-9 && abs(place.y) < 1e-6)
      }
    }
  }

  @Test("kinds that lie far apart have a silhouette near 1 and pure neighbours, mixed ones do not")
  func separation() {
    let points = [0.0, 1, 100, 101].map { [$0, 0] }
    let apart = LatentFigures.separation(points, [3, 3, 8, 8])
    // Own distance 1, the other kind at 100.5 or 99.5.
    #expect(abs(apart.silhouette - (1 - (1 / 100.5 + 1 / 99.5) / 2)) < 1e-12 && apart.purity == 1)
    let mixed = LatentFigures.separation(points, [3, 8, 3, 8])
    #expect(mixed.silhouette < 0 && mixed.purity == 0)
    #expect(LatentFigures.separation(points, [1, 1, 1, 1]).silhouette.isNaN)
  }
}
