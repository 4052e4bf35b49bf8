import Foundation
import TestSupport
import Testing

@testable import Host

@Suite("Buffers in a file without a name")
struct ScratchFileTests {
  @Test("a buffer in a file begins with zeros, keeps what is written when its memory is given back, and leaves no file")
  func buffer() throws {
    let folder = NSTemporaryDirectory() + "scratch-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = try ScratchFile(in: folder, name: "numbers")
    // More than a page, and no multiple of one; a second buffer stands behind the first.
    let first = try AlignedBuffer<Float>(count: 5001, in: file)
    let second = try AlignedBuffer<UInt8>(count: 3, in: file)
    #expect(first.buffer.allSatisfy { $0 == 0 } && second.buffer.allSatisfy { $0 == 0 })
    for i in 0..<first.count { first.pointer[i] = Float(i) }
    second.buffer.update(repeating: 7)
    first.release()
    second.release()
    #expect(first.buffer.indices.allSatisfy { first.pointer[$0] == Float($0) })
    #expect(Array(second.buffer) == [7, 7, 7])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
  }

  @Test("a file that has a name yet is opened once more, and buffers made in the same order have the same memory")
  func shared() throws {
    let folder = NSTemporaryDirectory() + "scratch-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = try ScratchFile(in: folder, name: "numbers", isHidden: false)
    let other = try ScratchFile(opening: try #require(file.openName), path: "numbers")
    try file.hide()
    #expect(file.openName == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    let own = try [5001, 70].map { try AlignedBuffer<Float>(count: $0, in: file) }
    let same = try [5001, 70].map { try AlignedBuffer<Float>(count: $0, in: other) }
    withExtendedLifetime((own, same)) {
      own[0].pointer[5000] = 3
      same[1].pointer[69] = 4
      #expect(same[0].pointer[5000] == 3 && own[1].pointer[69] == 4)
    }
    // One that nobody hides goes with the process that made it.
    let forgotten: String? = try {
      let file = try ScratchFile(in: folder, name: "more", isHidden: false)
      return file.openName
    }()
    #expect(forgotten != nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
  }

  @Test("without a file a buffer is in memory, and giving its memory back changes nothing")
  func memory() throws {
    let buffer = try AlignedBuffer<Float>(count: 10, in: nil)
    buffer.pointer[3] = 2
    buffer.release()
    #expect(buffer.pointer[3] == 2)
  }

  @Test("a folder that is not there, and more room than a disk has, are errors that name the file")
  func failures() throws {
    #expect {
      try ScratchFile(in: "/nowhere-at-all", name: "numbers")
    } throws: { error in
      (error as? FileError).map { $0.path == "/nowhere-at-all/numbers" && $0.code == ENOENT } ?? false
    }
    let file = try ScratchFile(in: NSTemporaryDirectory(), name: "numbers")
    // An exabyte.
    #expect {
      try AlignedBuffer<UInt8>(count: 1 << 60, in: file)
    } throws: { error in
      (error as? FileError).map { $0.action.contains("larger") } ?? false
    }
  }
}
