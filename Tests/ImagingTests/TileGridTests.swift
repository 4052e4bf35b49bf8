import Host
import Testing

@testable import Imaging

@Suite("TileGrid")
struct TileGridTests {
  /// How often each voxel of a volume lies in one of the boxes.
  static func coverage(_ boxes: [Box], _ extents: Extents) -> [Int] {
    var counts = [Int](repeating: 0, count: extents.count)
    for box in boxes {
      for z in box.z { for y in box.y { for x in box.x { counts[(z * extents.y + y) * extents.x + x] += 1 } } }
    }
    return counts
  }

  @Test("cores divide the region, and inputs hold the margin and are all of one size", arguments: 0..<200)
  func partition(trial: Int) {
    var stream = RandomStream(seed: 11, purpose: .test, keys: UInt64(trial))
    func extents(_ low: Int, _ high: Int) -> Extents {
      Extents(
        z: low + stream.integer(below: high - low), y: low + stream.integer(below: high - low),
        x: low + stream.integer(below: high - low))
    }
    let region = extents(1, 40)
    let tile = extents(1, 20)
    let margin = extents(0, 6)
    let multiple = extents(1, 5)
    let grid = TileGrid(region: region, tile: tile, margin: margin, multiple: multiple)
    #expect(Self.coverage(grid.map(\.core), region).allSatisfy { $0 == 1 })
    for tile in grid {
      #expect(Box(region).contains(tile.input))
      #expect(tile.input.extents == grid.input)
      func widened(_ range: Range<Int>, _ margin: Int, _ extent: Int) -> Range<Int> {
        max(0, range.lowerBound - margin)..<min(extent, range.upperBound + margin)
      }
      let core = tile.core
      #expect(!core.z.isEmpty && !core.y.isEmpty && !core.x.isEmpty)
      let wanted = Box(
        z: widened(core.z, margin.z, region.z), y: widened(core.y, margin.y, region.y),
        x: widened(core.x, margin.x, region.x))
      #expect(tile.input.contains(wanted))
      for (input, extent, multiple) in [
        (tile.input.z, region.z, multiple.z), (tile.input.y, region.y, multiple.y),
        (tile.input.x, region.x, multiple.x),
      ] {
        #expect(input.lowerBound % multiple == 0 && (extent - input.count) % multiple == 0)
      }
    }
  }

  @Test("a region that fits in one tile is one tile")
  func one() {
    let region = Extents(z: 8, y: 30, x: 30)
    let grid = TileGrid(region: region, tile: Extents(z: 8, y: 32, x: 28), margin: Extents(z: 0, y: 3, x: 1))
    #expect(Array(grid) == [Tile(input: Box(region), core: Box(region))])
  }

  @Test("cores begin at multiples of the tile; the last input is moved back")
  func example() {
    let grid = TileGrid(
      region: Extents(y: 1, x: 100), tile: Extents(y: 1, x: 32), margin: Extents(z: 0, y: 0, x: 4))
    #expect(grid.map(\.input.x) == [0..<40, 28..<68, 60..<100, 60..<100])
    #expect(grid.map(\.core.x) == [0..<32, 32..<64, 64..<96, 96..<100])
  }

  @Test("no more tiles are made than the region needs")
  func fewest() {
    let grid = TileGrid(region: Extents(z: 64, y: 64, x: 64), tile: Extents(z: 32, y: 32, x: 32))
    #expect(grid.count == 8)
    #expect(grid.allSatisfy { $0.core == $0.input && $0.core.count == 32 * 32 * 32 })
  }
}

extension TileGridTests {
  @Test("where an extent is no multiple of the pooling, tiles begin on its grid and end as the region does")
  func remainders() {
    let grid = TileGrid(
      region: Extents(y: 1, x: 61), tile: Extents(y: 1, x: 16), margin: Extents(z: 0, y: 0, x: 5),
      multiple: Extents(y: 1, x: 8))
    #expect(grid.map(\.input.x) == [0..<37, 8..<45, 24..<61, 24..<61])
    #expect(grid.map(\.core.x) == [0..<16, 16..<32, 32..<48, 48..<61])
  }

  @Test("tiles of an image that wraps around are read beyond its borders")
  func wraps() {
    let grid = TileGrid(
      region: Extents(y: 1, x: 40), tile: Extents(y: 1, x: 16), margin: Extents(z: 0, y: 0, x: 4),
      wraps: (false, false, true))
    #expect(grid.map(\.input.x) == [-4..<20, 12..<36, 28..<52])
    #expect(grid.map(\.core.x) == [0..<16, 16..<32, 32..<40])
  }

  @Test("windows overlap by half, the last is moved back, and the shares of a pixel's windows add up to 1")
  func windows() {
    let windows = BlendedWindows(
      region: Extents(z: 3, y: 13, x: 37), window: Extents(z: 5, y: 6, x: 16), multiple: Extents(y: 4, x: 8))
    #expect(windows.extents == Extents(z: 3, y: 9, x: 21) && windows.step == Extents(z: 3, y: 4, x: 8))
    let all = windows.overlapping(Box(windows.region))
    #expect(Set(all.map(\.y)) == [0..<9, 4..<13] && Set(all.map(\.x)) == [0..<21, 8..<29, 16..<37])
    let grid = TileGrid(blending: windows, tile: Extents(z: 3, y: 5, x: 30))
    #expect(Self.coverage(grid.map(\.core), windows.region).allSatisfy { $0 == 1 })
    for tile in grid {
      var sums = [Float](repeating: 0, count: tile.core.count)
      for view in grid.views(of: tile) {
        #expect(tile.input.contains(view))
        let core = tile.core
        let part = Box(z: core.z.clamped(to: view.z), y: core.y.clamped(to: view.y), x: core.x.clamped(to: view.x))
        let shares = windows.shares(of: view, in: part)
        for (z, a) in zip(part.z, shares.z) {
          for (y, b) in zip(part.y, shares.y) {
            for (x, c) in zip(part.x, shares.x) {
              let row = (z - core.z.lowerBound) * core.y.count + y - core.y.lowerBound
              sums[row * core.x.count + x - core.x.lowerBound] += a * b * c
            }
          }
        }
      }
      #expect(sums.allSatisfy { abs($0 - 1) < 1e-5 })
    }
  }
}
