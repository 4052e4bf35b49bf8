import HDF5
import Host
import Testing

@testable import Imaging

@Suite("Targets")
struct TargetTests {
  /// Four images of 3 × 5 with targets of 2 channels, a mask and a class each.
  static let values = (0..<60).map { Float(($0 * 37) % 101) }
  static let targets = (0..<120).map { Float(($0 * 53) % 97) + 1000 }
  static let mask = (0..<60).map { UInt8($0 % 4 == 0 ? 0 : 7) }

  private func data(
    _ target: (Scratch) -> TargetSource, targets: [Float] = targets, classes: [Int32] = [2, 0, 1, 0],
    split: SplitRule? = nil
  ) throws -> LearningData {
    let scratch = try Scratch()
    return try withExtendedLifetime(scratch) {
      try scratch.write {
        try $0.write(Self.values, shape: [4, 3, 5], to: "/images")
        try $0.write(targets, shape: [4, 2, 3, 5], to: "/targets")
        try $0.write(Self.mask, shape: [4, 3, 5], to: "/mask")
        try $0.write(classes, to: "/classes")
        try $0.write([UInt8]([0, 1, 3, 2]), to: "/split")
      }
      return try LearningData(
        images: scratch.location("a.h5:/images"), target: target(scratch), layout: .stack,
        split: split
          ?? .dataset(scratch.location("a.h5:/split"), train: 0, validate: 3, calibrate: 1, test: 2))
    }
  }

  private func images(_ scratch: Scratch) -> TargetSource {
    .images(scratch.location("a.h5:/targets"), mask: scratch.location("a.h5:/mask"))
  }

