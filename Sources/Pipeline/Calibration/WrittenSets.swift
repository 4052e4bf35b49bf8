import HDF5
import Host
import JobFiles
import Uncertainty

/// Writes the sets or intervals of a prediction in a file anew, from its means and spreads, part by part.
struct WrittenSets {
  /// Of each level, what is counted: of sets pixels, sizes, empty ones; of intervals values and widths. What pads smaller
  /// images does not count.
  private var counts: [Double]
  private let isOfClasses: Bool

  /// Mean set size and share of empty sets, or the mean width of intervals.
  func figures(_ level: Int) -> [Double] {
    let own = counts[3 * level..<3 * level + 3].map { $0 }
    return isOfClasses ? [own[1] / own[0], own[2] / own[0]] : [own[1] / own[0]]
  }

  /// Writes `/entry/prediction`, and `/entry/classification` where it is.
  ///
  /// - Parameters:
  ///   - targetUnits: what the targets of each channel were divided by for training; empty of classes.
  ///   - temperature: that of the probabilities in the file, and that which they get.
  /// - Throws: `HDF5Error`, `UncertaintyError`.
  init(
    _ entry: Group, calibration: Calibration, targetUnits: [Float], temperature: (present: Double, wanted: Double)
  ) throws {
    isOfClasses = calibration.method.isOfClasses
    counts = Array(repeating: 0, count: 3 * calibration.levels.count)
    let prediction = try entry.group("prediction")
    switch calibration.thresholds {
    case .sets(let sets):
      if temperature.present != temperature.wanted {
        try Self.scale(prediction, temperature.wanted, temperature.present)
      }
      try write(sets, prediction, counting: true)
    case .intervals(let intervals): try write(intervals, prediction, targetUnits)
    }
    if let sets = calibration.classes, try entry.exists("classification") {
      try write(sets, try entry.group("classification"), counting: false)
    }
  }

  /// The parts of a dataset: images, and runs of slices as its chunks are.
  static func parts(of mean: Dataset, leading: Int) throws -> [Hyperslab] {
    let shape = try mean.shape
    let chunk = mean.chunk ?? shape
    guard shape.count > leading + 2 else {
      return (0..<shape[0]).map {
        Hyperslab(start: [$0] + shape.dropFirst().map { _ in 0 }, count: [1] + shape.dropFirst())
      }
    }
    // z of a volume, or y.
    return (0..<shape[0]).flatMap { image in
      stride(from: 0, to: shape[leading], by: chunk[leading]).map { first in
        var (start, count) = (shape.map { _ in 0 }, shape)
        (start[0], count[0]) = (image, 1)
        (start[leading], count[leading]) = (first, min(chunk[leading], shape[leading] - first))
        return Hyperslab(start: start, count: count)
      }
    }
  }

  /// Makes a dataset in place of another of the name.
  private static func make<Scalar: HDF5Scalar>(
    _ group: Group, _ name: String, _ type: Scalar.Type, _ shape: [Int], _ chunk: [Int]
  ) throws -> Dataset {
    var meaning: String?
    if try group.exists(name) {
      let old = try group.dataset(name)
      if try old.hasAttribute("long_name") { meaning = try old.attribute("long_name", as: String.self) }
      try group.remove(name)
    }
    let dataset = try group.createDataset(name, of: type, shape: shape, layout: .chunked(chunk, checksum: true))
    if let meaning { try dataset.setAttribute("long_name", meaning) }
    return dataset
  }

  /// Brings mean and labels to another temperature.
  private static func scale(_ group: Group, _ temperature: Double, _ present: Double) throws {
    let mean = try group.dataset("mean")
    let labels = try group.exists("labels") ? try group.dataset("labels") : nil
    let own = try OwnPixels(group)
    let classes = try mean.shape[1]
    for slab in try parts(of: mean, leading: 2) {
      var values = try mean.read(as: Float.self, slab)
      let count = values.count / classes
      let place = Hyperslab(start: [slab.start[0]] + slab.start.dropFirst(2), count: [1] + slab.count.dropFirst(2))
      let isOwn = own.isOwn(place)
      for pixel in 0..<count where isOwn?[pixel] != false {
        let scaled = TemperatureScaling.scaled(
          (0..<classes).map { values[$0 * count + pixel] }, by: temperature, from: present)
        for label in 0..<classes { values[label * count + pixel] = scaled[label] }
      }
      try mean.write(values, slab)
      guard let labels else { continue }
      var likeliest: [UInt8] = []
      values.withUnsafeBufferPointer { mostLikely($0, classes: classes, into: &likeliest) }
      if let isOwn { for pixel in 0..<count where !isOwn[pixel] { likeliest[pixel] = Label.ignored } }
      try labels.write(likeliest, place)
    }
  }

