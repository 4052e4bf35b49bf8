import Host
import Imaging
import Testing

@testable import Pipeline

@Suite("Pieces of the test part")
struct TestBoxTests {
  @Test(
    "every voxel is in one piece, and no chunk of the results in two",
    arguments: [
      (Extents(z: 7, y: 50, x: 70), 0, Extents(z: 3, y: 16, x: 32)),
      (Extents(z: 7, y: 50, x: 70), 5, Extents(z: 3, y: 16, x: 32)),
      (Extents(y: 241, x: 239), 0, Extents(y: 64, x: 64)),
      (Extents(z: 40, y: 70, x: 300), 11, Extents(z: 32, y: 128, x: 96)),
      (Extents(z: 2, y: 300, x: 200), 0, Extents(z: 1, y: 300, x: 200)),
    ])
  func pieces(region: Extents, first: Int, chunk: Extents) {
    let pieces = TestBox.pieces(of: region, from: first, chunk: chunk)
    var seen = [Int](repeating: 0, count: region.count)
    var pieceOfChunk: [Extents: Int] = [:]
    for (number, piece) in pieces.enumerated() {
      #expect(piece.count <= max(1 << 20, chunk.count))
      for z in piece.z {
        for y in piece.y {
          for x in piece.x {
            seen[(z * region.y + y) * region.x + x] += 1
            let own = Extents(z: (first + z) / chunk.z, y: y / chunk.y, x: x / chunk.x)
            if pieceOfChunk[own, default: number] != number { Issue.record("chunk \(own) is in two pieces") }
            pieceOfChunk[own] = number
          }
        }
      }
    }
    #expect(seen.allSatisfy { $0 == 1 })
  }

  @Test("small chunks are joined along x and then along y, up to a million voxels")
  func joined() {
    let whole = TestBox.pieces(of: Extents(y: 512, x: 512), from: 0, chunk: Extents(y: 64, x: 64))
    #expect(whole == [Box(Extents(y: 512, x: 512))])
    let rows = TestBox.pieces(of: Extents(y: 4096, x: 4096), from: 0, chunk: Extents(y: 256, x: 256))
    #expect(rows.count == 16)
    #expect(rows[1] == Box(z: 0..<1, y: 256..<512, x: 0..<4096))
  }
}
