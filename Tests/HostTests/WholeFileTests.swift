import Foundation
import TestSupport
import Testing

@testable import Host

@Suite struct WholeFileTests {
  @Test("a file gets its name when it is complete, and replaces the one before")
  func published() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/answers"
      for text in ["one", "two"] {
        try WholeFile.write(path) { temporary in
          #expect(temporary == path + ".part")
          try text.write(toFile: temporary, atomically: false, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["answers"])
    }
  }

  @Test("a body that fails leaves the file before it and nothing else")
  func failed() throws {
    struct Stop: Error {}
    try TemporaryFolder.with { folder in
      let path = folder + "/answers"
      try "one".write(toFile: path, atomically: false, encoding: .utf8)
      #expect(throws: Stop.self) {
        try WholeFile.write(path) { temporary in
          try "half".write(toFile: temporary, atomically: false, encoding: .utf8)
          throw Stop()
        }
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "one")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["answers"])
    }
  }

  @Test("what fails is told with the file, what was tried, and the system's reason")
  func errors() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/answers"
      let missing = FileError(path: path, action: "flushed to the disk", code: ENOENT)
      #expect(throws: missing) { try WholeFile.write(path) { _ in } }
      #expect("\(missing)" == "\(path): the file could not be flushed to the disk: No such file or directory.")
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      #expect(throws: FileError(path: path, action: "renamed from \(path).part", code: EISDIR)) {
        try WholeFile.write(path) { try "one".write(toFile: $0, atomically: false, encoding: .utf8) }
      }
    }
  }
}
