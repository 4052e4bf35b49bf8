import Foundation
import Host
import MessagePassing
import TestSupport
import Testing

@testable import HDF5

/// Files that ranks write together. They hold for any number of ranks; `mpirun` gives more than one.
@MainActor @Suite("MPI shared files", .serialized)
struct MPISharedFileTests {
  private func values(_ range: Range<Int>) -> [Float] { range.map { Float(($0 &* 7919) % 1000) / 8 } }

  /// Writes rows of a dataset of `[23, 10, 6]` in chunks of 4 rows, each by one of the ranks but the last.
  private func write(
    _ file: SharedFile, _ dataset: SharedDataset, _ ranks: Communicator, before: (Int) throws -> Void = { _ in }
  ) throws {
    let writers = max(1, ranks.size - 1)
    for index in 0..<6 where index % writers == ranks.rank {
      try before(index)
      let rows = index * 4..<min(23, index * 4 + 4)
      let slab = Hyperslab(start: [rows.lowerBound, 0, 0], count: [rows.count, 10, 6])
      try file.write([try dataset.part(values(rows.lowerBound * 60..<rows.upperBound * 60), slab)])
    }
  }

  @Test(
    "chunks of all ranks, some without any, are a serial file's data",
    arguments: [[4, 10, 6], [4, 3, 4], [2, 10, 5]])
  func chunks(chunk: [Int]) throws {
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      let path = folder + "/shared.h5"
      let layout = Layout.chunked(chunk, deflate: 5, checksum: true)
      let file = try SharedFile(creating: path, on: ranks)
      let dataset = try file.createDataset("a/values", of: Float.self, shape: [23, 10, 6], layout: layout)
      let bytes = try file.createDataset("a/bytes", of: UInt8.self, shape: [ranks.size], layout: .chunked([1]))
      try write(file, dataset, ranks)
      // Ranks write as often as they like.
      for _ in 0..<ranks.rank {
        try file.write([try bytes.part([UInt8(ranks.rank)], Hyperslab(start: [ranks.rank], count: [1]))])
      }
      try file.finish()

      try File.with(path) { file in
        let dataset = try file.dataset("a/values")
        #expect(try dataset.read(as: Float.self) == values(0..<23 * 60))
        #expect(dataset.chunk == chunk)
        #expect(try dataset.filters == ["shuffle", "deflate", "fletcher32"])
        #expect(try file.read("a/bytes", as: UInt8.self).dropFirst() == (0..<ranks.size).map(UInt8.init).dropFirst())
      }
      try ranks.barrier()
      // The file can be added to.
      if ranks.rank == 0 { _ = try File.with(path, mode: .readWrite) { try $0.write([1.5], to: "more") } }
      try ranks.barrier()
      let again = try File.with(path) { try $0.read("a/values", as: Float.self) }
      #expect(again == values(0..<23 * 60))
      try ranks.barrier()
    }
  }

  @Test("chunks that are stored as they are have the checksum that the library compares, of any length and content")
  func plainChunks() throws {
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      let path = folder + "/plain.h5"
      var random = TestRandom(3)
      let contents: [[UInt8]] = [1, 2, 3, 31, 32, 33, 719, 720, 721, 11_519, 11_520, 11_521, 60_001].flatMap { count in
        [
          [UInt8](repeating: 0, count: count), [UInt8](repeating: 255, count: count),
          random.uniforms(count).map { UInt8(abs($0) * 255) },
          (0..<count).map { $0 == count / 2 ? 1 : 0 },
        ]
      }
      let file = try SharedFile(creating: path, on: ranks)
      let datasets = try contents.enumerated().map { index, bytes in
        let layout = Layout.chunked([bytes.count], deflate: nil, shuffle: false, checksum: true)
        return try file.createDataset("\(index)", of: UInt8.self, shape: [bytes.count], layout: layout)
      }
      let layout = Layout.chunked([5, 7], deflate: nil, shuffle: false, checksum: true)
      let numbers = try file.createDataset("numbers", of: Float.self, shape: [5, 7], layout: layout)
      for (index, bytes) in contents.enumerated() where index % ranks.size == ranks.rank {
        try file.write([try datasets[index].part(bytes, Hyperslab(start: [0], count: [bytes.count]))])
      }
      if ranks.rank == 0 {
        try file.write([try numbers.part(values(0..<35), Hyperslab(start: [0, 0], count: [5, 7]))])
      }
      try file.finish()
      try File.with(path) { file in
        for (index, bytes) in contents.enumerated() {
          let found = try file.read("\(index)", as: UInt8.self)
          #expect(found == bytes, "\(bytes.count) bytes")
        }
        #expect(try file.dataset("numbers").filters == ["fletcher32"])
        #expect(try file.read("numbers", as: Float.self) == values(0..<35))
      }
      try ranks.barrier()
    }
  }

  @Test("chunks that are deflated in pieces, by one thread or several, are what libhdf5 reads, and the same bytes")
  func piecesOfChunks() throws {
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      // Longer than a piece and shorter, of whole pieces and not, that deflate well, hardly, in part, and not at all.
      var random = TestRandom(7)
      let counts = [1, 5, 1 << 17, (1 << 17) + 1, 300_001]
      let contents: [[Float]] = counts.flatMap { count in
        [
          [Float](repeating: 0.25, count: count), (0..<count).map { Float($0 / 100) },
          random.uniforms(count), (0..<count).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) },
        ]
      }
      func write(_ name: String, _ team: ThreadTeam?) throws -> [UInt8] {
        let path = folder + "/" + name
        let file = try SharedFile(creating: path, on: ranks, team: team)
        var index = 0
        for values in contents {
          for level in [0, 1, 4, 9] {
            for shuffle in [true, false] {
              let layout = Layout.chunked([values.count], deflate: level, shuffle: shuffle, checksum: shuffle)
              let numbers = try file.createDataset("n\(index)", of: Float.self, shape: [values.count], layout: layout)
              let bytes = values.withUnsafeBytes { Array($0.prefix(values.count)) }
              let narrow = try file.createDataset("b\(index)", of: UInt8.self, shape: [values.count], layout: layout)
              let slab = Hyperslab(start: [0], count: [values.count])
              if index % ranks.size == ranks.rank {
                try file.write([try numbers.part(values, slab), try narrow.part(bytes, slab)])
              } else {
                try file.write([])
              }
              index += 1
            }
          }
        }
        try file.finish()
        var written = 0
        try File.with(path) { file in
          for values in contents {
            for _ in 0..<8 {
              let found = try file.read("n\(written)", as: Float.self)
              #expect(found.map(\.bitPattern) == values.map(\.bitPattern), "dataset \(written)")
              #expect(
                try file.read("b\(written)", as: UInt8.self)
                  == values.withUnsafeBytes { Array($0.prefix(values.count)) })
              written += 1
            }
          }
        }
        try ranks.barrier()
        return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      }
      let one = try write("one.h5", nil)
      #expect(try write("three.h5", try ThreadTeam(size: 3)) == one)
      // What does not deflate is not larger than it is.
      let all = contents.reduce(0) { $0 + 8 * 5 * $1.count }
      #expect(one.count < all)
    }
  }

  @Test("chunks of a file that was never finished go into another file, unless their bytes have changed")
  func unfinished() throws {
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      let layout = Layout.chunked([4, 10, 6], deflate: 5, checksum: true)
      func create(_ name: String) throws -> (SharedFile, SharedDataset) {
        let file = try SharedFile(creating: folder + "/" + name, on: ranks)
        return (file, try file.createDataset("values", of: Float.self, shape: [47, 10, 6], layout: layout))
      }
      let (first, dataset) = try create("first.h5")
      var stored: [StoredChunk] = []
      // As many of each rank, so that none stops while another still writes.
      for index in 0..<12 where index % ranks.size == ranks.rank {
        let rows = index * 4..<min(47, index * 4 + 4)
        let slab = Hyperslab(start: [rows.lowerBound, 0, 0], count: [rows.count, 10, 6])
        stored += try first.write([try dataset.part(values(rows.lowerBound * 60..<rows.upperBound * 60), slab)])
      }
      // All ranks stop: libhdf5 closes nothing.
      #expect(throws: (any Error).self) { try first.finish(failure: Interruption()) }
      #expect(throws: HDF5Error.self) { try File(opening: folder + "/first.h5") }
      try ranks.barrier()
      // As another run has them that read them from a file.
      let known = stored.compactMap { chunk -> StoredChunk? in
        var numbers = chunk.numbers[...]
        return StoredChunk(taking: &numbers)
      }
      #expect(known == stored)
      let (second, _) = try create("second.h5")
      #expect(second.form == first.form)
      let unfinished = try #require(UnfinishedFile(folder + "/first.h5"))
      // The next rank's, so that others than before write them.
      let all = try ranks.allGather(known.flatMap { [$0.numbers.count] + $0.numbers })
      var rest = all[(ranks.rank + 1) % ranks.size][...]
      while rest.popFirst() != nil {
        let chunk = try #require(StoredChunk(taking: &rest))
        try second.write(try #require(unfinished.parts([chunk])))
      }
      try second.finish()
      #expect(try File.with(folder + "/second.h5") { try $0.read("values", as: Float.self) } == values(0..<47 * 60))
      try ranks.barrier()
      if ranks.rank == 0, let chunk = known.first {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: folder + "/first.h5"))
        try handle.seek(toOffset: UInt64(chunk.offset + chunk.bytes / 2))
        let byte = try #require(try handle.read(upToCount: 1))[0]
        try handle.seek(toOffset: UInt64(chunk.offset + chunk.bytes / 2))
        try handle.write(contentsOf: Data([byte ^ 1]))
        try handle.close()
        #expect(UnfinishedFile(folder + "/first.h5")?.parts([chunk]) == nil)
      }
      try ranks.barrier()
    }
  }

  @Test("a rank that fails between its writes is an error on all ranks, and none waits", arguments: [0, 2])
  func failure(index failing: Int) throws {
    struct Sad: Error {}
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      let file = try SharedFile(creating: folder + "/shared.h5", on: ranks)
      let dataset = try file.createDataset("values", of: Float.self, shape: [23, 10, 6], layout: .chunked([4, 10, 6]))
      let failure = #expect(throws: RemoteFailure.self) {
        do {
          try write(file, dataset, ranks) { if $0 == failing { throw Sad() } }
        } catch {
          try file.finish(failure: error)
        }
        try file.finish()
      }
      #expect(failure?.message == "Sad()")
    }
  }

  @Test("a selection through chunks, and a file that cannot be made, are errors on all ranks")
  func wrong() throws {
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      let missing = #expect(throws: RemoteFailure.self) { try SharedFile(creating: folder + "/no/a.h5", on: ranks) }
      #expect(missing?.message.contains("the folder \(folder)/no does not exist") == true)
      let file = try SharedFile(creating: folder + "/wrong.h5", on: ranks)
      #expect(throws: RemoteFailure.self) {
        try file.createDataset("plain", of: Float.self, shape: [4], layout: .contiguous)
      }
      let dataset = try file.createDataset("values", of: Float.self, shape: [5], layout: .chunked([2]))
      for (start, count) in [(1, 2), (0, 3), (4, 2)] {
        let error = #expect(throws: HDF5Error.self) {
          try dataset.part([Float](repeating: 0, count: count), Hyperslab(start: [start], count: [count]))
        }
        #expect(error?.kind == .wrongShape)
      }
      #expect(throws: RemoteFailure.self) {
        try file.createDataset("values", of: Int.self, shape: [5], layout: .chunked([2]))
      }
      try file.finish()
    }
  }
}
