import Host

/// The statistics of a whole data set.
public struct Inspection: Sendable, Hashable, Codable {
  /// The scaling of images to mean 0 and standard deviation 1 over the training voxels.
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
  /// - Throws: `ImagingError` for labels outside the classes, values that are not finite, a constant channel, or
  ///   nothing known in the training part, each with the number and the first place of the fault; `HDF5Error`.
  /// - Complexity: O(*voxels*) time, memory for one slab.
  public func inspect(scalingTargets rule: TargetScaling = .standard) throws -> Inspection {
    var moments = [Moments](repeating: Moments(), count: images.channels)
    var answers = [Moments](repeating: Moments(), count: targetChannels)
    var voxels: [Part: [Int]] = [:]
    var faults = Faults(target)
    for part in Part.allCases {
      var counts = [Int](repeating: 0, count: 256)
      for region in split[part] {
        for box in slabs(of: region) {
          let slab = try Slab(self, box, image: region.image, part, &faults)
          if content.labels != .image { slab.count(&counts) }
          if part == .train {
            slab.add(slab.images, to: &moments, weights: nil)
            if let values = slab.values { slab.add(values, to: &answers, weights: slab.weights) }
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
    }
    try faults.raise()
    for (channel, moments) in moments.enumerated() where moments.squares == 0 {
      throw ImagingError.constant(images.location, channel: channel, value: moments.mean)
    }
    guard let train = voxels[.train], train.contains(where: { $0 > 0 }) else {
      throw ImagingError.noLabels(targetLocation)
    }
    let scaling = IntensityScaling(
      mean: moments.map(\.mean), standardDeviation: moments.map(\.standardDeviation))
    return Inspection(
      scaling: scaling, targetScaling: targetChannels > 0 ? try targetScaling(rule, answers) : nil, voxels: voxels)
  }

  private func targetScaling(_ rule: TargetScaling, _ moments: [Moments]) throws -> IntensityScaling {
    if rule != .none {
      for (channel, moments) in moments.enumerated() where moments.squares == 0 {
        throw ImagingError.constant(targetLocation, channel: channel, value: moments.mean)
      }
    }
    return switch rule {
    case .standard:
      IntensityScaling(mean: moments.map(\.mean), standardDeviation: moments.map(\.standardDeviation))
    case .range:
      IntensityScaling(
        mean: moments.map { Double($0.smallest) },
        standardDeviation: moments.map { Double($0.largest) - Double($0.smallest) })
    case .none:
      IntensityScaling(
        mean: moments.map { _ in 0 }, standardDeviation: moments.map { _ in 1 })
    }
  }

  private func slabs(of region: Region) -> [Box] {
    let depth = min(images.slabDepth, answers?.slabDepth ?? .max)
    return stride(from: region.z.lowerBound, to: region.z.upperBound, by: depth).map {
      Box(z: $0..<min($0 + depth, region.z.upperBound), y: 0..<region.height, x: 0..<region.width)
    }
  }
}

/// A run of slices while a data set is inspected, as the files have it.
private struct Slab {
  let box: Box
  let images: AlignedBuffer<Float>
  /// Target images; nil for classes.
  let values: AlignedBuffer<Float>?
  let weights: AlignedBuffer<Float>?
  let labels: AlignedBuffer<UInt8>?

  init(_ data: LearningData, _ box: Box, image: Int, _ part: Part, _ faults: inout Faults) throws {
    self.box = box
    let content = data.content
    images = AlignedBuffer(count: data.images.channels * box.count)
    try data.images.read(box, ofImage: image, into: images.buffer)
    faults.look(at: UnsafeBufferPointer(images.buffer), of: data.images, box, image: image)
    if content.labels == .pixels {
      let labels = AlignedBuffer<UInt8>(count: box.count)
      try data.readLabels(of: box, image: image, part, into: labels.buffer, &faults)
      self.labels = labels
    } else {
      labels = nil
    }
    if content.hasWeights {
      let weights = AlignedBuffer<Float>(count: box.count)
      try data.readWeights(of: box, image: image, part, into: weights.buffer)
      self.weights = weights
    } else {
      weights = nil
    }
    switch data.target {
    case .pixelClasses, .imageClasses: values = nil
    case .itself: values = images
    case .images:
      let values = AlignedBuffer<Float>(count: content.channels * box.count)
      try data.readAnswers(
        of: box, image: image, weights: weights.map { UnsafePointer($0.pointer) }, into: values.buffer, &faults)
      self.values = values
    }
  }

  /// Counts the voxels of each class, or those whose target is known.
  func count(_ counts: inout [Int]) {
    if let labels {
      for label in labels.buffer { counts[Int(label)] += 1 }
    } else if values != nil {
      counts[0] += weights?.buffer.count { $0 != 0 } ?? box.count
    }
  }

  func add(_ values: AlignedBuffer<Float>, to moments: inout [Moments], weights: AlignedBuffer<Float>?) {
    let slice = box.y.count * box.x.count
    for z in 0..<box.z.count {
      for channel in moments.indices {
        let start = values.pointer + (channel * box.z.count + z) * slice
        let plane = UnsafeBufferPointer(start: start, count: slice)
        guard let weights else {
          moments[channel].add(plane)
          continue
        }
        let known = plane.indices.filter { weights.pointer[z * slice + $0] != 0 }.map { plane[$0] }
        known.withUnsafeBufferPointer { moments[channel].add($0) }
      }
    }
  }
}
