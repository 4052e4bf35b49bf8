import Foundation
import HDF5
import TestSupport
import Testing

@Suite("Datasets round trip")
struct DatasetRoundTripTests {
  private func roundTrip<Scalar: HDF5Scalar & Equatable>(_ values: [Scalar]) throws {
    let image = try File(creatingImage: "numbers")
    for layout in [Layout.contiguous, .chunked([2]), .chunked([5], deflate: nil, shuffle: false)] {
      let path = "group \(layout.chunk ?? [])/numbers"
      try image.write(values, to: path, layout: layout)
      #expect(try image.read(path, as: Scalar.self) == values)
    }
  }

  @Test("a packed chunk that is in the cache is not read again")
  func cache() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/packed.h5"
      // A chunk of 2 MiB, which is more than the library keeps by itself.
      let values = (0..<512 * 1024).map { Int32($0 % 1000) }
      let made = try File(creating: path)
      try made.write(values, shape: [512, 1024], to: "numbers", layout: .chunked([512, 1024], deflate: 1))
      try made.close()
      let file = try File(opening: path)
      let dataset = try file.dataset("numbers", cache: 4 << 20)
      let rows = [0, 300].map { Hyperslab(start: [$0, 0], count: [100, 1024]) }
      #expect(try dataset.read(as: Int32.self, rows[0]) == Array(values[..<102_400]))
      // What the file holds from now on is not asked for.
      let handle = try #require(FileHandle(forUpdatingAtPath: path))
      let size = try handle.seekToEnd()
      try handle.seek(toOffset: 8192)
      try handle.write(contentsOf: Data(count: Int(size) - 8192))
      try handle.close()
      #expect(try dataset.read(as: Int32.self, rows[1]) == Array(values[307_200..<409_600]))
    }
  }

  @Test("every type keeps its smallest and largest values")
  func everyType() throws {
    try roundTrip([Int8.min, -1, 0, 1, .max])
    try roundTrip([Int16.min, -1, 0, 1, .max])
    try roundTrip([Int32.min, -1, 0, 1, .max])
    try roundTrip([Int64.min, -1, 0, 1, .max])
    try roundTrip([Int.min, -1, 0, 1, .max])
    try roundTrip([UInt8.min, 1, .max])
    try roundTrip([UInt16.min, 1, .max])
    try roundTrip([UInt32.min, 1, .max])
    try roundTrip([UInt64.min, 1, .max])
    try roundTrip([Float16.leastNonzeroMagnitude, -0.5, .infinity, -.greatestFiniteMagnitude])
    try roundTrip([Float.leastNonzeroMagnitude, -0.5, .infinity, -.greatestFiniteMagnitude])
    try roundTrip([Double.leastNonzeroMagnitude, -0.5, .infinity, -.greatestFiniteMagnitude])
    try roundTrip([true, false, false, true, true])
  }

  @Test("numbers of 16 bits are read as wider ones, with infinities and NaN")
  func halves() throws {
    let image = try File(creatingImage: "halves")
    let values: [Float16] = [1.5, -65504, 0x1p-24, .infinity, .nan]
    try image.write(values, to: "halves")
    #expect(try image.dataset("halves").elementType == .float(bits: 16))
    let wide = try image.read("halves", as: Float.self)
    #expect(wide.prefix(4) == [1.5, -65504, 0x1p-24, .infinity] && wide[4].isNaN)
  }

  @Test("a single value has no axes")
  func single() throws {
    let image = try File(creatingImage: "single")
    try image.write(Float(2.5), to: "a/b/c")
    #expect(try image.dataset("a/b/c").shape == [])
    #expect(try image.dataset("/a/b/c").readScalar(as: Double.self) == 2.5)
  }

  @Test("an empty array stays empty")
  func empty() throws {
    let image = try File(creatingImage: "empty")
    try image.write([Float](), to: "nothing")
    #expect(try image.dataset("nothing").shape == [0])
    #expect(try image.read("nothing", as: Float.self) == [])
  }

  @Test("numbers are read as any other type that holds them")
  func conversion() throws {
    let image = try File(creatingImage: "conversion")
    try image.write([UInt8(0), 7, 255], to: "bytes")
    #expect(try image.read("bytes", as: Float.self) == [0, 7, 255])
    #expect(try image.read("bytes", as: Int.self) == [0, 7, 255])
    try image.write([1.5, -2, .infinity], to: "doubles")
    #expect(try image.read("doubles", as: Float.self) == [1.5, -2, .infinity])
    try image.write([true, false], to: "flags")
    #expect(try image.read("flags", as: Float.self) == [1, 0])
    #expect(try image.read("flags", as: Int32.self) == [1, 0])
    try image.write([Int64(1) << 60 + 1], to: "long")
    #expect(try image.read("long", as: Float.self) == [Float(Int64(1) << 60)])
  }

  @Test("a value that does not fit the type asked for is an error, not another value")
  func lossyConversion() throws {
    let image = try File(creatingImage: "lossy")
    try image.write([Int16(1), 300, -2], to: "short")
    try image.write([Float(1), 1.5], to: "broken")
    try image.write([Double.nan], to: "nan")
    try image.write([1e300], to: "huge")
    for (path, read) in [
      ("short", { _ = try image.read("short", as: UInt8.self) }),
      ("broken", { _ = try image.read("broken", as: Int.self) }),
      ("nan", { _ = try image.read("nan", as: Int32.self) }),
      ("huge", { _ = try image.read("huge", as: Float.self) }),
    ] {
      let error = #expect(throws: HDF5Error.self) { try read() }
      #expect(error?.kind == .wrongType, "\(path): \(String(describing: error))")
      #expect(error?.description.contains("lossy:/\(path)") == true)
    }
    #expect(try image.read("nan", as: Float.self)[0].isNaN)
  }

  @Test("a dataset tells what it is")
  func facts() throws {
    let image = try File(creatingImage: "facts")
    let zeros = [Float](repeating: 0, count: 64 * 64)
    let packed = try image.write(zeros, shape: [64, 64], to: "packed", layout: .chunked([16, 64], deflate: 6))
    #expect(packed.elementType == .float(bits: 32))
    #expect(packed.chunk == [16, 64])
    #expect(try packed.filters == ["shuffle", "deflate"])
    #expect(try packed.storedBytes < 1000)
    let plain = try image.write(zeros, shape: [64, 64], to: "plain")
    #expect(plain.chunk == nil)
    #expect(try plain.storedBytes == 64 * 64 * 4)
    #expect(try image.write([true], to: "flag").elementType == .bool)
    #expect(try image.write([UInt16(1)], to: "number").elementType == .integer(bits: 16, signed: false))
    #expect(try image.write("text", to: "text").elementType == .string(bytes: nil))
  }

  @Test("a dataset grows along an axis that may")
  func growth() throws {
    let image = try File(creatingImage: "growth")
    let layout = Layout.chunked([1, 3], maximumShape: [nil, 3])
    let history = try image.createDataset("history", of: Int32.self, shape: [0, 3], layout: layout)
    for row in 0..<5 {
      try history.resize(to: [row + 1, 3])
      try history.write([Int32(row), 1, 2], Hyperslab(start: [row, 0], count: [1, 3]))
    }
    #expect(try history.shape == [5, 3])
    #expect(try history.read(as: Int32.self).filter { $0 > 2 } == [3, 4])
    #expect(throws: HDF5Error.self) { try history.resize(to: [5, 4]) }
  }
}

