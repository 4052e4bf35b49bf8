import Foundation
import HDF5
import Host
import Testing

@testable import Imaging

@Suite("Preparation of images")
struct PreparationTests {
  /// A percentile of numbers in memory, as NumPy defines it.
  private static func percentile(_ values: [Double], _ fraction: Double) -> Double {
    let sorted = values.sorted()
    let position = fraction * Double(sorted.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, sorted.count - 1)
    return sorted[lower] + (sorted[upper] - sorted[lower]) * (position - Double(lower))
  }

  @Test("percentiles that are counted piece by piece are those of the sorted numbers", arguments: [1, 2, 7, 1000])
  func percentiles(count: Int) {
    var stream = RandomStream(seed: 11, purpose: .test)
    let doubles = (0..<count).map { _ in 1e9 + stream.normal() }
    let floats = (0..<count).map { index in index % 5 == 0 ? 3 : Float(stream.normal()) }
    func found<Value: OrderedByKey>(_ values: [Value]) -> [Double] {
      var search = PercentileSearch([0, 0.01, 0.5, 0.998, 1], of: Value.self)
      var readings = 0
      while !search.isFound {
        // Two readers, whose counts add up.
        var other = search
        search.add(values.prefix(count / 3))
        other.add(values.dropFirst(count / 3))
        search.finish(zip(search.counts, other.counts).map(+))
        readings += 1
      }
      #expect(readings == Value.keyBits / 16)
      return search.values(as: Value.self)
    }
    for (fraction, value) in zip([0, 0.01, 0.5, 0.998, 1], found(doubles)) {
      #expect(value == Self.percentile(doubles, fraction))
    }
    for (fraction, value) in zip([0, 0.01, 0.5, 0.998, 1], found(floats)) {
      #expect(value == Self.percentile(floats.map(Double.init), fraction))
    }
  }

  @Test("there are no percentiles of no numbers")
  func none() {
    var search = PercentileSearch([0.5], of: Float.self)
    search.finish(search.counts)
    #expect(search.isFound && search.values(as: Float.self).isEmpty)
  }

  @Test("transforms are odd functions, or clip", arguments: [IntensityTransform.log1p, .sqrt, .clip])
  func transforms(transform: IntensityTransform) {
    let limits = -2.0...2.0
    #expect(transform.apply(to: -8, limits: limits) == -transform.apply(to: 8, limits: limits))
    let expected: [IntensityTransform: Double] = [.log1p: 2.1972245773362196, .sqrt: 2.8284271247461903, .clip: 2]
    #expect(transform.apply(to: 8, limits: limits) == expected[transform])
  }

  /// Four images of two channels, 4 × 25, of which the first two train.
  private static let shape = [4, 2, 4, 25]
  private static let values = (0..<800).map { index -> Float in
    let (image, channel) = (index / 200, index / 100 % 2)
    return Float((index * 37) % 101) * Float(1 + image) + Float(500 * channel)
  }

  private func data(_ preparation: ImagePreparation, values: [Float] = values, valid: [UInt8]? = nil) throws
    -> LearningData
  {
    let scratch = try Scratch()
    return try withExtendedLifetime(scratch) {
      try scratch.write {
        try $0.write(values, shape: Self.shape, to: "/images")
        try $0.write((0..<400).map { UInt8($0 % 2) }, shape: [4, 4, 25], to: "/labels")
        try $0.write([UInt8(0), 0, 1, 2], to: "/split")
        if let valid { try $0.write(valid, shape: valid.count == 100 ? [4, 25] : [4, 4, 25], to: "/valid") }
      }
      var preparation = preparation
      if valid != nil { preparation.valid = scratch.location("a.h5:/valid") }
      return try LearningData(
        images: scratch.location("a.h5:/images"),
        target: .pixelClasses(scratch.location("a.h5:/labels"), classes: 2, ignore: nil), layout: .stack,
        split: .dataset(scratch.location("a.h5:/split"), train: 0, validate: nil, calibrate: 1, test: 2),
        preparation: preparation)
    }
  }

  /// The scaled values of an image's channel, and its values in the file.
  private func loaded(
    _ data: LearningData, image: Int, channel: Int
  ) throws -> (scaled: [Float], values: [Double], scaling: IntensityScaling) {
    var scaling = try data.inspect().scaling
    if scaling.rule.isByImage {
      for image in 0..<4 { scaling.images[image] = try data.images.scaling(ofImage: image, as: scaling) }
    }
    let region = try data.load(data.images.region(ofImage: image), for: .calibrate, scaling: scaling)
    let first = (2 * image + channel) * 100
    return (
      Array(region.images.buffer[channel * 100..<channel * 100 + 100]),
      Self.values[first..<first + 100].map(Double.init), scaling
    )
  }

