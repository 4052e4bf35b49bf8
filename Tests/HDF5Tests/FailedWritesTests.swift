import Foundation
import TestSupport
import Testing

@testable import HDF5

/// Files of which a write has failed: the library is not told, and must be able to go on until it closes them.
@Suite("HDF5 files after a failed write")
struct FailedWritesTests {
  @Test("what is not written any more is read back, from groups that the library's cache cannot hold")
  func readBack() throws {
    try TemporaryFolder.with { folder in
      let file = try File(creating: folder + "/full.h5")
      _ = try file.createGroup("before")
      // As after a write that failed; it stays open in the library.
      let context = file.object.context
      try #require(context.record).abandon(context.open())
      let numbers = (0..<64).map { Double($0) / 3 }
      for index in 0..<4000 {
        let group = try file.createGroup("group\(index)/inner")
        try group.setAttribute("index", index)
        try group.setAttribute("numbers", numbers)
      }
      for index in stride(from: 0, to: 4000, by: 7) {
        let group = try file.group("group\(index)/inner")
        #expect(try group.attribute("index", as: Int.self) == index)
        #expect(try group.attributes("numbers", as: Double.self) == numbers)
      }
      // Another file of this name is another file.
      try FileManager.default.removeItem(atPath: folder + "/full.h5")
      let other = try File(creating: folder + "/full.h5")
      try other.write([1], to: "only")
      try other.close()
      #expect(try File(opening: folder + "/full.h5").root.names() == ["only"])
      #expect(try file.exists("group0"))
    }
  }
}
