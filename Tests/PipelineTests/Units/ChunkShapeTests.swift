import Host
import Imaging
import Testing

@testable import Pipeline

@Suite struct ChunkShapeTests {
  @Test("a chunk is an equal part of a core, or of an axis that is one core, and no larger than readers keep")
  func parts() {
    func chunk(_ region: Extents, _ core: Extents, _ bytes: Int) -> Extents {
      ChunkShape.extents(of: TileGrid(region: region, tile: core), pixelBytes: bytes)
    }
    let volume = Extents(z: 256, y: 256, x: 256)
    #expect(chunk(volume, Extents(z: 64, y: 64, x: 64), 8) == Extents(z: 32, y: 64, x: 64))
    #expect(chunk(volume, Extents(z: 64, y: 64, x: 64), 4) == Extents(z: 64, y: 64, x: 64))
    // 97 has no parts of several slices; where it is all of the axis, it needs none.
    #expect(chunk(Extents(z: 970, y: 128, x: 128), Extents(z: 97, y: 128, x: 128), 8).z == 1)
    #expect(chunk(Extents(z: 97, y: 128, x: 128), Extents(z: 97, y: 128, x: 128), 8) == Extents(z: 8, y: 128, x: 128))
    // A slice that is too large is cut along y.
    let image = Extents(y: 2048, x: 2048)
    #expect(chunk(image, image, 8) == Extents(y: 64, x: 2048))
    #expect(chunk(Extents(y: 4096, x: 4096), image, 8) == Extents(y: 64, x: 2048))
    #expect(chunk(Extents(y: 1999, x: 2048), Extents(y: 1999, x: 2048), 8) == Extents(y: 63, x: 2048))
    #expect(chunk(Extents(y: 10, x: 10), Extents(y: 10, x: 10), 8) == Extents(y: 10, x: 10))
  }
}