  @Test("images whose values say what was not measured are read once, with their labels, to inspect and to hash them")
  func readOnce() throws {
    // What this thread has read from files.
    func bytes() throws -> Int {
      let text = try String(contentsOfFile: "/proc/thread-self/io", encoding: .utf8)
      return text.split(separator: "\n").first { $0.hasPrefix("rchar") }.flatMap { Int($0.dropFirst(7)) } ?? 0
    }
    let (scratch, shape) = (try Scratch(), [4, 128, 128])
    let count = shape.reduce(1, *)
    let (first, second) = (0..<count).reduce(into: ([Float](), [UInt8]())) { all, index in
      all.0.append(index % 7 == 0 ? -1 : Float(index % 101))
      all.1.append(UInt8(index % 2))
    }
    try scratch.write {
      try $0.write(first, shape: shape, to: "/images")
      try $0.write(second, shape: shape, to: "/labels")
      try $0.write([UInt8(0), 0, 1, 2], to: "/split")
    }
    let data = try LearningData(
      images: scratch.location("a.h5:/images"),
      target: .pixelClasses(scratch.location("a.h5:/labels"), classes: 2, ignore: nil), layout: .stack,
      split: .dataset(scratch.location("a.h5:/split"), train: 0, validate: nil, calibrate: 1, test: 2),
      preparation: ImagePreparation(validity: Validity(invalid: [.negative])))
    let before = try bytes()
    let found = try data.inspect()
    let inspected = try bytes()
    _ = try Part.allCases.flatMap { part in try data.pieces(of: part).flatMap { try data.hashes(of: $0, part) } }
    let hashed = try bytes()
    // Of small labels the library may still have the last ones.
    for read in [inspected - before, hashed - inspected] {
      #expect(read >= 4 * count && read < 6 * count, "\(read) bytes read of \(5 * count)")
    }
    let known = (0..<count).filter { $0 % 7 != 0 }
    #expect(found.voxels[.train] == [0, 1].map { label in known.count { $0 < count / 2 && $0 % 2 == label } })
    let values = known.filter { $0 < count / 2 }.map { Double(first[$0]) }
    #expect(abs(found.scaling.mean[0] - values.reduce(0, +) / Double(values.count)) < 1e-9)
  }

