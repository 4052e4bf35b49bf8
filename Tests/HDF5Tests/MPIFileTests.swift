import Foundation
import MessagePassing
import TestSupport
import Testing

@testable import HDF5

/// Files on a communicator. They hold for any number of ranks; `mpirun` gives more than one.
@MainActor @Suite("MPI files", .serialized)
struct MPIFileTests {
  /// Rows of a dataset, in whole rows of chunks, dealt to all ranks but the last (which has nothing to write, unless it
  /// is alone).
  private func rows(of total: Int, chunk: Int, _ ranks: Communicator) -> Range<Int> {
    let workers = max(1, ranks.size - 1)
    if ranks.rank >= workers { return 0..<0 }
    let chunks = (total + chunk - 1) / chunk
    let first = chunks * ranks.rank / workers * chunk
    let last = chunks * (ranks.rank + 1) / workers * chunk
    return min(first, total)..<min(last, total)
  }

  private func values(_ range: Range<Int>) -> [Float] { range.map { Float(($0 &* 7919) % 1000) / 8 } }

  @Test(
    "collective writes of deflated chunks, some ranks without data, are a serial file's data",
    arguments: [1 << 30, 3000, 64])
  func filtered(largestCall: Int) throws {
    let ranks = try MPI.initialize()
    let normal = Dataset.largestCall
    Dataset.largestCall = largestCall
    defer { Dataset.largestCall = normal }
    let shape = [23, 10, 6]
    let layout = Layout.chunked([4, 10, 6], deflate: 5)
    let row = 60
    try SharedFolder.with(ranks) { folder in
      let file = try File(creating: folder + "/parallel.h5", communicator: ranks)
      let dataset = try file.createDataset("a/values", of: Float.self, shape: shape, layout: layout)
      let mine = rows(of: 23, chunk: 4, ranks)
      if mine.isEmpty {
        try dataset.write([Float](), .nothing, transfer: .collective)
      } else {
        try dataset.write(
          values(mine.lowerBound * row..<mine.upperBound * row),
          Hyperslab(start: [mine.lowerBound, 0, 0], count: [mine.count, 10, 6]), transfer: .collective)
      }
      // All read all together, then the first alone while the others go on.
      #expect(try dataset.read(as: Float.self, transfer: .collective) == values(0..<23 * row))
      if ranks.rank == 0 { #expect(try dataset.read(as: Float.self) == values(0..<23 * row)) }
      try file.close()
      try ranks.barrier()

      let serial = try File(creatingImage: "serial")
      try serial.write(values(0..<23 * row), shape: shape, to: "a/values", layout: layout)
      let again = try File(opening: folder + "/parallel.h5")
      let parallel = try again.dataset("a/values")
      #expect(try parallel.read(as: Float.self) == serial.read("a/values", as: Float.self))
      #expect(try parallel.chunk == serial.dataset("a/values").chunk)
      #expect(try parallel.filters == ["shuffle", "deflate"])
      try again.close()
      try ranks.barrier()
    }
  }

  @Test("contiguous datasets are written by each rank for itself or by all together, strided too")
  func contiguous() throws {
    let ranks = try MPI.initialize()
    let size = ranks.size
    try SharedFolder.with(ranks) { folder in
      let file = try File(creating: folder + "/plain.h5", communicator: ranks)
      for (name, transfer) in [("independent", Transfer.independent), ("collective", .collective)] {
        let dataset = try file.createDataset(name, of: Int32.self, shape: [5 * size, 3])
        let slab = Hyperslab(start: [ranks.rank, 0], count: [5, 3], stride: [size, 1])
        try dataset.write([Int32](repeating: Int32(ranks.rank), count: 15), slab, transfer: transfer)
      }
      try file.close()
      try ranks.barrier()
      let again = try File(opening: folder + "/plain.h5", communicator: ranks)
      for name in ["independent", "collective"] {
        let expected = (0..<15 * size).map { Int32($0 / 3 % size) }
        #expect(try again.dataset(name).read(as: Int32.self) == expected)
      }
      try again.close()
    }
  }

  @Test("groups, attributes, text, scales and links are made by all ranks together")
  func metadata() throws {
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      let file = try File(creating: folder + "/meta.h5", communicator: ranks)
      let entry = try file.createGroup("entry/data")
      try entry.setAttribute("NX_class", "NXdata")
      try entry.setAttribute("axes", ["y", "x"])
      try entry.setAttribute("levels", [0.8, 0.9])
      try entry.setAttribute("whole", true)
      try file.write(["paste", "void µ"], to: "entry/classes")
      let values = try file.write([Float](repeating: 1, count: 6), shape: [2, 3], to: "entry/data/values")
      let packed = try file.write([1.0, 2, 3], to: "entry/data/x", layout: .chunked([2]))
      try packed.makeScale("x")
      try values.attach(packed, toAxis: 1)
      try values.setLabel("x", ofAxis: 1)
      try entry.createSoftLink("signal", to: "/entry/data/values")
      try file.flush()
      try file.close()
      try ranks.barrier()
      let again = try File(opening: folder + "/meta.h5")
      #expect(try again.group("entry/data").attributes("axes", as: String.self) == ["y", "x"])
      #expect(try again.group("entry/data").attribute("whole", as: Bool.self))
      #expect(try again.readStrings("entry/classes") == ["paste", "void µ"])
      #expect(try again.read("entry/data/signal", as: Float.self) == [1, 1, 1, 1, 1, 1])
      #expect(try again.read("entry/data/x", as: Double.self) == [1, 2, 3])
      #expect(try again.dataset("entry/data/values").scales(ofAxis: 1) == ["/entry/data/x"])
      try again.close()
      try ranks.barrier()
    }
  }

  @Test("a wrong selection on one rank is an error on all, and none waits")
  func wrongSelection() throws {
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      let file = try File(creating: folder + "/wrong.h5", communicator: ranks)
      let dataset = try file.createDataset("values", of: Float.self, shape: [4], layout: .chunked([2]))
      let start = ranks.rank == ranks.size - 1 ? 3 : 0
      let error = #expect(throws: HDF5Error.self) {
        try dataset.write([1, 2], Hyperslab(start: [start], count: [2]), transfer: .collective)
      }
      #expect(error?.kind == .wrongShape)
      try file.close()
    }
  }

  @Test("a missing file, a missing folder and an existing file are errors on all ranks")
  func badFiles() throws {
    let ranks = try MPI.initialize()
    try SharedFolder.with(ranks) { folder in
      let missing = #expect(throws: HDF5Error.self) { try File(opening: folder + "/no.h5", communicator: ranks) }
      #expect(missing?.kind == .missingFile)
      let lost = #expect(throws: HDF5Error.self) { try File(creating: folder + "/no/a.h5", communicator: ranks) }
      #expect(lost?.kind == .missingFile)
      try File(creating: folder + "/there.h5", communicator: ranks).close()
      let there = #expect(throws: HDF5Error.self) { try File(creating: folder + "/there.h5", communicator: ranks) }
      #expect(there?.kind == .alreadyExists)
      try File(creating: folder + "/there.h5", overwriting: true, communicator: ranks).close()
    }
  }
}
