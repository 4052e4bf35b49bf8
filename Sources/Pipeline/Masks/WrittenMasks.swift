import HDF5
import Host
import Imaging
import Uncertainty

/// Writes the masks of a prediction in a file from its probabilities and labels, image by image: the group `/entry/masks`.
enum WrittenMasks {
  /// Replaces the group.
  ///
  /// - Parameters:
  ///   - exact: a file with what the prediction does not hold exactly; nil: it holds all.
  ///   - spacing: of the voxels of the images.
  ///   - isOneImage: whether the images are slices of one volume, which runs of consecutive `indices` make.
  /// - Returns: what is to be said of masks that are left out.
  /// - Throws: `HDF5Error`.
  static func write(
    _ calibration: MaskCalibration, to entry: Group, exact: File? = nil, spacing: VoxelSpacing, isOneImage: Bool
  ) throws -> [String] {
    if try entry.exists("masks") { try entry.remove("masks") }
    let masks = try entry.createGroup("masks")
    try masks.setAttribute("NX_class", "NXcollection")
    try masks.write(calibration.levels.map(\.value), to: "level")
    let prediction = try entry.group("prediction")
    let numbers = PredictionNumbers(entry, exact: exact, path: "the results")
    let (mean, labels) = (try numbers.exact(.mean), try numbers.exact(.labels))
    let shape = try labels.shape
    let chunk = labels.chunk ?? shape
    let pixels = try OwnPixels(prediction)
    var remarks: [String] = []
    for own in calibration.entries {
      let isOfLength = own.mask.kind.isMargin && own.mask.settings.element == .ball
      if isOfLength, calibration.lengthUnit != spacing.unit {
        let units = [calibration.lengthUnit, spacing.unit].map { $0.isEmpty ? "voxels" : $0 }
        remarks.append(
          "mask \(own.mask.name) is left out: its margin is in \(units[0]), and distances of these voxels are in \(units[1])."
        )
        continue
      }
      let mask = try masks.createDataset(
        own.mask.name, of: UInt8.self, shape: [calibration.levels.count] + shape,
        layout: .chunked([1] + chunk, checksum: true))
      try mask.setAttribute("long_name", "\(own.mask.name) by level; threshold: \(own.mask.thresholdMeaning)")
      if own.mask.kind.isMargin {
        try writeMargin(
          own, labels, to: mask, pixels, spacing: spacing, runs: isOneImage ? try runs(prediction) : nil)
      } else {
        try writeCut(own, mean, to: mask, pixels)
      }
    }
    return remarks
  }

  /// Masks by the probability of a class.
  private static func writeCut(
    _ own: MaskCalibration.Entry, _ mean: Dataset, to mask: Dataset, _ pixels: OwnPixels
  ) throws {
    for slab in try WrittenSets.parts(of: mean, leading: 2) {
      var place = slab
      (place.start[1], place.count[1]) = (Int(own.mask.label), 1)
      let values = try mean.read(as: Float.self, place)
      let target = Hyperslab(
        start: [slab.start[0]] + slab.start.dropFirst(2), count: [1] + slab.count.dropFirst(2))
      let isOwn = pixels.isOwn(target)
      for (level, threshold) in own.thresholds.enumerated() {
        let cut = values.indices.map { isOwn?[$0] != false && own.mask.holds(values[$0], threshold) ? UInt8(1) : 0 }
        try mask.write(cut, target.at(level))
      }
    }
  }

  /// Masks by the distance from the prediction, within each image.
  private static func writeMargin(
    _ own: MaskCalibration.Entry, _ labels: Dataset, to mask: Dataset, _ pixels: OwnPixels, spacing: VoxelSpacing,
    runs: [Range<Int>]?
  ) throws {
    let shape = try labels.shape
    for image in 0..<shape[0] {
      let size = pixels.extents(of: image) ?? Array(shape.dropFirst())
      for run in runs ?? [0..<(size.count > 2 ? size[0] : 1)] {
        var slab = Hyperslab(start: [image] + size.map { _ in 0 }, count: [1] + size)
        if shape.count > 3 { (slab.start[1], slab.count[1]) = (run.lowerBound, run.count) }
        let predicted = try labels.read(as: UInt8.self, slab)
        let extents = Extents(z: run.count, y: size[size.count - 2], x: size[size.count - 1])
        let distances = spacing.distances(
          to: predicted.map { own.mask.isPredicted($0) ? 1 : 0 }, extents, own.mask.settings.element)
        for (level, threshold) in own.thresholds.enumerated() {
          let drawn = distances.map { own.mask.holds($0, threshold) ? UInt8(1) : 0 }
          try mask.write(drawn, slab.at(level))
        }
      }
    }
  }

  /// Runs of consecutive slices of one volume.
  private static func runs(_ prediction: Group) throws -> [Range<Int>] {
    let indices = try prediction.read("indices", as: Int.self)
    let starts = indices.indices.filter { $0 == 0 || indices[$0] != indices[$0 - 1] + 1 }
    return zip(starts, starts.dropFirst() + [indices.count]).map { $0..<$1 }
  }
}

extension ConformalMask {
  /// Whether a voxel is in the mask.
  ///
  /// - Parameter value: the probability of the class; of margins the distance.
  func holds(_ value: Float, _ threshold: ConformalThreshold) -> Bool {
    guard case .score(let threshold) = threshold else {
      switch kind {
      case .outer, .outerMargin: return true
      case .inner, .innerMargin: return false
      case .dice: return value >= 0.5
      }
    }
    switch kind {
    case .outer, .dice: return 1 - value <= threshold
    case .inner, .innerMargin: return value > threshold
    case .outerMargin: return value <= threshold
    }
  }
}