  @Test("each image is scaled to mean 0 and deviation 1 of its own", arguments: [IntensityTransform.none, .sqrt])
  func byImage(transform: IntensityTransform) throws {
    for (image, channel) in [(0, 0), (1, 1), (2, 0)] {
      let (scaled, values, scaling) = try loaded(
        data(ImagePreparation(scaling: .image, transform: transform)), image: image, channel: channel)
      let changed = values.map { transform == .sqrt ? $0.squareRoot() : $0 }
      let mean = changed.reduce(0, +) / 100
      let deviation = (changed.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100).squareRoot()
      for (scaled, value) in zip(scaled, changed) { #expect(abs(Double(scaled) - (value - mean) / deviation) < 1e-5) }
      #expect(scaling.stored.images.isEmpty && scaling.stored.mean == [0, 0])
    }
  }

  @Test("by percentiles the 1st becomes 0 and the 99.8th 1, and clipping keeps all values between them")
  func byPercentiles() throws {
    for transform in [IntensityTransform.none, .clip] {
      let (scaled, values, _) = try loaded(
        data(ImagePreparation(scaling: .percentile, transform: transform)), image: 2, channel: 1)
      let (low, high) = (Self.percentile(values, 0.01), Self.percentile(values, 0.998))
      for (scaled, value) in zip(scaled, values) {
        let expected = (value - low) / (high - low)
        #expect(abs(Double(scaled) - (transform == .clip ? min(max(expected, 0), 1) : expected)) < 1e-6)
      }
    }
  }

  @Test("clipping alone takes the percentiles of the training part for all images")
  func clip() throws {
    let data = try data(ImagePreparation(transform: .clip))
    let scaling = try data.inspect().scaling
    let training = [1, 3].flatMap { plane -> [Double] in
      Self.values[plane * 100..<plane * 100 + 100].map { Double($0) }
    }
    let limits = try #require(scaling.limits)
    #expect(limits[1].lowerBound == Self.percentile(training, 0.01))
    #expect(limits[1].upperBound == Self.percentile(training, 0.998))
    let clipped = training.map { min(max($0, limits[1].lowerBound), limits[1].upperBound) }
    #expect(abs(scaling.mean[1] - clipped.reduce(0, +) / 200) < 1e-9)
  }

  @Test("pixels that were not measured are 0 to networks, count in no statistics, and teach nothing")
  func validity() throws {
    var values = Self.values
    // In image 0 NaN at pixel 3 of channel 1, and −7 at pixel 5 of channel 0.
    (values[103], values[5]) = (.nan, -7)
    var mask = [UInt8](repeating: 1, count: 400)
    mask[8] = 0
    let data = try data(
      ImagePreparation(
        validity: Validity(invalid: [.notFinite, .value(-7)], hasDataset: true, isTold: true)),
      values: values, valid: mask)
    let inspection = try data.inspect()
    #expect(data.images.inputChannels == 3 && inspection.voxels[.train]?.reduce(0, +) == 197)
    let known = (0..<100).filter { ![3, 5, 8].contains($0) }.map { Double(values[100 + $0]) }
    let all = known + values[300..<400].map { Double($0) }
    #expect(abs(inspection.scaling.mean[1] - all.reduce(0, +) / 197) < 1e-9)
    let region = try data.load(data.split.train[0], for: .train, scaling: inspection.scaling)
    for pixel in [3, 5, 8] {
      #expect([0, 1, 2].allSatisfy { region.images.buffer[$0 * 100 + pixel] == 0 })
      #expect(region.labels.buffer[pixel] == Label.ignored)
    }
    #expect(region.images.buffer[200..<300].reduce(0, +) == 97 && region.labels.buffer[4] == 0)
    let own = try data.images.scaling(ofImage: 0, as: Self.byImage)
    #expect(abs(own.mean[1] - known.reduce(0, +) / 97) < 1e-9)
    let measured = try data.images.measured(data.split.train[0].box, ofImage: 0)
    #expect(measured.isMeasured.indices.filter { !measured.isMeasured[$0] } == [3, 5, 8])
  }

  private static var byImage: IntensityScaling {
    var scaling = IntensityScaling.identity(channels: 2)
    scaling.rule = .image
    return scaling
  }

  @Test("one mask of a detector holds for all images")
  func detectorMask() throws {
    var mask = [UInt8](repeating: 1, count: 100)
    mask[42] = 0
    let data = try data(ImagePreparation(validity: Validity(hasDataset: true)), valid: mask)
    #expect(data.images.inputChannels == 2)
    for image in 0..<4 {
      let region = try data.load(
        data.images.region(ofImage: image), for: .test, scaling: .identity(channels: 2))
      #expect(region.labels.buffer.indices.filter { region.labels.buffer[$0] == Label.ignored } == [42])
    }
    // Another mask is other content, since networks see other images.
    mask[43] = 0
    let other = try self.data(ImagePreparation(validity: Validity(hasDataset: true)), valid: mask)
    let hashes = try [data, other].map { try $0.hashes(of: $0.pieces(of: .train)[0], .train) }
    #expect(hashes[0][0] != hashes[1][0] && hashes[0][1] != hashes[1][1])
  }

  @Test("data without a measured pixel, and a mask of another shape, are told")
  func refused() throws {
    let blank = try data(
      ImagePreparation(validity: Validity(hasDataset: true)), valid: [UInt8](repeating: 0, count: 400))
    #expect(message { _ = try blank.inspect() }.contains("no pixel of the training part was measured"))
    let rules = [InvalidValues("negative"), InvalidValues("nan"), InvalidValues("65535"), InvalidValues("none")]
    #expect(rules == [.negative, .notFinite, .value(65535), nil])
    #expect(rules.compactMap { $0?.text } == ["negative", "nan", "65535"])
  }

  @Test("labels stand for the classes that are named, several for one, and others are told")
  func labelMap() throws {
    let map = LabelMap([0: 0, 255: 1, 7: 1, 100_000: 0])
    #expect([0, 7, 255, 100_000, 1, -1].map { map[$0] } == [0, 1, 1, 0, nil, nil])
    let scratch = try Scratch()
    let labels = (0..<300).map { Int32([0, 255, 7, 100_000, 3][$0 % 5]) }
    try scratch.write {
      try $0.write(Array(Self.values.prefix(300)), shape: [3, 4, 25], to: "/images")
      try $0.write(labels, shape: [3, 4, 25], to: "/labels")
      try $0.write([UInt8(0), 1, 2], to: "/split")
    }
    func data(ignoring ignore: Int?) throws -> LearningData {
      try LearningData(
        images: scratch.location("a.h5:/images"),
        target: .pixelClasses(scratch.location("a.h5:/labels"), classes: 2, ignore: ignore), layout: .stack,
        split: .dataset(scratch.location("a.h5:/split"), train: 0, validate: nil, calibrate: 1, test: 2),
        preparation: ImagePreparation(labelMap: map))
    }
    #expect(try data(ignoring: 3).inspect().voxels[.train] == [40, 40])
    #expect(
      message { _ = try data(ignoring: nil).inspect() } == """
        a.h5:/labels holds 3 at [0, 0, 4], which data.labels-map does not name (it names 0, 7, 255, 100000); 60 labels are \
        like this. Name it there, or set data.ignore.
        """)
  }
}
