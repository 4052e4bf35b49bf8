import HDF5
import Synchronization
import Testing

@testable import ImageFiles

@Suite("Unpacking on several threads", .serialized)
struct UnpackingTests {
  private struct Failure: Error, Equatable { var piece: Int }

  /// Calls `body` with other numbers of threads, and sets them back.
  private static func withThreads(_ counts: [Int], _ body: (Int) throws -> Void) rethrows {
    let before = ArrayFile.threads
    defer { ArrayFile.threads = before }
    for count in counts {
      ArrayFile.threads = count
      try body(count)
    }
  }

  @Test("every piece is done once, and of several that fail the first is told, on any number of threads")
  func pieces() throws {
    try Self.withThreads([1, 2, 5]) { threads in
      let seen = Mutex([Int](repeating: 0, count: 100))
      try Unpacking.run(count: 100, bytes: 1000) { piece in seen.withLock { $0[piece] += 1 } }
      #expect(seen.withLock { $0 == Array(repeating: 1, count: 100) }, "\(threads) threads")
      for _ in 0..<20 {
        #expect(throws: Failure(piece: 13)) {
          try Unpacking.run(count: 100, bytes: 1000) { if [13, 40, 41, 99].contains($0) { throw Failure(piece: $0) } }
        }
      }
      // Within another run, and of pieces that take all the room, the caller does them.
      try Unpacking.run(count: 2, bytes: 1) { _ in
        try Unpacking.run(count: 3, bytes: 1) { piece in seen.withLock { $0[piece] += 1 } }
      }
      try Unpacking.run(count: 3, bytes: .max) { piece in seen.withLock { $0[piece] += 1 } }
      #expect(seen.withLock { $0[2] == 4 && $0[3] == 1 })
    }
  }

  @Test("chunks, shards and blocks that threads unpack together give the numbers that one gives")
  func sameNumbers() throws {
    let packed = [
      "gzip.zarr", "sharded.zarr", "zstd.zarr", "fortran.zarr", "v04.zarr:0", "v05.zarr:0", "i16-lzw.tif",
      "u32-deflate.tif",
      "f32-tiled.tif", "rgb-planar.tif", "bits.tif",
    ]
    for location in packed {
      var found: [[Double]] = []
      try Self.withThreads([1, 3]) { _ in
        let array = try fixture(location)
        for _ in 0..<3 { found.append(try array.read(as: Double.self, Hyperslab(all: array.shape))) }
      }
      #expect(found.allSatisfy { $0 == found[0] }, "\(location)")
    }
  }
}
