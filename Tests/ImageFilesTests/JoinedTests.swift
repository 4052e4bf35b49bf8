import HDF5
import Testing

@testable import ImageFiles

@Suite("Joined locations")
struct JoinedTests {
  private func scratch() throws -> Scratch {
    let scratch = try Scratch()
    for (name, shape) in [("a", [3, 2]), ("b", [2, 2]), ("c", [4, 2])] {
      let file = try File(creating: "\(scratch.folder)/\(name).h5")
      let first = Int32(name.utf8.first ?? 0) * 10
      try file.write((0..<shape[0] * shape[1]).map { first + Int32($0) }, shape: shape, to: "/x")
      try file.close()
    }
    return scratch
  }

  @Test("what one rank found of a folder's files the others need not open; what it has not is opened")
  func catalog() throws {
    let scratch = try Scratch()
    for name in ["1", "2", "3"] {
      let file = try File(creating: "\(scratch.folder)/\(name).h5")
      try file.write((0..<6).map { Int32($0) }, shape: [2, 3], to: "/x")
      try file.close()
    }
    let pattern = scratch.location("*.h5")
    let catalog = FileCatalog()
    let first = try catalog.used { try ArrayFile.open(pattern).1.facts }
    let sent = try FileCatalog(bytes: catalog.bytes)
    // Files that nobody opens may hold anything.
    for name in ["1", "2"] { try scratch.write([1, 2, 3], to: "\(name).h5") }
    let array = try sent.used { try ArrayFile.open(pattern).1 }
    #expect(array.facts == first && array.shape == [3, 2, 3])
    #expect(try array.read(as: Int.self, Hyperslab(start: [2, 0, 0], count: [1, 2, 3])) == Array(0..<6))
    #expect(throws: (any Error).self) { try array.read(as: Int.self) }
    #expect(throws: (any Error).self) { try ArrayFile.open(pattern) }
    #expect(throws: (any Error).self) { try FileCatalog().used { try ArrayFile.open(pattern) } }
  }

  @Test("arrays follow each other along their first axis, and any part of them is read")
  func joined() throws {
    let scratch = try scratch()
    let place = ArrayLocation(joining: ["a.h5:/x", "b.h5", "c.h5:/x[1:3]"].map { scratch.location($0) })
    #expect("\(place)" == "a.h5:/x and 2 more")
    let (found, array) = try ArrayFile.open(place)
    #expect(found.all.map(\.dataset) == ["/x", "/x", "/x"])
    #expect(array.shape == [7, 2])
    let all = [970, 971, 972, 973, 974, 975, 980, 981, 982, 983, 992, 993, 994, 995]
    #expect(try array.read(as: Int.self) == all)
    for start in 0..<7 {
      for stride in 1...3 {
        let count = (6 - start) / stride + 1
        let part = try array.read(
          as: Int.self, Hyperslab(start: [start, 1], count: [count, 1], stride: [stride, 1]))
        #expect(part == (0..<count).map { all[2 * (start + $0 * stride) + 1] })
      }
    }
  }

  @Test("files of a pattern that differ are opened one by one, each as an image; those that are alike are one array")
  func each() throws {
    let scratch = try scratch()
    let differing = try ArrayFile.openEach(scratch.location("*.h5"))
    #expect(differing.map(\.1.shape) == [[1, 3, 2], [1, 2, 2], [1, 4, 2]])
    #expect(differing.map(\.0.name) == ["a.h5", "b.h5", "c.h5"])
    // The files are read in turn.
    for _ in 0..<2 { #expect(try differing.map { try $0.1.read(as: Int.self)[1] } == [971, 981, 991]) }
    #expect(try ArrayFile.openEach(scratch.location("[a].h5")).map(\.1.shape) == [[1, 3, 2]])
    let both = ArrayLocation(joining: [scratch.location("c.h5"), scratch.location("[ab].h5")])
    #expect(try ArrayFile.openEach(both).map(\.1.shape) == [[4, 2], [1, 3, 2], [1, 2, 2]])
    #expect(ArrayFile.files(of: both).map { String($0.suffix(4)) } == ["c.h5", "a.h5", "b.h5"])
  }

  @Test("arrays that differ behind their first axis do not follow each other")
  func refused() throws {
    let scratch = try scratch()
    let place = ArrayLocation(joining: [scratch.location("a.h5"), scratch.location("b.h5[:, 0]")])
    #expect(
      message { _ = try ArrayFile.open(place) }.contains(
        "has shape [2], but a.h5 has [3, 2]; arrays that follow each other differ in their first axis alone"))
  }
}
