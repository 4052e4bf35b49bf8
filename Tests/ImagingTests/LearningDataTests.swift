import HDF5
import Host
import Testing

@testable import Imaging

@Suite("LearningData")
struct LearningDataTests {
  /// Four images of 2 channels, 3 × 5, and their labels.
  static let values = (0..<120).map { Float(($0 * 37) % 101) }
  static let classes = (0..<60).map { UInt8($0 % 3) }

  private func data(
    values: [Float] = values, shape: [Int] = [4, 2, 3, 5], labels: [UInt8] = classes,
    labelShape: [Int] = [4, 3, 5], split: [UInt8] = [0, 1, 0, 2], layout: ImageLayout = .stack, ignore: Int? = nil
  ) throws -> LearningData {
    // What is open stays readable when the folder is gone.
    let scratch = try Scratch()
    return try withExtendedLifetime(scratch) {
      try scratch.write {
        try $0.write(values, shape: shape, to: "/images")
        try $0.write(labels, shape: labelShape, to: "/labels")
        try $0.write(split, to: "/split")
      }
      return try LearningData(
        images: scratch.location("a.h5:/images"),
        target: .pixelClasses(scratch.location("a.h5:/labels"), classes: 3, ignore: ignore), layout: layout,
        split: .dataset(scratch.location("a.h5:/split"), train: 0, validate: nil, calibrate: 1, test: 2))
    }
  }

