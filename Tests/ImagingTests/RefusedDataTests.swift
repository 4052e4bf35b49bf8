import HDF5
import Host
import Testing

@testable import Imaging

/// Data that would be learnt wrongly without a word, and what is said of them.
@Suite("Refused data")
struct RefusedDataTests {
  static let shape = [6, 4, 5]
  static let images = (0..<120).map { Float(($0 * 37) % 101) }
  static let labels = (0..<120).map { UInt8($0 % 2) }

  private func data(
    _ fill: (File) throws -> Void = { _ in }, images: [Float] = images, target: ((Scratch) -> TargetSource)? = nil,
    split: SplitRule? = nil, channels: Int? = nil
  ) throws -> LearningData {
    let scratch = try Scratch()
    return try withExtendedLifetime(scratch) {
      try scratch.write {
        try fill($0)
        if try !$0.exists("/images") { try $0.write(images, shape: Self.shape, to: "/images") }
        if try !$0.exists("/labels") { try $0.write(Self.labels, shape: Self.shape, to: "/labels") }
        try $0.write([UInt8]([0, 0, 3, 1, 2, 0]), to: "/split")
      }
      let location = scratch.location("a.h5:/labels")
      return try LearningData(
        images: scratch.location("a.h5:/images"),
        target: target?(scratch) ?? .pixelClasses(location, classes: 2, ignore: nil), layout: .stack,
        split: split ?? .dataset(scratch.location("a.h5:/split"), train: 0, validate: 3, calibrate: 1, test: 2),
        channels: channels)
    }
  }

  private func ignoring(_ label: Int) -> (Scratch) -> TargetSource {
    { .pixelClasses($0.location("a.h5:/labels"), classes: 2, ignore: label) }
  }

