import Foundation
import TestSupport
import Testing

@testable import HDF5

@Suite("Files with checksums")
struct ChecksummedFileTests {
  /// Writes a small file of everything that members and checkpoints hold.
  private func write(_ path: String) throws {
    try ChecksummedFile.write(path) { file in
      try file.setAttribute("format", "test")
      try file.setAttribute("version", 3)
      try file.write((0..<50).map { Float($0) / 3 }, shape: [5, 10], to: "parameters/a")
      try file.write(["paste", "void µ"], to: "classes")
      try file.write("{\"a\": 1}", to: "settings")
    }
  }

  /// All that is in it.
  private func content(_ file: File) throws -> String {
    let values = try file.read("parameters/a", as: Float.self)
    return try "\(file.attribute("format", as: String.self)) \(file.attribute("version", as: Int.self)) \(values)"
      + "\(file.readStrings("classes")) \(file.readStrings("settings"))"
  }

  @Test("a file is read as it was written, by the HDF5 tools too; equal contents give equal bytes")
  func round() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try write(path)
      let expected = try ChecksummedFile.read(path, content)
      #expect(expected.contains("void µ"))
      // HDF5 programs skip the block in front.
      #expect(try File.with(path, content) == expected)
      if let h5dump = program("h5dump") {
        let dump = try run(h5dump, ["-d", "/parameters/a", "-s", "4,9", "-c", "1,1", path])
        #expect(dump.status == 0 && dump.output.contains("16.3333"), "\(dump.output)\(dump.errors)")
      }
      try write(folder + "/b.h5")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: path)) == Data(contentsOf: URL(fileURLWithPath: folder + "/b.h5")))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.h5", "b.h5"])
    }
  }

  @Test("a file without a checksum is read")
  func plain() throws {
    try TemporaryFolder.with { folder in
      let file = try File(creating: folder + "/a.h5")
      try file.write([1, 2], to: "a")
      try file.close()
      #expect(try ChecksummedFile.read(folder + "/a.h5") { try $0.read("a", as: Int.self) } == [1, 2])
      let error = #expect(throws: HDF5Error.self) { try ChecksummedFile.read(folder + "/b.h5") { _ in } }
      #expect(error?.kind == .missingFile)
    }
  }

  @Test("a changed byte anywhere is an error, never other content")
  func flips() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try write(path)
      let url = URL(fileURLWithPath: path)
      let whole = [UInt8](try Data(contentsOf: url))
      var random = TestRandom(3)
      let positions = Array(0..<40) + (0..<300).map { _ in random.integer(0...whole.count - 1) }
      for position in positions {
        var bytes = whole
        bytes[position] ^= UInt8(1 << random.integer(0...7))
        try Data(bytes).write(to: url)
        let error = #expect(throws: HDF5Error.self, "at \(position)") { try ChecksummedFile.read(path, content) }
        #expect(error.map { [.damaged, .notHDF5].contains($0.kind) } == true)
      }
    }
  }

  @Test("a file that is cut off anywhere, or has more at its end, is an error")
  func truncation() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try write(path)
      let url = URL(fileURLWithPath: path)
      let whole = [UInt8](try Data(contentsOf: url))
      for length in Array(stride(from: 0, to: whole.count, by: 37)) + [whole.count - 1] {
        try Data(whole.prefix(length)).write(to: url)
        let error = #expect(throws: HDF5Error.self, "\(length) bytes") { try ChecksummedFile.read(path, content) }
        #expect(error?.kind == .notHDF5)
      }
      try Data(whole + [0]).write(to: url)
      #expect(throws: HDF5Error.self) { try ChecksummedFile.read(path, content) }
    }
  }

  @Test("a body that throws leaves the old file, and nothing else")
  func failure() throws {
    struct Sad: Error {}
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try write(path)
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(throws: Sad.self) { try ChecksummedFile.write(path) { _ in throw Sad() } }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.h5"])
    }
  }
}
