import Host
import Imaging

/// Reads the tiles of some regions, a few at a time, and those that come next on a thread of its own while these are at
/// work: so a rank waits for its disk, and for what files are packed with, only where that takes longer than the work.
final class TileReader {
  /// Consecutive tiles of one part that are worked together.
  struct Batch {
    let part: Int
    let tiles: Range<Int>
  }

  private let thread = BackgroundThread()
  /// Pixels of the tiles at work, and of those that come next.
  private var pixels = [AlignedBuffer<Float>(count: 0), AlignedBuffer<Float>(count: 0)]

  /// Calls `body` for all tiles, in order.
  ///
  /// - Parameters:
  ///   - channels: of what is read.
  ///   - most: how many tiles of a grid are worked together.
  ///   - body: gets the pixels of each tile of the batch one after another, `channels` × the grid's input.
  /// - Throws: what a reader throws, when its tiles are wanted, and what `body` throws.
  func forEachBatch(
    of parts: [EnsemblePredictor.Tiles], channels: Int, together most: (TileGrid) -> Int,
    each body: (Batch, UnsafePointer<Float>) throws -> Void
  ) throws {
    func batch(after last: Batch?) -> Batch? {
      var (part, first) = (last?.part ?? 0, last?.tiles.upperBound)
      while part < parts.count {
        let tiles = parts[part].tiles
        let begin = first ?? tiles.lowerBound
        if begin < tiles.upperBound {
          return Batch(part: part, tiles: begin..<min(tiles.upperBound, begin + most(parts[part].grid)))
        }
        (part, first) = (part + 1, nil)
      }
      return nil
    }
    // Nobody writes to buffers that are freed.
    defer { try? thread.finish() }
    var (next, slot) = (batch(after: nil), 0)
    // While it is read nothing else can be done: it needs no thread.
    if let next { try read(next, of: parts[next.part], channels, slot)() }
    while let own = next {
      try thread.finish()
      next = batch(after: own)
      if let next { thread.start(read(next, of: parts[next.part], channels, 1 - slot)) }
      try body(own, pixels[slot].pointer)
      slot = 1 - slot
    }
  }

  /// What reads a batch into one of the buffers.
  private func read(
    _ batch: Batch, of part: EnsemblePredictor.Tiles, _ channels: Int, _ slot: Int
  ) -> @Sendable () throws -> Void {
    let count = channels * part.grid.input.count
    if pixels[slot].count != batch.tiles.count * count {
      pixels[slot] = AlignedBuffer(count: batch.tiles.count * count)
    }
    let target = pixels[slot]
    return {
      for (place, tile) in batch.tiles.lazy.map({ part.grid[$0] }).enumerated() {
        let own = UnsafeMutableBufferPointer(
          start: target.pointer + place * count, count: channels * tile.input.count)
        try EnsemblePredictor.read(tile.input, of: part.grid.region, channels: channels, by: part.read, into: own)
      }
    }
  }
}
