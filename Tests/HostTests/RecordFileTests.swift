import Foundation
import Host
import TestSupport
import Testing

@Suite struct RecordFileTests {
  private static let records = [[7], [], [1, -2, Int.max], Array(0..<6)]

  private func records(of path: String) throws -> [[Int]] {
    let reader = try #require(RecordFile.Reader(path))
    var (found, place): ([[Int]], Int) = ([], 0)
    while let record = reader.record(at: place) {
      found.append(record.numbers)
      place = record.next
    }
    return found
  }

  @Test func `records are read as they were appended, and of a file that ends anywhere the whole ones`() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/records"
      let file = try RecordFile(creating: path)
      var ends: [Int] = []
      for record in Self.records {
        try file.append(record)
        ends.append((ends.last ?? 0) + 8 * (record.count + 2))
      }
      #expect(try records(of: path) == Self.records)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(bytes.count == ends.last)
      for length in stride(from: 0, through: bytes.count, by: 4) {
        try bytes.prefix(length).write(to: URL(fileURLWithPath: path + ".cut"))
        #expect(try records(of: path + ".cut") == Array(Self.records.prefix(ends.count { $0 <= length })), "\(length)")
      }
    }
  }

  @Test func `a changed byte is noticed, whatever it makes of the count`() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/records"
      let file = try RecordFile(creating: path)
      for record in Self.records { try file.append(record) }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      for place in bytes.indices {
        var other = bytes
        other[place] ^= place.isMultiple(of: 3) ? 0x80 : 1
        try other.write(to: URL(fileURLWithPath: path))
        #expect(try records(of: path).count < Self.records.count, "\(place)")
      }
      #expect(RecordFile.Reader(folder + "/none") == nil)
    }
  }
}
