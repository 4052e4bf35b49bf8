import Tensors

/// What an image, or a slice of a volume, serves for.
public enum Part: String, CaseIterable, Sendable, Codable {
  case train, calibrate, test
}

/// How images, or the slices of a volume, are divided into parts.
public enum SplitRule: Sendable, Hashable {
  /// One whole number for each image or slice says which part it belongs to; other numbers are left out.
  case dataset(ArrayLocation, train: Int, calibrate: Int, test: Int)
  /// Parts of the given size; what their sum lacks to 1 is left out. Of a stack, images are drawn at random; of a volume,
  /// each part is one run of slices (neighbouring slices are alike) and the seed draws their order.
  case fractions(train: Double, calibrate: Double, test: Double, seed: UInt64)
}

/// The regions of each part; disjoint, in ascending order.
public struct Split: Sendable, Hashable {
  public var train: [Region]
  public var calibrate: [Region]
  public var test: [Region]

  /// The regions of a part.
  public subscript(part: Part) -> [Region] {
    switch part {
    case .train: train
    case .calibrate: calibrate
    case .test: test
    }
  }

  /// Divides images or slices by the part that each belongs to, `nil` to leave it out.
  ///
  /// Neighbouring slices of one part become one region.
  init(parts: [Part?], layout: ImageLayout, height: Int, width: Int) {
    func regions(_ part: Part) -> [Region] {
      let indices = parts.indices.filter { parts[$0] == part }
      switch layout {
      case .stack:
        return indices.map { Region(image: $0, z: 0..<1, height: height, width: width) }
      case .volume:
        var runs: [Range<Int>] = []
        for index in indices {
          if let last = runs.last, last.upperBound == index {
            runs[runs.count - 1] = last.lowerBound..<index + 1
          } else {
            runs.append(index..<index + 1)
          }
        }
        return runs.map { Region(image: 0, z: $0, height: height, width: width) }
      }
    }
    train = regions(.train)
    calibrate = regions(.calibrate)
    test = regions(.test)
  }

  /// The part of each of `count` images or slices by fractions.
  ///
  /// - Throws: `ImagingError.fractions`.
  static func parts(
    count: Int, layout: ImageLayout, train: Double, calibrate: Double, test: Double, seed: UInt64
  ) throws -> [Part?] {
    // A sum such as 0.7 + 0.2 + 0.1 is not exactly 1.
    guard train > 0, calibrate > 0, test >= 0, train + calibrate + test <= 1 + 1e-9 else {
      throw ImagingError.fractions(train: train, calibrate: calibrate, test: test)
    }
    var order = Part.allCases
    var stream = RandomStream(seed: seed, purpose: .split)
    let fractions: [Part: Double] = [.train: train, .calibrate: calibrate, .test: test]
    if layout == .volume { order = stream.permutation(3).map { Part.allCases[$0] } }
    var inOrder = [Part?](repeating: nil, count: count)
    var sum = 0.0
    var start = 0
    for part in order {
      sum += fractions[part] ?? 0
      let end = min(count, Int((sum * Double(count)).rounded()))
      for place in start..<max(start, end) { inOrder[place] = part }
      start = max(start, end)
    }
    guard layout == .stack else { return inOrder }
    var parts = inOrder
    for (place, image) in stream.permutation(count).enumerated() { parts[image] = inOrder[place] }
    return parts
  }

  /// Divides the images of a source.
  ///
  /// - Throws: `ImagingError` for a split of the wrong length, impossible fractions or an empty part; `HDF5Error`.
  public init(_ rule: SplitRule, of images: ImageSource) throws {
    let count = images.layout == .stack ? images.imageCount : images.extents.z
    let parts: [Part?]
    var required: [Part] = Part.allCases
    let source: String
    switch rule {
    case .dataset(let location, let train, let calibrate, let test):
      let (location, dataset) = try ImageSource.open(location)
      let shape = try dataset.shape
      guard shape == [count] else {
        throw ImagingError.splitLength(location, shape: shape, expected: count, layout: images.layout)
      }
      source = location.description
      parts = try dataset.read(as: Int.self).map {
        $0 == train ? .train : $0 == calibrate ? .calibrate : $0 == test ? .test : nil
      }
    case .fractions(let train, let calibrate, let test, let seed):
      source = "a split of \(count) \(images.layout.things) by train \(train), calibrate \(calibrate), test \(test)"
      parts = try Self.parts(
        count: count, layout: images.layout, train: train, calibrate: calibrate, test: test, seed: seed)
      if test == 0 { required = [.train, .calibrate] }
    }
    self.init(parts: parts, layout: images.layout, height: images.extents.y, width: images.extents.x)
    for part in required where self[part].isEmpty {
      throw ImagingError.emptyPart(part, source: source, layout: images.layout)
    }
  }
}
