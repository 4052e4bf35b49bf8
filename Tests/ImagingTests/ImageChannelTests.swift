import HDF5
import Host
import ImageFiles
import TestSupport
import Testing

@testable import Imaging

@Suite("Channels that are chosen")
struct ImageChannelTests {
  /// Two images of four channels, 2 × 3: the value is 100 · image + 10 · channel + pixel.
  private static let values: [Float] = (0..<48).map { (index: Int) -> Float in
    let (image, channel, pixel) = (index / 24, index / 6 % 4, index % 6)
    return Float(100 * image + 10 * channel + pixel)
  }

  private func source(_ channels: [String], names: [String]? = nil) throws -> ImageSource {
    let scratch = try Scratch()
    try scratch.write {
      let images = try $0.write(Self.values, shape: [2, 4, 2, 3], to: "/images")
      if let names { try images.setAttribute("channel_names", names) }
      try $0.write(Array(Self.values.prefix(12)), shape: [2, 2, 3], to: "/grey")
    }
    return try withExtendedLifetime(scratch) {
      try ImageSource(
        scratch.location(channels == ["grey"] ? "a.h5:/grey" : "a.h5:/images"), layout: .stack,
        channels: channels.map { ImageChannel($0) })
    }
  }

  @Test(
    "they are read in the order that is asked for, by number or by name",
    arguments: [
      (["2"], [2]), (["0", "2"], [0, 2]), (["3", "0", "1"], [3, 0, 1]), (["c", "a"], [2, 0]), (["1", "d"], [1, 3]),
      (["0", "1", "2", "3"], [0, 1, 2, 3]), (["2", "1", "0"], [2, 1, 0]),
    ])
  func order(channels: [String], numbers: [Int]) throws {
    let source = try source(channels, names: ["a", "b", "c", "d"])
    #expect(source.channels == numbers.count && source.hasChannels && source.shape == [2, numbers.count, 2, 3])
    let box = Box(z: 0..<1, y: 1..<2, x: 1..<3)
    var read = [Float](repeating: -1, count: numbers.count * box.count)
    try read.withUnsafeMutableBufferPointer { try source.read(box, ofImage: 1, into: $0) }
    let expected = numbers.flatMap { (number: Int) -> [Float] in
      let first = Float(104 + 10 * number)
      return [first, first + 1]
    }
    #expect(read == expected)
    #expect(source.index(image: 1, channel: 0, z: 0, y: 1, x: 2) == [1, numbers[0], 1, 2])
  }

  @Test("a number that is a channel's name means this channel, and is kept as a name")
  func numbersAsNames() throws {
    let source = try source(["0", "3"], names: ["488", "561", "0", "x"])
    var read = [Float](repeating: -1, count: 12)
    try read.withUnsafeMutableBufferPointer { try source.read(Box(source.extents), ofImage: 0, into: $0) }
    #expect(read.first == 20 && read[6] == 30)
    #expect(source.chosenChannels?.map(\.name) == ["0", nil])
    #expect(source.chosenChannels?.map(\.number) == [nil, 3])
  }

  @Test("what is not there is refused in words")
  func refused() throws {
    #expect(
      message { _ = try source(["b"]) }
        == "a.h5:/images has no channel ‘b’; there are 4, numbered from 0 on, which the file does not name.")
    #expect(
      message { _ = try source(["4"], names: ["a", "b", "c", "d"]) }
        == "a.h5:/images has no channel ‘4’; there are 4, numbered from 0 on, named a, b, c, d.")
    // Names of another number are of another axis.
    #expect(message { _ = try source(["a"], names: ["a", "b"]) }.contains("which the file does not name"))
    #expect(
      message { _ = try source(["b", "1"], names: ["a", "b", "c", "d"]) }
        == "a.h5:/images: ‘b’ and ‘1’ are one channel; name it once.")
    #expect(
      message { _ = try source(["grey"]) }.contains("a.h5:/grey has shape [2, 2, 3], without an axis of channels"))
  }

  @Test("names come from OME-XML, through slices and regions")
  func names() throws {
    let path = Repository.path("Tests/Fixtures/formats/channels.ome.tif")
    #expect(try ArrayFile.open(ArrayLocation(path)).1.facts.channels == ["nuclei & more", "7"])
    #expect(try ArrayFile.open(ArrayLocation("\(path)[1:, 1:]")).1.facts.channels == ["7"])
    #expect(try ArrayFile.open(ArrayLocation("\(path)[1]")).1.facts.channels == nil)
    let volume = try ImageSource(ArrayLocation(path), layout: .volume, channels: [ImageChannel("7")])
    #expect(volume.channels == 1 && volume.extents == Extents(z: 3, y: 4, x: 5))
    var read = [Int32](repeating: -1, count: 60)
    try read.withUnsafeMutableBufferPointer { try volume.read(Box(volume.extents), ofImage: 0, into: $0) }
    let expected = (0..<60).map { (voxel: Int) -> Int32 in
      let (z, pixel) = (voxel / 20, voxel % 20)
      return Int32(z * 40 + 20 + pixel)
    }
    #expect(read == expected)
  }
}
