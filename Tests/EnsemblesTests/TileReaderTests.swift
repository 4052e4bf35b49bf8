import Dispatch
import Host
import Imaging
import Networks
import Synchronization
import Testing

@testable import Ensembles

@Suite struct TileReaderTests {
  private struct Sad: Error, Equatable { var tile: Int }

  private let grid = TileGrid(region: Extents(y: 4, x: 12), tile: Extents(y: 4, x: 4))

  /// Reads the number of a tile's first column into all of its pixels.
  private func columns(_ box: Box, _ pixels: UnsafeMutableBufferPointer<Float>) {
    pixels.update(repeating: Float(box.x.lowerBound))
  }

  @Test("tiles of all parts come in order, so many at a time, each with its own pixels", arguments: 1...4)
  func order(together: Int) throws {
    let small = TileGrid(region: Extents(y: 2, x: 6), tile: Extents(y: 2, x: 2))
    let parts = [(grid, 0..<3), (small, 1..<3), (small, 2..<2), (grid, 1..<2)].map { grid, tiles in
      EnsemblePredictor.Tiles(grid: grid, tiles: tiles) { box, pixels in
        #expect(pixels.count == 2 * box.count)
        columns(box, pixels)
      }
    }
    let reader = TileReader()
    // What it held before does not matter.
    for _ in 0..<2 {
      var seen: [[Int]] = []
      try reader.forEachBatch(
        of: parts, channels: 2, together: { _ in together },
        each: { batch, pixels in
          let grid = parts[batch.part].grid
          #expect(batch.tiles.count <= together)
          for (place, tile) in batch.tiles.enumerated() {
            let size = 2 * grid.input.count
            let own = UnsafeBufferPointer(start: pixels + place * size, count: size)
            #expect(own.allSatisfy { $0 == Float(grid[tile].input.x.lowerBound) })
            seen.append([batch.part, tile])
          }
        })
      #expect(seen == [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [3, 1]])
    }
  }

  @Test("the next tile is read while the one before is at work")
  func ahead() throws {
    let reads = Mutex<[Int]>([])
    let hasRead = DispatchSemaphore(value: 0)
    let part = EnsemblePredictor.Tiles(grid: grid, tiles: 0..<3) { box, pixels in
      columns(box, pixels)
      reads.withLock { $0.append(box.x.lowerBound) }
      hasRead.signal()
    }
    #expect(hasRead.wait(timeout: .now()) == .timedOut)
    try TileReader().forEachBatch(
      of: [part], channels: 1, together: { _ in 1 },
      each: { batch, pixels in
        // Its own read, or that of the next, which nobody but a thread beside this one can do now.
        let next = min(3, batch.tiles.upperBound + 1)
        while reads.withLock({ $0.count }) < next { #expect(hasRead.wait(timeout: .now() + 60) == .success) }
        #expect(pixels[0] == Float(4 * batch.tiles.lowerBound))
      })
    #expect(reads.withLock { $0 } == [0, 4, 8])
  }

  @Test("a tile that cannot be read is an error when its turn comes, and one that cannot be worked ends the reading")
  func failures() throws {
    let part = EnsemblePredictor.Tiles(grid: grid, tiles: 0..<3) { box, pixels in
      if box.x.lowerBound == 8 { throw Sad(tile: 2) }
      columns(box, pixels)
    }
    let reader = TileReader()
    var worked: [Int] = []
    #expect(throws: Sad(tile: 2)) {
      try reader.forEachBatch(
        of: [part], channels: 1, together: { _ in 1 },
        each: { batch, _ in
          worked.append(batch.tiles.lowerBound)
        })
    }
    #expect(worked == [0, 1])
    #expect(throws: Sad(tile: 1)) {
      try reader.forEachBatch(
        of: [part], channels: 1, together: { _ in 1 },
        each: { batch, _ in
          if batch.tiles.lowerBound == 1 { throw Sad(tile: 1) }
        })
    }
    // It serves again.
    worked = []
    var whole = part
    whole.tiles = 0..<2
    try reader.forEachBatch(
      of: [whole], channels: 1, together: { _ in 2 },
      each: { batch, pixels in
        worked += Array(batch.tiles)
        #expect(pixels[0] == 0 && pixels[16] == 4)
      })
    #expect(worked == [0, 1])
  }
}