  @Test("an inspection scales by the training voxels of each channel and counts the classes of each part")
  func inspect() throws {
    let inspection = try data().inspect()
    for channel in 0..<2 {
      // Images 0 and 2 train.
      let voxels = [0, 2].flatMap { image in
        (0..<15).map { Double(Self.values[(image * 2 + channel) * 15 + $0]) }
      }
      let mean = voxels.reduce(0, +) / 30
      let variance = voxels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 30
      #expect(abs(inspection.scaling.mean[channel] - mean) < 1e-12 * mean)
      #expect(abs(inspection.scaling.standardDeviation[channel] - variance.squareRoot()) < 1e-12 * variance)
    }
    #expect(
      inspection.voxels
        == [.train: [10, 10, 10], .validate: [0, 0, 0], .calibrate: [5, 5, 5], .test: [5, 5, 5]])
  }

  @Test("readers that share the data find what one finds, bit for bit, and the same faults")
  func sharedInspection() throws {
    struct Enough: Error {}
    for (readers, values) in [(1, Self.values), (3, Self.values), (5, Self.values), (3, broken)] {
      let data = try data(values: values)
      var (numbers, sums): ([[Double]], [[Int]]) = ([], [])
      func share(_ reader: Int) -> (Int) -> Range<Int> { { Shares(of: $0, among: readers)[reader] } }
      for reader in 0..<readers {
        let probe = JointReading(
          share: share(reader),
          sum: { body in
            sums.append(try body())
            throw Enough()
          },
          join: { body in
            numbers.append(try body())
            return []
          })
        #expect(throws: Enough.self) { try data.inspect(by: probe) }
      }
      let joint = JointReading(
        share: share(0),
        sum: { body in
          _ = try body()
          return sums.dropFirst().reduce(sums[0]) { zip($0, $1).map(+) }
        },
        join: { body in
          _ = try body()
          return numbers.flatMap { $0 }
        })
      if values == Self.values {
        #expect(try data.inspect(by: joint) == data.inspect())
      } else {
        #expect(message { _ = try data.inspect(by: joint) } == message { _ = try data.inspect() })
        #expect(message { _ = try data.inspect(by: joint) }.contains("2 such values"))
      }
    }
  }

  /// Values of which two are not finite, in the last image.
  private var broken: [Float] {
    var values = Self.values
    (values[95], values[119]) = (.infinity, .nan)
    return values
  }

  @Test("a region in memory is scaled, and its ignored labels are 255")
  func load() throws {
    var labels = Self.classes
    labels[35] = 99
    let data = try data(labels: labels, ignore: 99)
    let scaling = IntensityScaling(mean: [10, 20], standardDeviation: [2, 4])
    let region = try data.load(data.split.train[1], for: .train, scaling: scaling)
    #expect(region.region.image == 2)
    let first: [Float] = Self.values[60..<75].map { ($0 - 10) / 2 }
    let second: [Float] = Self.values[75..<90].map { ($0 - 20) / 4 }
    #expect(Array(region.images.buffer) == first + second)
    var classes = Array(Self.classes[30..<45])
    classes[5] = 255
    #expect(Array(region.labels.buffer) == classes)
    #expect(try data.inspect().voxels[.train] == [10, 10, 9])
  }

  @Test("labels of another shape than the images are refused")
  func shapes() {
    #expect(
      message { _ = try data(labels: [UInt8](repeating: 0, count: 64), labelShape: [4, 4, 4]) } == """
        a.h5:/labels has shape [4, 4, 4] but /images has [4, 2, 3, 5]; without the channel axis they must be equal.
        """)
    #expect(
      message {
        _ = try data(
          shape: [8, 3, 5], labels: [UInt8](repeating: 0, count: 135), labelShape: [9, 3, 5], layout: .volume)
      } == "a.h5:/labels has shape [9, 3, 5] but /images has [8, 3, 5]; they must be equal.")
    #expect(
      message { _ = try data(shape: [8, 3, 5], labelShape: [60]) }
        == "a.h5:/labels has shape [60] but /images has [8, 3, 5]; they must be equal.")
  }

  @Test("labels outside the classes are told with value, number and first place")
  func labels() throws {
    var labels = Self.classes
    labels[22] = 7
    labels[50] = 9
    let data = try data(labels: labels)
    let expected = """
      a.h5:/labels holds 7 at [1, 1, 2], which is none of the classes 0 to 2; 2 labels are like this. \
      List all classes in data.classes, or set data.ignore.
      """
    // The order of parts: images 1 (calibrate) and 3 (test).
    #expect(message { _ = try data.inspect() } == expected)
    let scaling = IntensityScaling(mean: [0, 0], standardDeviation: [1, 1])
    #expect(
      message { _ = try data.load(data.split.test[0], for: .test, scaling: scaling) } == """
        a.h5:/labels holds 9 at [3, 1, 0], which is none of the classes 0 to 2; this is the only one. \
        List all classes in data.classes, or set data.ignore.
        """)
    #expect(
      message { _ = try self.data(labels: labels, ignore: 7).inspect() }
        .hasPrefix("a.h5:/labels holds 9 at [3, 1, 0], which is none of the classes 0 to 2 nor the ignored label 7;"))
  }

  @Test("values that are not finite are told with number and first place")
  func notFinite() throws {
    var values = Self.values
    values[2 * 30 + 15 + 7] = .nan
    values[2 * 30 + 15 + 9] = -.infinity
    let data = try data(values: values)
    let expected = """
      a.h5:/images is not a finite number at [2, 1, 1, 2], the first of 2 such values. \
      Replace them, or leave these images out of the split.
      """
    #expect(message { _ = try data.inspect() } == expected)
    let scaling = IntensityScaling(mean: [0, 0], standardDeviation: [1, 1])
    #expect(message { _ = try data.load(data.split.train[1], for: .train, scaling: scaling) } == expected)
    #expect(throws: Never.self) { try data.load(data.split.train[0], for: .train, scaling: scaling) }
  }

  @Test("a channel without contrast and a training part without labels are refused")
  func nothingToLearn() throws {
    var values = Self.values
    for image in 0..<4 { for i in 15..<30 { values[image * 30 + i] = 3 } }
    #expect(
      message { _ = try data(values: values).inspect() } == """
        a.h5:/images has the value 3.0 in every training voxel of channel 1; there is nothing to learn from.
        """)
    let none = [UInt8](repeating: 255, count: 15)
    let some = [UInt8](repeating: 1, count: 15)
    let labels = none + some + none + some
    #expect(
      message { _ = try data(labels: labels, ignore: 255).inspect() }
        == "a.h5:/labels has nothing known in the training part, all is ignored or masked; label some.")
  }

  @Test("the cement data set is what its description says")
  func cementDataSet() throws {
    let data = try LearningData(
      images: cement("/images"), target: .pixelClasses(cement("/labels"), classes: 2, ignore: nil), layout: .volume,
      split: .dataset(cement("/split"), train: 0, validate: nil, calibrate: 1, test: 2))
    #expect(data.images.shape == [128, 128, 128])
    #expect(data.split.train == [Region(image: 0, z: 0..<72, height: 128, width: 128)])
    #expect(data.split.calibrate.map(\.z) == [76..<96])
    #expect(data.split.test.map(\.z) == [100..<128])
    let inspection = try data.inspect()
    // NumPy's mean and standard deviation of images[:72].
    #expect(abs(inspection.scaling.mean[0] - 89.27232615152995) < 1e-10)
    #expect(abs(inspection.scaling.standardDeviation[0] - 39.35755746128945) < 1e-10)
    #expect(inspection.voxels[.train]?.reduce(0, +) == 72 * 128 * 128)

    let region = try data.load(data.split.calibrate[0], for: .calibrate, scaling: inspection.scaling)
    #expect(Array(region.labels.buffer).count { $0 == 1 } == inspection.voxels[.calibrate]?[1])
    let units = try TrainingUnits(regions: data.split.train, patch: Extents(z: 32, y: 64, x: 64), of: data.images)
    #expect(units.units.count == 8)
  }
}