  private mutating func write(_ sets: SplitConformal, _ group: Group, counting: Bool) throws {
    let mean = try group.dataset("mean")
    let form = ResultsForm(try ResultsForm.section(of: group), isOfClasses: true, members: 0)
    let shape = try mean.shape
    let chunk = mean.chunk ?? shape
    let (levels, classes) = (sets.levels.count, shape[1])
    let (pixels, pixelChunk) = ([shape[0]] + shape.dropFirst(2), [chunk[0]] + chunk.dropFirst(2))
    let own = try OwnPixels(group)
    func make(_ quantity: ResultsQuantity, _ shape: [Int], _ chunk: [Int]) throws -> Dataset? {
      form.writes(quantity) ? try Self.make(group, quantity.dataset, UInt8.self, [levels] + shape, [1] + chunk) : nil
    }
    let set = try make(.set, shape, chunk)
    let (size, doubt) = (try make(.setSize, pixels, pixelChunk), try make(.doubt, pixels, pixelChunk))
    for slab in try Self.parts(of: mean, leading: 2) {
      let values = try mean.read(as: Float.self, slab)
      let count = values.count / classes
      let place = Hyperslab(
        start: [slab.start[0]] + slab.start.dropFirst(2), count: [1] + slab.count.dropFirst(2))
      var members = [UInt8](repeating: 0, count: values.count)
      var sizes = [UInt8](repeating: 0, count: count)
      let isOwn = own.isOwn(place)
      for level in 0..<levels {
        try sets.writeSets(values, classes: classes, pixels: count, level: level, set: &members, sizes: &sizes)
        var doubts = sizes.map { $0 == 1 ? UInt8(0) : 1 }
        var known = count
        if let isOwn {
          for i in sizes.indices where !isOwn[i] {
            (sizes[i], doubts[i]) = (0, 0)
            for label in 0..<classes { members[label * count + i] = 0 }
            known -= 1
          }
        }
        try set?.write(members, slab.at(level))
        try size?.write(sizes, place.at(level))
        try doubt?.write(doubts, place.at(level))
        guard counting else { continue }
        counts[3 * level] += Double(known)
        counts[3 * level + 1] += Double(sizes.reduce(0) { $0 + Int($1) })
        counts[3 * level + 2] += Double(sizes.count { $0 == 0 } - (count - known))
      }
    }
  }

  private mutating func write(_ intervals: ConformalIntervals, _ group: Group, _ units: [Float]) throws {
    guard let score = intervals.method.valueScore else { return }
    let mean = try group.dataset("mean")
    let spread = try group.dataset("mean_errors")
    let quantiles = try group.exists("quantiles") ? try group.dataset("quantiles") : nil
    let shape = try mean.shape
    let chunk = mean.chunk ?? shape
    let own = try OwnPixels(group)
    // Axes of pixels follow those of images and, where there are several, channels.
    let leading = units.count > 1 ? 2 : 1
    let form = ResultsForm(try ResultsForm.section(of: group), isOfClasses: false, members: 0)
    func make(_ quantity: ResultsQuantity) throws -> Dataset? {
      guard form.writes(quantity) else { return nil }
      return try Self.make(group, quantity.dataset, Float.self, [intervals.levels.count] + shape, [1] + chunk)
    }
    let (lower, upper) = (try make(.lower), try make(.upper))
    for slab in try Self.parts(of: mean, leading: leading) {
      let isOwn = own.isOwn(
        Hyperslab(
          start: [slab.start[0]] + slab.start.dropFirst(leading), count: [1] + slab.count.dropFirst(leading)))
      let values = try mean.read(as: Float.self, slab)
      let spreads = try spread.read(as: Float.self, slab)
      let last = try (quantiles?.shape[0] ?? 1) - 1
      let low = try quantiles?.read(as: Float.self, slab.at(0)) ?? values
      let high = try quantiles?.read(as: Float.self, slab.at(last)) ?? values
      let voxels = values.count / units.count
      var (first, second) = (values, values)
      for i in values.indices {
        let numbers = score.numbers(
          of: PredictedValue(
            mean: values[i], spread: spreads[i], lower: low[i], upper: high[i], unit: units[i / voxels]))
        (first[i], second[i]) = (numbers.first, numbers.second)
      }
      var (from, to) = (values, values)
      for level in intervals.levels.indices {
        intervals.writeIntervals(first, second, count: values.count, level: level, lower: &from, upper: &to)
        for i in values.indices {
          let divisor = score.divisor(unit: units[i / voxels])
          from[i] *= divisor
          to[i] *= divisor
          if let isOwn, !isOwn[i % voxels] {
            (from[i], to[i]) = (.nan, .nan)
            continue
          }
          counts[3 * level] += 1
          counts[3 * level + 1] += Double(max(to[i] - from[i], 0))
        }
        try lower?.write(from, slab.at(level))
        try upper?.write(to, slab.at(level))
      }
    }
  }
}

extension Hyperslab {
  /// The same part of one element of a leading axis.
  func at(_ index: Int) -> Hyperslab { Hyperslab(start: [index] + start, count: [1] + count) }
}