@Suite("Text round trips")
struct TextTests {
  private let strings = ["", "plain", "Ångström µm", "日本語", "emoji 🎻"]

  @Test("strings of any length and of fixed length come back")
  func datasets() throws {
    let image = try File(creatingImage: "text")
    try image.write(strings, to: "any")
    try image.write(strings, to: "fixed", fixedBytes: 40)
    try image.write("one", to: "one")
    try image.write([String](), to: "none")
    #expect(try image.readStrings("any") == strings)
    #expect(try image.readStrings("fixed") == strings)
    #expect(try image.dataset("fixed").elementType == .string(bytes: 40))
    #expect(try image.readStrings("one") == ["one"])
    #expect(try image.readStrings("none") == [])
  }

  @Test("a string too long for its bytes is refused")
  func tooLong() throws {
    let image = try File(creatingImage: "text")
    #expect(throws: HDF5Error.self) { try image.write(strings, to: "short", fixedBytes: 3) }
    #expect(try image.exists("short") == false)
  }

  @Test("attributes of every type come back, and the last one set holds")
  func attributes() throws {
    let image = try File(creatingImage: "attributes")
    let group = try image.createGroup("g")
    try group.setAttribute("text", "Ångström")
    try group.setAttribute("axes", ["image", "class", "y", "x"])
    try group.setAttribute("number", 0.1)
    try group.setAttribute("numbers", [Float(1), 2, 3])
    try group.setAttribute("flag", true)
    try group.setAttribute("none", [Int]())
    try group.setAttribute("count", 3)
    try group.setAttribute("count", Int8(-4))
    #expect(try group.attribute("text", as: String.self) == "Ångström")
    #expect(try group.attributes("axes", as: String.self) == ["image", "class", "y", "x"])
    #expect(try group.attribute("number", as: Double.self) == 0.1)
    #expect(try group.attributes("numbers", as: Double.self) == [1, 2, 3])
    #expect(try group.attribute("flag", as: Bool.self))
    #expect(try group.attributes("none", as: Int.self) == [])
    #expect(try group.attribute("count", as: Int.self) == -4)
    #expect(try group.attributeNames() == ["axes", "count", "flag", "none", "number", "numbers", "text"])
    #expect(try group.attributeType("flag") == .bool)
    try group.removeAttribute("flag")
    #expect(try group.hasAttribute("flag") == false)
  }

  @Test("a text longer than an object header comes back")
  func longText() throws {
    let image = try File(creatingImage: "long")
    let text = String(repeating: "a job file, ", count: 20_000)
    try image.setAttribute("job", text)
    #expect(try File(image: image.image()).attribute("job", as: String.self) == text)
  }
}