  @Test(
    "a part in which nothing is known is refused",
    arguments: [(2, "validation part"), (3, "calibration part"), (4, "test part")])
  func nothingKnown(image: Int, part: String) throws {
    var labels = Self.labels
    for i in 20 * image..<20 * (image + 1) { labels[i] = 9 }
    let data = try data({ try $0.write(labels, shape: Self.shape, to: "/labels") }, target: ignoring(9))
    #expect(
      message { _ = try data.inspect() } == """
        a.h5:/labels has nothing known in the \(part), all is ignored or masked; label some, or leave this part out.
        """)
  }

  @Test("images that are their own targets need no class outside the training part")
  func classesOfTraining() throws {
    let classes: [UInt8] = [0, 1, 9, 9, 9, 1]
    let data = try data(
      { try $0.write(classes, to: "/kind") },
      target: { .itself(mask: nil, classes: .init(labels: $0.location("a.h5:/kind"), count: 2, ignore: 9)) })
    #expect(try data.inspect().voxels[.train] == [1, 2])
  }

  @Test("pixels that are divided so coarsely that a part is empty are refused")
  func coarseBlocks() throws {
    let split = SplitRule.pixels(SplitFractions(train: 0.98, calibrate: 0.01, test: 0.01), seed: 1, block: 64)
    let data = try data(split: split)
    #expect(
      message { _ = try data.inspect() } == """
        a.h5:/labels has nothing known in the calibration part, all is ignored or masked; \
        raise data.split.calibrate, or lower data.split.block.
        """)
  }

  @Test("a mask of 0 and 255 is recognized, and so is one whose 255 is ignored")
  func mask() throws {
    let mask = Self.labels.map { $0 * 255 }
    let fill: (File) throws -> Void = { try $0.write(mask, shape: Self.shape, to: "/labels") }
    #expect(
      message { _ = try data(fill).inspect() } == """
        a.h5:/labels holds 255 at [0, 0, 1], which is none of the classes 0 to 1; 60 labels are like this. \
        If this is a mask of 0 and 255, set data.labels-map: {0: 0, 255: 1}.
        """)
    #expect(
      message { _ = try data(fill, target: ignoring(255)).inspect() } == """
        a.h5:/labels holds only class 0 besides the ignored label 255. \
        If this is a mask of 0 and 255, set data.labels-map: {0: 0, 255: 1} and remove data.ignore.
        """)
  }

  @Test("one class alone is recognized when pixels are divided, too")
  func oneClass() throws {
    let mask = Self.labels.map { $0 * 255 }
    let split = SplitRule.pixels(SplitFractions(train: 0.6, calibrate: 0.2, test: 0.2), seed: 1, block: 1)
    let data = try data(
      { try $0.write(mask, shape: Self.shape, to: "/labels") }, target: ignoring(255), split: split)
    #expect(
      message { _ = try data.inspect() }.hasPrefix("a.h5:/labels holds only class 0 besides the ignored label 255."))
  }

  @Test("images so many that their list would not fit in memory are refused")
  func manyImages() throws {
    let scratch = try Scratch()
    try scratch.write {
      try $0.createDataset("/many", of: UInt8.self, shape: [1 << 46, 1, 1], layout: .chunked([64, 1, 1]))
    }
    #expect(
      message { _ = try ImageSource(scratch.location("a.h5:/many"), layout: .stack) }
        .hasPrefix("a.h5:/many takes 8589934592 MB of memory at once, but "))
  }

  @Test("labels that are no whole numbers are told with their place", arguments: [0.5, .nan])
  func fractions(value: Double) throws {
    var labels = Self.labels.map { Float($0) }
    #expect(throws: Never.self) { try data({ try $0.write(labels, shape: Self.shape, to: "/labels") }).inspect() }
    labels[47] = Float(value)
    #expect(
      message { _ = try data({ try $0.write(labels, shape: Self.shape, to: "/labels") }).inspect() } == """
        a.h5:/labels holds \(value) at [2, 1, 2], but labels are whole numbers; this is the only one. \
        If labels were resampled, do it again with the nearest neighbour; write NaN as the label that data.ignore names.
        """)
  }

  @Test("labels with an axis of channels are told how to lose it")
  func labelAxis() {
    func said(_ count: Int) -> String {
      message {
        _ = try data { file in
          try file.write([UInt8](repeating: 0, count: 120 * count), shape: [6, count, 4, 5], to: "/labels")
        }
      }
    }
    #expect(
      said(1) == """
        a.h5:/labels has shape [6, 1, 4, 5] but /images has [6, 4, 5]; they must be equal. \
        Labels and masks have no channel axis: remove axis 1.
        """)
    #expect(
      said(2) == """
        a.h5:/labels has shape [6, 2, 4, 5] but /images has [6, 4, 5]; they must be equal. \
        Labels are numbers of classes, one a pixel: write the largest of the 2 channels (argmax over axis 1).
        """)
  }

  @Test("images whose channels are last are refused, unless their shape is confirmed")
  func channelsLast() throws {
    let shape = [6, 8, 10, 3]
    let fill: (File) throws -> Void = {
      try $0.write((0..<1440).map { Float($0 % 7) }, shape: shape, to: "/images")
      try $0.write([UInt8](repeating: 1, count: 180), shape: [6, 10, 3], to: "/mask")
      try $0.write([UInt8](repeating: 1, count: 480), shape: [6, 8, 10], to: "/wrong")
    }
    let itself: (Scratch) -> TargetSource = { _ in .itself(mask: nil) }
    #expect(
      message { _ = try data(fill, target: itself) } == """
        a.h5:/images has shape [6, 8, 10, 3], which is read as [image, channel, y, x]: 8 channels of 10 × 3 pixels. \
        If the last axis holds channels, move it (numpy.moveaxis(images, -1, 1)); \
        if the images are as they are read, set data.channels: 8.
        """)
    let single: (File) throws -> Void = { try $0.write((0..<240).map { Float($0) }, shape: [8, 10, 3], to: "/images") }
    #expect(
      message { _ = try data(single, target: itself) } == """
        a.h5:/images has shape [8, 10, 3], which is read as [image, y, x]: 8 images of 10 × 3 pixels. \
        If the last axis holds channels, move it (numpy.moveaxis(images, -1, 0)[None]); \
        if the images are as they are read, set data.channels: 1.
        """)
    #expect(try data(fill, target: itself, channels: 8).images.channels == 8)
    #expect(
      message { _ = try data(fill, target: itself, channels: 3) } == """
        a.h5:/images has shape [6, 8, 10, 3], read as [image, channel, y, x]: its number of channels is 8, not 3 as \
        data.channels says.
        """)
    let masked: (Scratch) -> TargetSource = { .itself(mask: $0.location("a.h5:/mask")) }
    #expect(try data(fill, target: masked).images.axes == "[image 6, channel 8, y 10, x 3]")
    let wrong: (Scratch) -> TargetSource = { .pixelClasses($0.location("a.h5:/wrong"), classes: 2, ignore: nil) }
    #expect(
      message { _ = try data(fill, target: wrong) } == """
        a.h5:/wrong has shape [6, 8, 10] but /images has [6, 8, 10, 3]; without the channel axis they must be equal. \
        Channels come before y: move the last axis of the images (numpy.moveaxis).
        """)
  }

  @Test("one image without an axis of images is told what to do, and a shape of petabytes is refused")
  func shapes() throws {
    let scratch = try Scratch()
    try scratch.write {
      try $0.write([Float](repeating: 1, count: 12), shape: [3, 4], to: "/one")
      try $0.createDataset(
        "/huge", of: Float.self, shape: [1 << 20, 1 << 15, 1 << 15], layout: .chunked([1, 64, 64]))
    }
    func said(_ name: String) -> String {
      message { _ = try ImageSource(scratch.location("a.h5:/\(name)"), layout: .stack) }
    }
    #expect(
      said("one") == """
        a.h5:/one has shape [3, 4]; a stack of 2-D images has axes [image, y, x] or [image, channel, y, x]. \
        One 2-D image is a stack of one: give it, its labels and targets a first axis of 1 (images[None] in NumPy), and \
        divide its pixels (split: {by: pixel}).
        """)
    #expect(
      said("huge")
        == "a.h5:/huge has shape [1048576, 32768, 32768], which is a petabyte or more; is the file damaged?")
  }

  @Test("more classes than labels can tell apart are refused")
  func classes() {
    #expect(
      message { _ = try data(target: { .pixelClasses($0.location("a.h5:/labels"), classes: 256, ignore: nil) }) }
        == "there are 256 classes, but 255 at most can be told apart; merge some.")
  }

  @Test("a patch that does not fit names the part")
  func patch() throws {
    let data = try data()
    let patch = Extents(y: 8, x: 4)
    #expect(
      message { _ = try TrainingUnits(regions: data.split.validate, patch: patch, of: data.images, part: .validate) }
        == """
        a patch of [8, 4] does not fit into image 2 of the validation part of a.h5:/images, which is [4, 5]; \
        lower data.patch.
        """)
  }
}

