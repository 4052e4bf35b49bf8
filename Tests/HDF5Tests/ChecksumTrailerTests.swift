import Foundation
import TestSupport
import Testing

@testable import HDF5

@Suite("Checksums behind large files")
struct ChecksumTrailerTests {
  /// Writes a small file of everything that results hold, with a trailer.
  private func write(_ path: String) throws {
    let file = try File(creating: path)
    try file.setAttribute("format", "test")
    try file.setAttribute("classes", ["paste", "void µ"])
    try file.write(
      (0..<60).map { Float($0) / 3 }, shape: [6, 10], to: "entry/mean",
      layout: .chunked([4, 4], checksum: true))
    try file.write((0..<9).map { Int32($0) }, to: "entry/indices")
    try file.write(0.25, to: "entry/threshold")
    try file.write("{\"a\": 1}", to: "entry/job")
    try file.write(["one", "two, longer"], to: "entry/names")
    let scale = try file.write([1.5, 2.5], to: "entry/scale")
    try scale.makeScale("scale")
    try file.close()
    try ChecksumTrailer.append(to: path)
  }

  /// All that is in it.
  private func content(_ path: String) throws -> String {
    try ChecksummedFile.read(path) { file in
      let numbers = try file.read("entry/indices", as: Int.self)
      let scale = try file.read("entry/scale", as: Double.self)
      let threshold = try file.dataset("entry/threshold").read(as: Double.self)
      return try "\(file.attribute("format", as: String.self)) \(file.attributes("classes", as: String.self)) "
        + "\(file.read("entry/mean", as: Float.self)) \(numbers) \(scale) \(threshold) "
        + "\(file.readStrings("entry/job")) \(file.readStrings("entry/names"))"
    }
  }

  @Test("a changed byte anywhere is an error, or changes nothing that is read")
  func flips() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try write(path)
      let url = URL(fileURLWithPath: path)
      let (whole, expected) = ([UInt8](try Data(contentsOf: url)), try content(path))
      #expect(expected.contains("void µ") && expected.contains("two, longer"))
      var random = TestRandom(5)
      var damaged = 0
      for position in stride(from: random.integer(0...4), to: whole.count, by: 5) {
        var bytes = whole
        bytes[position] ^= UInt8(1 << random.integer(0...7))
        try Data(bytes).write(to: url)
        do {
          let found = try content(path)
          #expect(found == expected, "at \(position)")
        } catch let error as HDF5Error {
          damaged += error.kind == .damaged || "\(error)".contains("checksum") ? 1 : 0
        }
      }
      // Only the magic of the trailer may change unseen: then there is none.
      #expect(damaged > whole.count / 5 - 20, "\(damaged) of \(whole.count)")
    }
  }

  @Test("a file that is cut off anywhere is an error, or holds all that is read")
  func truncation() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try write(path)
      let url = URL(fileURLWithPath: path)
      let (whole, expected) = (try Data(contentsOf: url), try content(path))
      for length in stride(from: 0, to: whole.count, by: 17) {
        try whole.prefix(length).write(to: url)
        if let found = try? content(path) { #expect(found == expected, "cut at \(length)") }
      }
    }
  }

  @Test("a program that changes the file takes the trailer away, and it is read without")
  func changed() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try write(path)
      let file = try File(opening: path, mode: .readWrite)
      try file.write([7], to: "entry/more")
      try file.close()
      #expect(try ChecksummedFile.read(path) { try $0.read("entry/more", as: Int.self) } == [7])
      let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
      try ChecksumTrailer.append(to: path)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count > size)
      _ = try content(path)
    }
  }
}
