import HDF5
import Host
import ImageFiles
import Testing

@testable import Imaging

/// Images of several files, of different extents.
@Suite("Several files")
struct SeveralFilesTests {
  /// Two images of 4 × 6 in one file, one of 3 × 9 and one of 5 × 5 in others, numbered through; the labels of the first
  /// three are in one file, as a pattern means them.
  private static func write(_ scratch: Scratch, fault: Bool = false) throws {
    func values(_ image: Int, _ count: Int) -> [Float] { (0..<count).map { Float(100 * image + ($0 * 7) % 50) } }
    func labels(_ image: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(($0 + image) % 2) } }
    try scratch.write("a.h5") {
      try $0.write(values(0, 24) + values(1, 24), shape: [2, 4, 6], to: "/x")
      try $0.write(labels(0, 24) + labels(1, 24), shape: [2, 4, 6], to: "/y")
    }
    try scratch.write("b.h5") {
      try $0.write(values(2, 27), shape: [3, 9], to: "/x")
      try $0.write(labels(2, 27), shape: [3, 9], to: "/y")
      try $0.write(values(2, 54), shape: [2, 3, 9], to: "/channels")
      try $0.write([UInt8](repeating: 0, count: 25), shape: [5, 5], to: "/other")
    }
    try scratch.write("c.h5") {
      var last = values(3, 25)
      if fault { last[7] = .nan }
      try $0.write(last, shape: [1, 5, 5], to: "/x")
      try $0.write(labels(3, 25), shape: [1, 5, 5], to: "/y")
    }
    try scratch.write("split.h5") {
      try $0.write([UInt8]([0, 1]), to: "/a")
      try $0.write([UInt8]([0, 2]), to: "/b")
    }
  }

  private static func joined(_ scratch: Scratch, _ texts: String...) -> ArrayLocation {
    ArrayLocation(joining: texts.map { scratch.location($0) })
  }

  private func data(
    _ scratch: Scratch, labels: ArrayLocation? = nil, target: TargetSource? = nil, fault: Bool = false
  ) throws -> LearningData {
    try Self.write(scratch, fault: fault)
    let labels = labels ?? Self.joined(scratch, "a.h5:/y", "b.h5:/y", "c.h5:/y")
    return try LearningData(
      images: Self.joined(scratch, "a.h5:/x", "b.h5:/x", "c.h5:/x"),
      target: target ?? .pixelClasses(labels, classes: 2, ignore: nil), layout: .stack,
      split: .dataset(
        Self.joined(scratch, "split.h5:/a", "split.h5:/b"), train: 0, validate: nil, calibrate: 1, test: 2))
  }

  @Test("images are numbered through, each of its own extents, and split by numbers that follow each other")
  func numbering() throws {
    let scratch = try Scratch()
    let data = try data(scratch)
    #expect(data.images.imageCount == 4 && !data.images.hasOneExtent)
    #expect(data.images.axes == "[image 4, y 3–5, x 5–9]")
    #expect(data.images.extents == Extents(y: 5, x: 9))
    #expect(
      (0..<4).map { data.images.extents(ofImage: $0).list(dimensions: 2) } == [[4, 6], [4, 6], [3, 9], [5, 5]])
    #expect(data.split.train.map(\.image) == [0, 2] && data.split.train[1].extents == Extents(y: 3, x: 9))
    let region = try data.load(
      data.split.train[1], for: .train, scaling: IntensityScaling(mean: [200], standardDeviation: [1]))
    #expect(Array(region.images.buffer) == (0..<27).map { Float(($0 * 7) % 50) })
    #expect(Array(region.labels.buffer) == (0..<27).map { UInt8($0 % 2) })
    #expect(try data.inspect().voxels[.test] == [12, 13])
  }

  @Test("the same images as one array and as several have the same inspection and the same hashes")
  func sameAsOne() throws {
    let scratch = try Scratch()
    let whole = (0..<60).map { Float(($0 * 37) % 101) }
    try scratch.write("one.h5") { try $0.write(whole, shape: [5, 3, 4], to: "/x") }
    try scratch.write("two.h5") {
      try $0.write(Array(whole[..<24]), shape: [2, 3, 4], to: "/x")
      try $0.write(Array(whole[24...]), shape: [3, 3, 4], to: "/y")
    }
    let data = try [
      scratch.location("one.h5:/x"), Self.joined(scratch, "two.h5:/x", "two.h5:/y"),
    ].map {
      try LearningData(
        images: $0, target: .itself(mask: nil), layout: .stack,
        split: .fractions(
          SplitFractions(train: 0.6, calibrate: 0.2, test: 0.2), seed: 1, stratified: false))
    }
    #expect(try data[0].inspect() == data[1].inspect())
    func content(_ data: LearningData) throws -> PartContent {
      PartContent(slices: try data.pieces(of: .train).flatMap { try data.hashes(of: $0, .train) })
    }
    #expect(try content(data[0]) == content(data[1]))
  }

  @Test("an image that is smaller than a patch is padded: of mean intensity, and unknown")
  func padding() throws {
    let scratch = try Scratch()
    let data = try data(scratch)
    let patch = Extents(y: 4, x: 6)
    let units = try TrainingUnits(regions: data.split.train, patch: patch, of: data.images)
    #expect(units.padded == 1 && units.units.count == 2)
    let scaling = IntensityScaling(mean: [200], standardDeviation: [2])
    let region = try data.load(data.split.train[1], for: .train, scaling: scaling, patch: patch)
    #expect(region.region.extents == Extents(y: 4, x: 9))
    let own: [Float] = (0..<27).map { Float(($0 * 7) % 50) / 2 }
    #expect(Array(region.images.buffer) == own + [Float](repeating: 0, count: 9))
    #expect(
      Array(region.labels.buffer) == (0..<27).map { UInt8($0 % 2) } + [UInt8](repeating: Label.ignored, count: 9))
    #expect(
      message { _ = try TrainingUnits(regions: data.split.train, patch: Extents(y: 6, x: 6), of: data.images) }
        .hasPrefix("a patch of [6, 6] does not fit into image 0 of the training part of a.h5:/x and 2 more"))
  }

  @Test("of target images, weights say that padding is unknown")
  func paddedTargets() throws {
    let scratch = try Scratch()
    let data = try data(scratch, target: .itself(mask: nil))
    let scaling = IntensityScaling(mean: [200], standardDeviation: [2])
    let region = try data.load(data.split.train[1], for: .train, scaling: scaling, patch: Extents(y: 4, x: 6))
    #expect(region.content.hasWeights)
    #expect(Array(region.weights.buffer) == [Float](repeating: 1, count: 27) + [Float](repeating: 0, count: 9))
    #expect(try !data.load(data.split.train[0], for: .train, scaling: scaling).content.hasWeights)
  }

  @Test("what does not fit is told with its file")
  func refused() throws {
    let scratch = try Scratch()
    try Self.write(scratch)
    func said(_ layout: ImageLayout, _ texts: String...) -> String {
      message {
        _ = try ImageSource(ArrayLocation(joining: texts.map { scratch.location($0) }), layout: layout)
      }
    }
    try scratch.write("d.h5") { try $0.write([Float](repeating: 1, count: 48), shape: [2, 2, 3, 4], to: "/x") }
    #expect(
      said(.stack, "a.h5:/x", "d.h5:/x")
        == "d.h5:/x has shape [2, 2, 3, 4], and 2 channels, but a.h5:/x has 1; images may differ in their extents alone."
    )
    #expect(
      said(.volume, "a.h5:/x", "c.h5:/x").hasPrefix("a.h5:/x and 1 more are 2 arrays, but a volume is one image."))
    let (second, third) = (try Scratch(), try Scratch())
    #expect(
      message { _ = try data(second, labels: Self.joined(second, "a.h5:/y", "b.h5:/other", "c.h5:/y")) }
        == "b.h5:/other has shape [1, 5, 5] but /x has [1, 3, 9]; they must be equal.")
    #expect(
      message { _ = try data(third, labels: third.location("a.h5:/y")) }
        == "a.h5:/y has shape [2, 4, 6] but a.h5:/x and 2 more have [4, 5, 9]; they must be equal.")
  }

  @Test("a fault in a later file is told with that file and the place in it")
  func faults() throws {
    let scratch = try Scratch()
    let data = try data(scratch, fault: true)
    #expect(
      message { _ = try data.inspect() }.hasPrefix("c.h5:/x is not a finite number at [0, 1, 2], the only such value."))
  }
}
