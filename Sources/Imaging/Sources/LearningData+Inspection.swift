import Host
import ImageFiles

/// The statistics of a whole data set.
public struct Inspection: Sendable, Hashable, Codable {
  /// The scaling of images: to mean 0 and standard deviation 1 over the training voxels, or by a rule that each image
  /// has numbers of its own by.
  public let scaling: IntensityScaling
  /// The scaling of target images; nil for classes.
  public let targetScaling: IntensityScaling?
  /// How many voxels (or images) each class has in each part; of target images, how many voxels are known.
  public let voxels: [Part: [Int]]
}

extension LearningData {
  /// Reads the images and targets of all parts once, slab by slab, and checks them.
  ///
  /// The scaling is summed slice by slice in the order of regions, whatever the size of slabs.
  /// - Parameter rule: how target images are scaled.
  /// - Throws: `ImagingError` for labels outside the classes, values that are not finite, a constant channel, targets
  ///   that float32 cannot hold, or a part in which nothing is known, each with the number and the first place of the
  ///   fault; `HDF5Error`.
  /// - Complexity: O(*voxels*) time, memory for one slab.
  public func inspect(scalingTargets rule: TargetScaling = .standard) throws -> Inspection {
    var scaling = IntensityScaling.identity(channels: images.channels)
    scaling.transform = preparation.transform
    if !preparation.scaling.isByImage {
      scaling.limits = try images.limits(of: split.train.map { ($0.image, $0.box) }, preparation.transform)
    }
    var moments = [Moments](repeating: Moments(), count: images.channels)
    var targets = [Moments](repeating: Moments(), count: targetChannels)
    var voxels: [Part: [Int]] = [:]
    var ignored = 0
    var faults = Faults(target, preparation.labelMap)
    for part in Part.allCases {
      var counts = [Int](repeating: 0, count: 256)
      for region in split[part] {
        for box in region.box.slabs(depth: min(images.slabDepth, answers?.slabDepth ?? .max)) {
          let slab = try Slab(self, box, image: region.image, part, &faults)
          if content.labels != .image { slab.count(&counts) }
          try slab.add(images, scaling, isCounted: part == .train, to: &moments, &faults)
          if case .images = target, let answers {
            try slab.add(answers, where: slab.weights, isCounted: part == .train, to: &targets, &faults)
          } else if case .itself = target, part == .train, let weights = slab.weights {
            try slab.add(images, where: weights, isCounted: true, to: &targets, &faults)
          }
        }
        // One label stands for all of an image.
        if content.labels == .image {
          let label = AlignedBuffer<UInt8>(count: 1)
          try readLabels(of: region.box, image: region.image, part, into: label.buffer, &faults)
          counts[Int(label.buffer[0])] += 1
        }
      }
      voxels[part] = Array(counts.prefix(max(1, classes)))
      ignored += counts[Int(Label.ignored)]
    }
    try faults.raise()
    if case .itself = target, !content.hasWeights { targets = moments }
    try check(moments, voxels, ignored: ignored)
    let limits = scaling.limits
    if !preparation.scaling.isByImage {
      scaling = IntensityScaling(mean: moments.map(\.mean), standardDeviation: moments.map(\.standardDeviation))
    }
    (scaling.rule, scaling.transform, scaling.limits) = (preparation.scaling, preparation.transform, limits)
    return Inspection(
      scaling: scaling,
      targetScaling: targetChannels > 0 ? try targetScaling(rule, targets) : nil, voxels: voxels)
  }

  /// Sees that there is something to learn, and something known in every part.
  private func check(_ moments: [Moments], _ voxels: [Part: [Int]], ignored: Int) throws(ImagingError) {
    if let first = moments.first, first.count == 0 { throw .nothingMeasured(images.location) }
    for (channel, moments) in moments.enumerated() where moments.squares == 0 {
      throw .constant(images.location, channel: channel, value: moments.mean)
    }
    // Of images that are their own targets and have classes, those of the training part alone are needed.
    let hasBoth = classes > 0 && targetChannels > 0
    for part in Part.allCases where part == .train || !split[part].isEmpty && !hasBoth {
      guard let counts = voxels[part], counts.contains(where: { $0 > 0 }) else {
        throw .nothingKnown(
          classes > 0 ? targetLocation : mask?.location ?? targetLocation, part, isDivided: split.pixels != nil)
      }
    }
    let known = (0..<classes).filter { label in voxels.values.contains { $0[label] > 0 } }
    if let ignore = target.ignore, ignored > 0, let only = known.first, known.count == 1 {
      throw .oneClass(targetLocation, only, ignore: ignore)
    }
  }

