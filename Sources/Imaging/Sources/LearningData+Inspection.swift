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
  /// The scaling is summed slice by slice in the order of regions, whatever the size of slabs and the number of readers.
  /// - Parameters:
  ///   - rule: how target images are scaled.
  ///   - transform: what is done to target images before.
  ///   - readers: all call this alike, and get the same.
  /// - Throws: `ImagingError` for labels outside the classes, values that are not finite, a constant channel, targets
  ///   that float32 cannot hold, or a part in which nothing is known, each with the number and the first place of the
  ///   fault; `HDF5Error`.
  /// - Complexity: O(*voxels*) time, memory for one slab.
  public func inspect(
    scalingTargets rule: TargetScaling = .standard, after transform: TargetTransform = .none,
    by readers: JointReading = .alone
  ) throws -> Inspection {
    var scaling = IntensityScaling.identity(channels: images.channels)
    scaling.transform = preparation.transform
    if !preparation.scaling.isByImage {
      scaling.limits = try images.limits(of: split.train.map { ($0.image, $0.box) }, preparation.transform, readers)
    }
    var targetTransform = IntensityScaling.identity(channels: targetChannels)
    targetTransform.transform = transform.ofImages
    let scalings = (images: scaling, targets: targetTransform)
    let pieces = InspectedPiece.all(of: self)
    var counts = [Part: [Int]](uniqueKeysWithValues: Part.allCases.map { ($0, Array(repeating: 0, count: 256)) })
    var faults = Faults(target, preparation.labelMap)
    let numbers = try readers.join {
      try pieces[readers.share(pieces.count)].flatMap { try look(at: $0, scalings, &counts, &faults) }
    }
    let sums = try readers.sum { Part.allCases.flatMap { counts[$0] ?? [] } + [faults.isEmpty ? 0 : 1] }
    // Faults are told in the order of one reader, who counts them all.
    guard sums.last == 0 || pieces.isEmpty else {
      var all = Faults(target, preparation.labelMap)
      for piece in pieces { _ = try look(at: piece, scalings, &counts, &all) }
      try all.raise()
      throw ImagingError.changed(images.location)
    }
    // Of each training slice the moments of all channels, and of those of the targets.
    var moments = [Moments](repeating: Moments(), count: images.channels + targetChannels)
    for (index, first) in stride(from: 0, to: numbers.count, by: Moments.numberCount).enumerated() {
      moments[index % moments.count].add(Moments(numbers: numbers[first..<first + Moments.numberCount]))
    }
    var targets = Array(moments[images.channels...])
    moments = Array(moments[..<images.channels])
    var voxels: [Part: [Int]] = [:]
    var ignored = 0
    for (place, part) in Part.allCases.enumerated() {
      let counts = sums[256 * place..<256 * (place + 1)]
      voxels[part] = Array(counts.prefix(max(1, classes)))
      ignored += counts[counts.startIndex + Int(Label.ignored)]
    }
    if case .itself = target, !content.hasWeights { targets = moments }
    try check(moments, voxels, ignored: ignored)
    let limits = scaling.limits
    if !preparation.scaling.isByImage {
      scaling = IntensityScaling(mean: moments.map(\.mean), standardDeviation: moments.map(\.standardDeviation))
    }
    (scaling.rule, scaling.transform, scaling.limits) = (preparation.scaling, preparation.transform, limits)
    return Inspection(
      scaling: scaling,
      targetScaling: targetChannels > 0 ? try targetScaling(rule, targets, after: transform) : nil, voxels: voxels)
  }

  /// Reads a piece, counts its classes and looks for faults.
  ///
  /// - Returns: of a piece of the training part `[slice, channel]` the moments' numbers, those of target channels behind
  ///   those of image channels.
  private func look(
    at piece: InspectedPiece, _ scalings: (images: IntensityScaling, targets: IntensityScaling),
    _ counts: inout [Part: [Int]], _ faults: inout Faults
  ) throws -> [Double] {
    let (part, region) = (piece.part, piece.region)
    let isCounted = part == .train
    var own = counts[part] ?? []
    defer { counts[part] = own }
    let slab = try Slab(self, piece.box, image: region.image, part, &faults)
    if content.labels != .image { slab.count(&own) }
    let moments = slab.moments(slab.stored, of: images, scalings.images, isCounted: isCounted, &faults)
    var targets: [[Moments]] = []
    if case .images = target, let answers {
      let stored = try answers.stored(piece.box, ofImage: region.image)
      targets = slab.moments(
        stored, of: answers, scalings.targets, where: slab.weights, isCounted: isCounted, &faults)
    } else if case .itself = target, isCounted, let weights = slab.weights {
      // Its faults are known.
      var none = Faults(target, preparation.labelMap)
      targets = slab.moments(slab.stored, of: images, where: weights, isCounted: true, &none)
    }
    // One label stands for all of an image.
    if content.labels == .image, piece.isFirst {
      let label = AlignedBuffer<UInt8>(count: 1)
      try readLabels(of: region.box, image: region.image, part, into: label.buffer, &faults)
      own[Int(label.buffer[0])] += 1
    }
    let none = [Moments](repeating: Moments(), count: targetChannels)
    return moments.indices.flatMap { slice in
      (moments[slice] + (targets.isEmpty ? none : targets[slice])).flatMap(\.numbers)
    }
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

  private func targetScaling(
    _ rule: TargetScaling, _ moments: [Moments], after transform: TargetTransform
  ) throws(ImagingError) -> IntensityScaling {
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
    var scaling =
      switch rule {
      case .standard:
        IntensityScaling(mean: moments.map(\.mean), standardDeviation: moments.map(\.standardDeviation))
      case .range:
        IntensityScaling(mean: moments.map(\.smallest), standardDeviation: moments.map { $0.largest - $0.smallest })
      case .none: IntensityScaling.identity(channels: moments.count)
      }
    scaling.transform = transform.ofImages
    return scaling
  }
}