  @Test(
    "target images are transformed before they are scaled, and back after they are scaled back",
    arguments: [TargetTransform.log1p, .sqrt])
  func transforms(transform: TargetTransform) throws {
    let data = try data(images)
    let scaling = try #require(try data.inspect(after: transform).targetScaling)
    let known = (0..<15).filter { Self.mask[$0] != 0 }
    for channel in 0..<2 {
      let values = known.map { index -> Double in
        let value = Double(Self.targets[15 * channel + index])
        return transform == .sqrt ? value.squareRoot() : Elementary.log1p(value)
      }
      #expect(abs(scaling.mean[channel] - values.reduce(0, +) / Double(values.count)) < 1e-9)
    }
    let part = try data.load(
      try #require(data.split.train.first), for: .train, scaling: .identity(channels: 1), targetScaling: scaling)
    for channel in 0..<2 {
      for index in known {
        let back = scaling.unscaled(part.values.pointer[15 * channel + index], channel: channel)
        #expect(abs(back - Self.targets[15 * channel + index]) < 1e-3)
      }
      // About the mean, one scaled unit is as many units of the targets as its ends are apart.
      let unit = scaling.unscaled(1, channel: channel) - scaling.unscaled(0, channel: channel)
      #expect(scaling.units[channel] == unit && unit > 1)
    }
    // Below 0 too, and a wild answer is a number whose square is one.
    #expect(transform.ofImages.inverted(-transform.ofImages.inverted(0.5)) < 0)
    for value in [-3.7, -1e-9, 0, 1e-9, 0.25, 8] {
      let there = transform.ofImages.apply(to: value, limits: nil)
      #expect(abs(transform.ofImages.inverted(there) - value) <= 1e-12 * abs(value))
    }
    #expect((scaling.unscaled(1e30, channel: 0) * scaling.unscaled(1e30, channel: 0)).isFinite)
  }

  @Test("target images are scaled by what is known of the training part, channel by channel")
  func scaling() throws {
    let data = try data(images)
    #expect(data.targetChannels == 2)
    #expect(data.content == TargetContent(labels: .none, channels: 2, hasWeights: true))
    let known = (0..<15).filter { Self.mask[$0] != 0 }
    let standard = try #require(try data.inspect().targetScaling)
    let range = try #require(try data.inspect(scalingTargets: .range).targetScaling)
    for channel in 0..<2 {
      let values = known.map { Double(Self.targets[15 * channel + $0]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      #expect(abs(standard.mean[channel] - mean) < 1e-9)
      #expect(abs(standard.standardDeviation[channel] - variance.squareRoot()) < 1e-9)
      #expect(range.mean[channel] == values.min())
      #expect(range.mean[channel] + range.standardDeviation[channel] == values.max())
    }
    #expect(try data.inspect(scalingTargets: .none).targetScaling == .identity(channels: 2))
    #expect(try data.inspect().voxels[.train] == [known.count])
    let validate = try #require(try data.inspect().voxels[.validate])
    #expect(validate[0] > 0)
  }

  @Test("a region holds scaled targets and where they are known; what stands elsewhere does not matter")
  func region() throws {
    var targets = Self.targets
    targets[30 + 2] = .nan  // Image 1, voxel 2: index 17 of the mask, known.
    targets[0] = .infinity  // Image 0, voxel 0: not known.
    let data = try data(images, targets: targets)
    let scaling = IntensityScaling(mean: [10], standardDeviation: [2])
    let target = IntensityScaling(mean: [1000, 1010], standardDeviation: [4, 5])
    let region = try data.load(data.split.train[0], for: .train, scaling: scaling, targetScaling: target)
    #expect(Array(region.weights.buffer) == Self.mask.prefix(15).map { $0 == 0 ? 0 : 1 })
    for i in 0..<15 where Self.mask[i] != 0 {
      #expect(region.values.pointer[i] == (Self.targets[i] - 1000) / 4)
      #expect(region.values.pointer[15 + i] == Float((Double(Self.targets[15 + i]) - 1010) / 5))
      #expect(target.unscaled(region.values.pointer[i], channel: 0) == Self.targets[i])
    }
    let isFinite = region.values.buffer.allSatisfy { $0.isFinite }
    #expect(isFinite)
    #expect(
      message { _ = try data.inspect() } == """
        a.h5:/targets is not a finite number at [1, 0, 0, 2], the only such value. \
        Replace them, or leave these images out of the split.
        """)
  }

  @Test("the targets of a box are those of the region there, in the file's units", arguments: [false, true])
  func box(isItself: Bool) throws {
    let data = try data(isItself ? { .itself(mask: $0.location("a.h5:/mask")) } : images)
    let region = data.split.test[0]
    let channels = data.targetChannels
    let whole = try data.load(
      region, for: .test, scaling: IntensityScaling(mean: [3], standardDeviation: [2]),
      targetScaling: .identity(channels: channels))
    let box = Box(z: 0..<1, y: 1..<3, x: 1..<4)
    let part = try data.targets(of: box, image: region.image, for: .test)
    #expect(part.images.count == 0)
    for (row, y) in box.y.enumerated() {
      for (column, x) in box.x.enumerated() {
        #expect(part.weights.pointer[3 * row + column] == whole.weights.pointer[5 * y + x])
        for channel in 0..<channels {
          #expect(part.values.pointer[6 * channel + 3 * row + column] == whole.values.pointer[15 * channel + 5 * y + x])
        }
      }
    }
  }

  @Test("an image that is its own target is kept once when it is scaled alike")
  func itself() throws {
    let data = try data { _ in .itself(mask: nil) }
    let scaling = try data.inspect().scaling
    #expect(try data.inspect().targetScaling == scaling)
    let shared = try data.load(data.split.train[0], for: .train, scaling: scaling, targetScaling: scaling)
    #expect(shared.sharesImages && shared.values === shared.images)
    let raw = try data.load(
      data.split.train[0], for: .train, scaling: scaling, targetScaling: .identity(channels: 1))
    #expect(Array(raw.values.buffer) == Array(Self.values.prefix(15)))
    #expect(Array(raw.images.buffer) == Array(shared.images.buffer))
  }

  @Test("classes of images are counted by image, and told when they are none")
  func imageClasses() throws {
    func classes(_ scratch: Scratch) -> TargetSource {
      .imageClasses(scratch.location("a.h5:/classes"), classes: 3, ignore: -1)
    }
    let data = try data(classes)
    let inspection = try data.inspect()
    #expect(inspection.targetScaling == nil)
    #expect(
      inspection.voxels == [.train: [0, 0, 1], .calibrate: [1, 0, 0], .validate: [0, 1, 0], .test: [1, 0, 0]])
    let region = try data.load(data.split.validate[0], for: .validate, scaling: inspection.scaling)
    #expect(Array(region.labels.buffer) == [1])
    #expect(
      message { _ = try self.data(classes, classes: [0, 1, 2, 5]).inspect() } == """
        a.h5:/classes holds 5 at [3], which is none of the classes 0 to 2 nor the ignored label -1; this is the only one. \
        List all classes in data.classes, or set data.ignore.
        """)
    #expect(
      message { _ = try self.data(classes, classes: [0, 1]) }
        == "a.h5:/classes has shape [2] but there are 4 images; it needs one label for each.")
  }

  @Test("of a split by pixels each part knows its own pixels, and together they know all")
  func pixels() throws {
    let rule = SplitRule.pixels(
      SplitFractions(train: 0.4, validate: 0.2, calibrate: 0.2, test: 0.2), seed: 5, block: 1)
    let data = try data({ .images($0.location("a.h5:/targets"), mask: nil) }, split: rule)
    let scaling = IntensityScaling.identity(channels: 1)
    for image in 0..<4 {
      var sum = [Float](repeating: 0, count: 15)
      for part in Part.allCases {
        let weights = try data.load(data.split[part][image], for: part, scaling: scaling).weights
        for i in 0..<15 { sum[i] += weights.pointer[i] }
      }
      #expect(sum == Array(repeating: 1, count: 15))
    }
    let counts = try data.inspect().voxels.values.map { $0[0] }
    #expect(counts.reduce(0, +) == 60 && counts.allSatisfy { $0 > 0 })
  }

  @Test("places of patches that overlap are more, each as large as a patch, and reach both ends")
  func overlap() throws {
    let (region, patch) = (Extents(y: 64, x: 50), Extents(y: 16, x: 16))
    let apart = try #require(PatchGrid(region: region, patch: patch))
    let grid = try #require(PatchGrid(region: region, patch: patch, overlap: Extents(y: 8, x: 4)))
    #expect(apart.cells.count == 12)
    #expect(grid.cells.count == 7 * 3)
    #expect(grid.cells.allSatisfy { patch.fits(in: $0.extents) && Box(region).contains($0) })
    #expect(grid.cells[0].y.lowerBound == 0 && grid.cells[0].x.lowerBound == 0)
    #expect(grid.cells.last?.y.upperBound == 64 && grid.cells.last?.x.upperBound == 50)
    #expect(grid.cells[0].y.upperBound - grid.cells[3].y.lowerBound == 8)
  }
}