  private func targetScaling(_ rule: TargetScaling, _ moments: [Moments]) throws(ImagingError) -> IntensityScaling {
    for (channel, moments) in moments.enumerated() {
      let deviation = moments.standardDeviation
      guard moments.squares > 0 else {
        if rule == .none { continue }
        throw .constant(targetLocation, channel: channel, value: moments.mean)
      }
      // Results are float32: the square of a deviation must be one, and the values must differ in their leading digits.
      guard (1e-17...1e17).contains(deviation), deviation > abs(moments.mean) * 0x1p-20 else {
        throw .targetRange(targetLocation, channel: channel, mean: moments.mean, deviation: deviation)
      }
    }
    return switch rule {
    case .standard:
      IntensityScaling(mean: moments.map(\.mean), standardDeviation: moments.map(\.standardDeviation))
    case .range:
      IntensityScaling(mean: moments.map(\.smallest), standardDeviation: moments.map { $0.largest - $0.smallest })
    case .none: .identity(channels: moments.count)
    }
  }
}

/// A run of slices while a data set is inspected.
private struct Slab {
  let box: Box
  let image: Int
  /// 1 where targets are known, else 0; nil: all are.
  let weights: AlignedBuffer<Float>?
  let labels: AlignedBuffer<UInt8>?

  init(_ data: LearningData, _ box: Box, image: Int, _ part: Part, _ faults: inout Faults) throws {
    self.box = box
    self.image = image
    let content = data.content
    try ImageSource.requireMemory(
      (8 * data.images.channels + content.bytes) * box.count, for: data.images.location)
    let labels = content.labels == .pixels ? AlignedBuffer<UInt8>(count: box.count) : nil
    let weights = content.hasWeights ? AlignedBuffer<Float>(count: box.count) : nil
    if let labels { try data.readLabels(of: box, image: image, part, into: labels.buffer, &faults) }
    if let weights { try data.readWeights(of: box, image: image, part, into: weights.buffer) }
    self.labels = labels
    self.weights = weights
  }

  /// Counts the voxels of each class, or those whose target is known.
  func count(_ counts: inout [Int]) {
    if let labels {
      for label in labels.buffer { counts[Int(label)] += 1 }
    } else {
      counts[0] += weights?.buffer.count { $0 != 0 } ?? box.count
    }
  }

  /// Reads the slab of an array, looks for faults, and takes its values into moments, slice by slice.
  ///
  /// - Parameters:
  ///   - transform: what is done to values before moments are taken.
  ///   - weights: where they are 0, values are passed over, as are those that were not measured.
  func add(
    _ source: ImageSource, _ transform: IntensityScaling? = nil, where weights: AlignedBuffer<Float>? = nil,
    isCounted: Bool, to moments: inout [Moments], _ faults: inout Faults
  ) throws {
    let transform = transform?.transform == IntensityTransform.none ? nil : transform
    if source.isWide {
      try add(Double.self, source, transform, weights, isCounted, &moments, &faults)
    } else {
      try add(Float.self, source, transform, weights, isCounted, &moments, &faults)
    }
  }

  private func add<Value: ImageScalar & BinaryFloatingPoint & BitwiseCopyable>(
    _: Value.Type, _ source: ImageSource, _ transform: IntensityScaling?, _ weights: AlignedBuffer<Float>?,
    _ isCounted: Bool, _ moments: inout [Moments], _ faults: inout Faults
  ) throws {
    let values = AlignedBuffer<Value>(count: source.channels * box.count)
    try source.read(box, ofImage: image, into: values.buffer)
    let valid = try source.valid(UnsafeBufferPointer(values.buffer), box, image: image)
    func isKnown(_ voxel: Int) -> Bool {
      weights.map { $0.pointer[voxel] != 0 } ?? true && valid.map { $0.pointer[voxel] != 0 } ?? true
    }
    let isPartial = weights != nil || valid != nil
    if isPartial {
      for i in 0..<values.count where !isKnown(i % box.count) { values.pointer[i] = 0 }
    }
    faults.look(at: UnsafeBufferPointer(values.buffer), of: source, box, image: image)
    guard isCounted else { return }
    let slice = box.y.count * box.x.count
    defer { withExtendedLifetime(values) {} }
    for z in 0..<box.z.count {
      for channel in moments.indices {
        let plane = UnsafeBufferPointer(start: values.pointer + (channel * box.z.count + z) * slice, count: slice)
        guard isPartial || transform != nil else {
          moments[channel].add(plane)
          continue
        }
        let known = isPartial ? plane.indices.filter { isKnown(z * slice + $0) }.map { plane[$0] } : Array(plane)
        guard let transform else {
          known.withUnsafeBufferPointer { moments[channel].add($0) }
          continue
        }
        let values = known.map { transform.transformed(Double($0), channel: channel) }
        values.withUnsafeBufferPointer { moments[channel].add($0) }
      }
    }
  }
}