/// A run of slices that is inspected at once: what readers divide among themselves.
private struct InspectedPiece {
  let part: Part
  let region: Region
  let box: Box
  /// Whether it is the first of its region.
  let isFirst: Bool

  /// All pieces in the order of parts and regions.
  static func all(of data: LearningData) -> [InspectedPiece] {
    Part.allCases.flatMap { part in
      data.pieces(of: part).map {
        InspectedPiece(
          part: part, region: $0.region, box: $0.box, isFirst: $0.box.z.lowerBound == $0.region.box.z.lowerBound)
      }
    }
  }
}

/// A run of slices while a data set is inspected.
private struct Slab {
  let box: Box
  let image: Int
  /// Of the images.
  let stored: StoredBox
  /// 1 where targets are known, else 0; nil: all are.
  let weights: AlignedBuffer<Float>?
  let labels: AlignedBuffer<UInt8>?

  init(_ data: LearningData, _ box: Box, image: Int, _ part: Part, _ faults: inout Faults) throws {
    self.box = box
    self.image = image
    let content = data.content
    try ImageSource.requireMemory(
      (8 * data.images.channels + content.bytes + 2) * box.count, for: data.images.location)
    stored = try data.images.stored(box, ofImage: image)
    let invalid = data.hidesInvalid ? stored.invalid : nil
    let labels = content.labels == .pixels ? AlignedBuffer<UInt8>(count: box.count) : nil
    let weights = content.hasWeights ? AlignedBuffer<Float>(count: box.count) : nil
    if let labels { try data.readLabels(of: box, image: image, part, into: labels.buffer, invalid: invalid, &faults) }
    if let weights { try data.readWeights(of: box, image: image, part, into: weights.buffer, invalid: invalid) }
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

  /// Looks for faults in the slab of an array, and finds the moments of its values.
  ///
  /// - Parameters:
  ///   - stored: the slab as it was read; values that are passed over become 0.
  ///   - transform: what is done to values before moments are taken.
  ///   - weights: where they are 0, values are passed over, as are those that were not measured.
  /// - Returns: `[slice][channel]`; nothing unless they are counted.
  func moments(
    _ stored: StoredBox, of source: ImageSource, _ transform: IntensityScaling? = nil,
    where weights: AlignedBuffer<Float>? = nil, isCounted: Bool, _ faults: inout Faults
  ) -> [[Moments]] {
    let transform = transform?.transform == IntensityTransform.none ? nil : transform
    switch stored.values {
    case .wide(let values):
      return moments(values, stored.valid, source, transform, weights, isCounted, &faults)
    case .narrow(let values):
      return moments(values, stored.valid, source, transform, weights, isCounted, &faults)
    }
  }

  private func moments<Value: ImageScalar & BinaryFloatingPoint & BitwiseCopyable>(
    _ values: AlignedBuffer<Value>, _ valid: AlignedBuffer<UInt8>?, _ source: ImageSource,
    _ transform: IntensityScaling?, _ weights: AlignedBuffer<Float>?, _ isCounted: Bool, _ faults: inout Faults
  ) -> [[Moments]] {
    func isKnown(_ voxel: Int) -> Bool {
      weights.map { $0.pointer[voxel] != 0 } ?? true && valid.map { $0.pointer[voxel] != 0 } ?? true
    }
    let isPartial = weights != nil || valid != nil
    if isPartial {
      for i in 0..<values.count where !isKnown(i % box.count) { values.pointer[i] = 0 }
    }
    faults.look(at: UnsafeBufferPointer(values.buffer), of: source, box, image: image)
    guard isCounted else { return [] }
    let slice = box.y.count * box.x.count
    defer { withExtendedLifetime(values) {} }
    return (0..<box.z.count).map { z in
      (0..<source.channels).map { channel in
        var moments = Moments()
        let plane = UnsafeBufferPointer(start: values.pointer + (channel * box.z.count + z) * slice, count: slice)
        guard isPartial || transform != nil else {
          moments.add(plane)
          return moments
        }
        let known = isPartial ? plane.indices.filter { isKnown(z * slice + $0) }.map { plane[$0] } : Array(plane)
        if let transform {
          let values = known.map { transform.transformed(Double($0), channel: channel) }
          values.withUnsafeBufferPointer { moments.add($0) }
        } else {
          known.withUnsafeBufferPointer { moments.add($0) }
        }
        return moments
      }
    }
  }
}
