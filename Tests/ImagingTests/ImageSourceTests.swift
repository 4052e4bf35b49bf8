import HDF5
import Host
import ImageFiles
import Testing

@testable import Imaging

@Suite("ImageSource")
struct ImageSourceTests {
  @Test("a location is read from its text")
  func locations() {
    let place = ArrayLocation("data/a.h5:/images", in: "jobs")
    #expect(place.file == "jobs/data/a.h5" && place.dataset == "/images")
    #expect("\(place)" == "data/a.h5:/images")
    #expect(ArrayLocation("/data/a.h5", in: "jobs").file == "/data/a.h5")
    #expect(ArrayLocation("a.h5").dataset == nil)
    #expect(ArrayLocation("a.h5:").dataset == nil)
    let scan = ArrayLocation("a.h5:/scan:1/images")
    #expect(scan.file == "a.h5" && scan.dataset == "/scan:1/images")
  }

  @Test("a file whose name has a colon is found, with a dataset and without")
  func colons() throws {
    let scratch = try Scratch()
    let name = "only:images.h5"
    try scratch.write(name) { try $0.write([1.5] as [Float], shape: [1], to: "/x") }
    #expect(scratch.location(name).file.hasSuffix(name) && scratch.location(name).dataset == nil)
    for dataset in ["/x", "/scan:1/x", "x"] {
      let place = scratch.location("\(name):\(dataset)")
      #expect(place.name == name && place.dataset == dataset)
    }
    // Where no such file is, the dataset is what stands after the first ‘:/’.
    #expect(scratch.location("b:c.h5:/x:y").name == "b:c.h5")
  }

  @Test("a part of each layout is read as [channel, z, y, x]")
  func parts() throws {
    let scratch = try Scratch()
    try scratch.write {
      try $0.write((0..<60).map { UInt16($0) }, shape: [3, 4, 5], to: "/three")
      try $0.write((0..<120).map { Int32($0) }, shape: [2, 3, 4, 5], to: "/four")
    }
    func read(_ name: String, _ layout: ImageLayout, image: Int, _ box: Box) throws -> [Float] {
      let source = try ImageSource(scratch.location("a.h5:/\(name)"), layout: layout)
      var values = [Float](repeating: -1, count: source.channels * box.count)
      try values.withUnsafeMutableBufferPointer { try source.read(box, ofImage: image, into: $0) }
      return values
    }
    func box(_ z: Range<Int>) -> Box { Box(z: z, y: 1..<3, x: 2..<4) }
    #expect(try read("three", .stack, image: 2, box(0..<1)) == [47, 48, 52, 53])
    #expect(try read("three", .volume, image: 0, box(1..<3)) == [27, 28, 32, 33, 47, 48, 52, 53])
    // Image 1, channels 0 to 2.
    #expect(
      try read("four", .stack, image: 1, box(0..<1)) == [67, 68, 72, 73, 87, 88, 92, 93, 107, 108, 112, 113])
    // Channels 0 and 1, slice 2.
    #expect(try read("four", .volume, image: 0, box(2..<3)) == [47, 48, 52, 53, 107, 108, 112, 113])
    // Of volumes, image 1, slice 2.
    #expect(try read("four", .volumes, image: 1, box(2..<3)) == [107, 108, 112, 113])
    let volumes = try ImageSource(scratch.location("a.h5:/four"), layout: .volumes)
    #expect(volumes.imageCount == 2 && volumes.channels == 1 && volumes.extents == Extents(z: 3, y: 4, x: 5))
    let stack = try ImageSource(scratch.location("a.h5:/four"), layout: .stack)
    #expect(stack.imageCount == 2 && stack.channels == 3 && stack.extents == Extents(y: 4, x: 5))
    let volume = try ImageSource(scratch.location("a.h5:/four"), layout: .volume)
    #expect(volume.imageCount == 1 && volume.channels == 2 && volume.extents == Extents(z: 3, y: 4, x: 5))
    #expect(volume.region(ofImage: 0) == Region(image: 0, z: 0..<3, height: 4, width: 5))
  }

  @Test("of volumes the last axis of images or times serves as z where there is no z")
  func pagesAsSlices() throws {
    let scratch = try Scratch()
    try scratch.write { try $0.write((0..<120).map { Int32($0) }, shape: [2, 3, 4, 5], to: "/four") }
    func value(_ axes: String, image: Int, z: Int) throws -> [Float] {
      let source = try ImageSource(scratch.location("a.h5:/four"), layout: .volumes, axes: axes)
      var values: [Float] = [-1]
      try values.withUnsafeMutableBufferPointer {
        try source.read(Box(z: z..<z + 1, y: 0..<1, x: 0..<1), ofImage: image, into: $0)
      }
      return values
    }
    for axes in ["tiyx", "ityx", "izyx", "tzyx"] { #expect(try value(axes, image: 1, z: 2) == [100]) }
    #expect(try value("ziyx", image: 2, z: 1) == [100])
  }

  @Test("the only dataset of a file need not be named")
  func onlyDataset() throws {
    let scratch = try Scratch()
    try scratch.write("one.h5") { try $0.write([Float](repeating: 1, count: 8), shape: [2, 2, 2], to: "/stack") }
    try scratch.write("two.h5") {
      try $0.write([Float](repeating: 1, count: 8), shape: [2, 2, 2], to: "/a")
      try $0.write([Float](repeating: 1, count: 8), shape: [2, 2, 2], to: "/b")
    }
    try scratch.write("none.h5") { _ in }
    #expect("\(try ImageSource(scratch.location("one.h5"), layout: .stack).location)" == "one.h5:/stack")
    func said(_ text: String) -> String { message { _ = try ImageSource(scratch.location(text), layout: .stack) } }
    #expect(said("two.h5") == "two.h5 holds several datasets (a, b); name one, as in two.h5:/a.")
    #expect(said("none.h5") == "none.h5 holds no dataset at its top; name one, as in none.h5:/group/images.")
  }

  @Test("what cannot be read is named with its reason")
  func errors() throws {
    let scratch = try Scratch()
    try scratch.write {
      try $0.write([Float](repeating: 1, count: 6), shape: [2, 3], to: "/flat")
      try $0.createDataset("/nothing", of: Float.self, shape: [0, 3, 3])
    }
    func said(_ text: String, _ layout: ImageLayout = .stack) -> String {
      message { _ = try ImageSource(scratch.location(text), layout: layout) }
    }
    #expect(
      said("a.h5:/flat") == """
        a.h5:/flat has shape [2, 3]; a stack of 2-D images has axes [image, y, x] or [image, channel, y, x]. \
        One 2-D image is a stack of one: give it, its labels and targets a first axis of 1 (images[None] in NumPy), and \
        divide its pixels (split: {by: pixel}).
        """)
    #expect(
      said("a.h5:/flat", .volume) == """
        a.h5:/flat has shape [2, 3]; one 3-D image has axes [z, y, x] or [channel, z, y, x]. \
        One 2-D image is a stack of one: give it, its labels and targets a first axis of 1 (images[None] in NumPy), and \
        divide its pixels (split: {by: pixel}).
        """)
    #expect(said("a.h5:/nothing") == "a.h5:/nothing has shape [0, 3, 3], which holds nothing.")
    #expect(throws: HDF5Error.self) { try ImageSource(scratch.location("b.h5:/images"), layout: .stack) }
    #expect(said("b.h5:/images").contains("b.h5"))
    #expect(throws: HDF5Error.self) { try ImageSource(scratch.location("a.h5:/images"), layout: .stack) }
    #expect(said("a.h5:/images").contains("/images"))
  }
}