@Suite("Changes of intensity and blind pixels")
struct PatchChangeTests {
  @Test("blind pixels form a grid; they are the mean of their neighbours, and only they count")
  func blind() {
    let patch = Extents(y: 9, x: 10)
    var random = RandomStream(seed: 1, purpose: .test)
    let original = (0..<2 * patch.count).map { _ in random.uniform() }
    var phases = Set<Int>()
    for seed: UInt64 in 0..<200 {
      var images = original
      var weights = [Float](repeating: 1, count: patch.count)
      weights[11] = 0
      var stream = RandomStream(seed: seed, purpose: .augmentation)
      BlindPixels(spacing: 3).hide(
        in: &images, original: original, weights: &weights, patch: patch, channels: 2, from: &stream)
      let blind = (0..<patch.count).filter { images[$0] != original[$0] }
      #expect((9...12).contains(blind.count))
      phases.insert(blind[0])
      for i in 0..<patch.count where i != 11 { #expect((weights[i] == 1) == blind.contains(i)) }
      #expect(weights[11] == 0)
      for i in blind {
        let (y, x) = (i / 10, i % 10)
        for channel in 0..<2 {
          var (sum, weight): (Float, Float) = (0, 0)
          for (dy, dx) in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
          where (0..<9).contains(y + dy) && (0..<10).contains(x + dx) {
            let factor: Float = dy * dx == 0 ? 1 : 0.5
            sum += factor * original[channel * 90 + (y + dy) * 10 + x + dx]
            weight += factor
          }
          #expect(abs(images[channel * 90 + i] - sum / weight) < 1e-6)
        }
      }
    }
    #expect(phases.count == 9)
  }

  @Test("intensities keep their order and stay within what the settings allow")
  func intensity() {
    let settings = AugmentationSettings(Gain(0.2), Offset(0.5), Gamma(0.5), Noise(0.3))
    let ramp = (0..<100).map { Float($0) / 50 - 1 }
    var noises = Set<Float>()
    for seed: UInt64 in 0..<50 {
      let stream = RandomStream(seed: seed, purpose: .augmentation)
      var values = ramp
      values.withUnsafeMutableBufferPointer { settings.changeIntensities($0, channels: 1, numbers: stream) }
      #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 })
      let (low, high) = (values[0], values[99])
      #expect(abs(high - low) <= 1.98 * 1.2 + 1e-5 && abs(high - low) >= 1.98 * 0.8 - 1e-5)
      #expect(low >= -1.2 - 0.5 - 1e-5 && low <= -0.8 + 0.5 + 1e-5)
      var noisy = [Float](repeating: 0, count: 2000)
      noisy.withUnsafeMutableBufferPointer {
        settings.disturb($0, numbers: stream, stream: RandomStream(seed: seed, purpose: .test))
      }
      let deviation = (noisy.reduce(0) { $0 + $1 * $1 } / 2000).squareRoot()
      #expect(deviation < 0.33)
      noises.insert(deviation)
    }
    #expect(noises.count == 50)
    let stream = RandomStream(seed: 1, purpose: .augmentation)
    var values = ramp
    values.withUnsafeMutableBufferPointer {
      AugmentationSettings().changeIntensities($0, channels: 1, numbers: stream)
      AugmentationSettings().disturb($0, numbers: stream, stream: stream)
    }
    #expect(values == ramp)
  }

  @Test("the numbers of a patch are those that its stream gives one after the other")
  func numbers() {
    var stream = RandomStream(seed: 3, purpose: .augmentation)
    let start = stream
    for index in 0..<7 { #expect(stream.uniformDouble() == start.uniformDouble(at: index)) }
  }
}
