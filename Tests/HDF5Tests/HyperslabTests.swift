import TestSupport
import Testing

@testable import HDF5

/// The elements of a slab, picked one by one from an array in row order.
private func picked(_ slab: Hyperslab, from values: [Int32], shape: [Int]) -> [Int] {
  var indices: [Int] = [0]
  for axis in shape.indices {
    indices = indices.flatMap { base in
      (0..<slab.count[axis]).map { base * shape[axis] + slab.start[axis] + $0 * slab.stride[axis] }
    }
  }
  return slab.isEmpty ? [] : indices
}

private func randomSlab(_ random: inout TestRandom, in shape: [Int]) -> Hyperslab {
  var slab = Hyperslab(all: shape)
  for axis in shape.indices {
    slab.start[axis] = random.integer(0...shape[axis] - 1)
    slab.stride[axis] = random.integer(1...3)
    slab.count[axis] = random.integer(1...(shape[axis] - 1 - slab.start[axis]) / slab.stride[axis] + 1)
  }
  return slab
}

@Suite("Hyperslabs", .serialized)
struct HyperslabTests {
  @Test("random slabs are read and written as an array would be")
  func random() throws {
    var random = TestRandom(5)
    let image = try File(creatingImage: "slabs")
    for round in 0..<40 {
      let shape = (0..<random.integer(1...4)).map { _ in random.integer(1...7) }
      let layout = round % 2 == 0 ? Layout.contiguous : .chunked(shape.map { _ in random.integer(1...4) })
      var expected = (0..<shape.reduce(1, *)).map { _ in Int32(truncatingIfNeeded: random.next()) }
      let dataset = try image.write(expected, shape: shape, to: "\(round)", layout: layout)
      for _ in 0..<4 {
        let slab = randomSlab(&random, in: shape)
        let indices = picked(slab, from: expected, shape: shape)
        #expect(try dataset.read(as: Int32.self, slab) == indices.map { expected[$0] })
        let fresh = indices.map { _ in Int32(truncatingIfNeeded: random.next()) }
        try dataset.write(fresh, slab)
        for (index, value) in zip(indices, fresh) { expected[index] = value }
      }
      #expect(try dataset.read(as: Int32.self) == expected)
    }
  }

  @Test("nothing is read and written where nothing is selected")
  func nothing() throws {
    let image = try File(creatingImage: "nothing")
    let dataset = try image.write([1, 2, 3], to: "list")
    let nothing = Hyperslab(start: [3], count: [0])
    #expect(try dataset.read(as: Int.self, nothing) == [])
    try dataset.write([Int](), nothing)
    #expect(try image.read("list", as: Int.self) == [1, 2, 3])
  }

  @Test("a selection that does not fit says how, with file and path")
  func faults() throws {
    let image = try File(creatingImage: "slabs")
    let dataset = try image.write([Float](repeating: 0, count: 12), shape: [3, 4], to: "g/a")
    for (slab, part) in [
      (Hyperslab(start: [0], count: [3]), "but the dataset has 2"),
      (Hyperslab(start: [0, 2], count: [3, 3]), "beyond the end along axis 1"),
      (Hyperslab(start: [0, 0], count: [2, 2], stride: [3, 1]), "beyond the end along axis 0"),
      (Hyperslab(start: [-1, 0], count: [1, 1]), "start -1"),
      (Hyperslab(start: [0, 1], count: [2, Int.max], stride: [1, 2]), "beyond the end along axis 1"),
    ] {
      let error = #expect(throws: HDF5Error.self) { try dataset.read(as: Float.self, slab) }
      #expect(error?.kind == .wrongShape)
      #expect(error?.description.hasPrefix("slabs:/g/a: ") == true)
      #expect(error?.message.contains(part) == true, "\(String(describing: error))")
    }
    let error = #expect(throws: HDF5Error.self) { try dataset.write([1, 2, 3]) }
    #expect(error?.message.contains("12 elements") == true)
  }
}