/// Numbers that float32 rounds.
@Suite("Wide numbers")
struct WideNumberTests {
  static let shape = [4, 6, 8]
  static let plain = (0..<192).map { Double(($0 * 37) % 101) / 8 }

  private func data(_ images: [Double], target: Bool = false) throws -> LearningData {
    let scratch = try Scratch()
    return try withExtendedLifetime(scratch) {
      try scratch.write {
        try $0.write(images, shape: Self.shape, to: "/images")
        try $0.write((0..<192).map { UInt8($0 % 2) }, shape: Self.shape, to: "/labels")
        try $0.write(Self.plain.map { Float($0) }, shape: Self.shape, to: "/float")
        try $0.write([UInt8]([0, 0, 1, 2]), to: "/split")
      }
      let labels = TargetSource.pixelClasses(scratch.location("a.h5:/labels"), classes: 2, ignore: nil)
      let images = TargetSource.images(scratch.location("a.h5:/images"), mask: nil)
      return try LearningData(
        images: scratch.location(target ? "a.h5:/float" : "a.h5:/images"), target: target ? images : labels,
        layout: .stack,
        split: .dataset(scratch.location("a.h5:/split"), train: 0, validate: nil, calibrate: 1, test: 2))
    }
  }

  private func scaled(_ data: LearningData) throws -> [Float] {
    let scaling = try data.inspect().scaling
    let region = try data.load(data.split.train[1], for: .train, scaling: scaling)
    return withExtendedLifetime(region) { Array(region.images.buffer) }
  }

  @Test("doubles with an offset are scaled as without it", arguments: [1e7, 1e9])
  func offset(offset: Double) throws {
    let plain = try scaled(try data(Self.plain))
    let moved = try scaled(try data(Self.plain.map { $0 + offset }))
    for (one, other) in zip(plain, moved) { #expect(abs(one - other) < 1e-6) }
  }

  @Test("numbers that are floats give the same bits as doubles")
  func sameBits() throws {
    let doubles = try data(Self.plain)
    let floats = try data(Self.plain, target: true)
    #expect(doubles.images.isWide && !floats.images.isWide)
    #expect(try doubles.inspect().scaling == floats.inspect().scaling)
    #expect(try scaled(doubles) == scaled(floats))
  }

  @Test("targets that float32 results cannot hold are refused with what to do")
  func targets() throws {
    func said(_ change: (Double) -> Double) -> String {
      message { _ = try data(Self.plain.map(change), target: true).inspect() }
    }
    #expect(said { $0 } == "")
    #expect(said { $0 * 1e15 } == "")
    #expect(
      said { $0 * 1e30 }.hasSuffix(
        "float32, which cannot hold the squares of such numbers: multiply them by 1e-31 first."))
    #expect(said { $0 * 1e-25 }.hasSuffix("cannot hold the squares of such numbers: multiply them by 1e24 first."))
    #expect(said { $0 + 1e9 }.hasSuffix("cannot hold values that differ so little: subtract the mean first."))
  }
}
