import Host
import ImageFiles

/// A part of the data set: what an image, a slice of a volume or a pixel is used for.
public enum Part: String, CaseIterable, Sendable, Codable {
  /// The training set.
  case train
  /// The validation set, for early stopping and the choice of the best weights; may be empty.
  case validate
  /// The calibration set of the conformal sets and intervals.
  case calibrate
  /// The test set.
  case test

  /// What messages call it.
  public var words: String {
    switch self {
    case .train: "training part"
    case .validate: "validation part"
    case .calibrate: "calibration part"
    case .test: "test part"
    }
  }
}

/// The fraction of each part; images beyond their sum are left out.
public struct SplitFractions: Sendable, Hashable, CustomStringConvertible {
  /// The training set's.
  public var train: Double
  /// The validation set's.
  public var validate: Double
  /// The calibration set's.
  public var calibrate: Double
  /// The test set's.
  public var test: Double

  /// Fractions as given.
  public init(train: Double, validate: Double = 0, calibrate: Double, test: Double) {
    self.train = train
    self.validate = validate
    self.calibrate = calibrate
    self.test = test
  }

  /// The fraction of a part.
  public subscript(part: Part) -> Double {
    switch part {
    case .train: train
    case .validate: validate
    case .calibrate: calibrate
    case .test: test
    }
  }

  /// The parts in the order in which they are cut, of those that there are.
  public var description: String {
    Part.allCases.filter { $0 != .validate || validate != 0 }.map { "\($0.rawValue) \(self[$0])" }
      .joined(separator: ", ")
  }

  func check() throws(ImagingError) {
    // A sum such as 0.7 + 0.2 + 0.1 is not exactly 1.
    guard train > 0, validate >= 0, calibrate > 0, test >= 0, train + validate + calibrate + test <= 1 + 1e-9 else {
      throw .fractions(self)
    }
  }
}

/// How images, the slices of a volume or pixels are divided into parts.
public enum SplitRule: Sendable, Hashable {
  /// One number or word for each image or slice names its part; others are left out.
  case dataset(ArrayLocation, train: PartMark, validate: PartMark?, calibrate: PartMark, test: PartMark)
  /// Of a stack, images are drawn at random. Of a volume, each part is one run of slices, since neighbouring slices are
  /// alike, and the seed draws the order of the runs.
  ///
  /// With `stratified`, each class of images is divided separately.
  case fractions(SplitFractions, seed: UInt64, stratified: Bool)
  /// Every image is in all parts; its pixels are divided.
  case pixels(SplitFractions, seed: UInt64, block: Int)
}

/// A division of the pixels of every image, for images that are few and sparsely labelled.
///
/// Cubes of `block` pixels are drawn as a whole. A cube's part is a pure function of the seed, the image and the
/// place of the cube.
public struct PixelSplit: Sendable, Hashable {
  /// The fraction of pixels of each part.
  public let fractions: SplitFractions
  /// Another seed gives another division.
  public let seed: UInt64
  /// The side of a cube in pixels.
  public let block: Int

  /// A division as given.
  public init(_ fractions: SplitFractions, seed: UInt64, block: Int) {
    precondition(block > 0, "a block of no extent")
    self.fractions = fractions
    self.seed = seed
    self.block = block
  }

  /// Calls `body` with the place, within a box, of every voxel that is not of the part.
  func forEach(outside part: Part, _ box: Box, image: Int, extents: Extents, _ body: (Int) -> Void) {
    let stream = RandomStream(seed: seed, purpose: .split, keys: UInt64(image))
    let (rows, columns) = ((extents.y + block - 1) / block, (extents.x + block - 1) / block)
    var before = 0.0
    for other in Part.allCases.prefix(while: { $0 != part }) { before += fractions[other] }
    let after = before + fractions[part]
    var index = 0
    for z in box.z {
      for y in box.y {
        for x in box.x {
          let cube = (z / block * rows + y / block) * columns + x / block
          let draw = Double(stream.block(UInt64(cube))[0]) * 0x1p-32
          if draw < before || draw >= after { body(index) }
          index += 1
        }
      }
    }
  }
}

/// The regions of each part, in ascending order: disjoint, or all the same when pixels are divided.
public struct Split: Sendable, Hashable {
  private var regions: [Part: [Region]] = [:]
  /// How the pixels of each region are divided; nil when a region is of one part.
  public private(set) var pixels: PixelSplit?

  /// The regions of a part.
  public subscript(part: Part) -> [Region] { regions[part] ?? [] }

  /// The training set.
  public var train: [Region] { self[.train] }
  /// The validation set.
  public var validate: [Region] { self[.validate] }
  /// The calibration set.
  public var calibrate: [Region] { self[.calibrate] }
  /// The test set.
  public var test: [Region] { self[.test] }

  /// Divides images or slices by the part that each belongs to, `nil` to leave it out.
  ///
  /// Neighbouring slices of one part become one region.
  ///
  /// - Parameters:
  ///   - extents: of each image.
  ///   - groups: a number for each image or slice; slices of two groups are never of one region.
  init(parts: [Part?], layout: ImageLayout, groups: [Int]? = nil, extents: (_ image: Int) -> Extents) {
    for part in Part.allCases {
      let indices = parts.indices.filter { parts[$0] == part }
      switch layout {
      case .stack, .volumes:
        regions[part] = indices.map {
          let extents = extents($0)
          return Region(image: $0, z: 0..<extents.z, height: extents.y, width: extents.x)
        }
      case .volume:
        var runs: [Range<Int>] = []
        for index in indices {
          if let last = runs.last, last.upperBound == index, groups.map({ $0[index - 1] == $0[index] }) ?? true {
            runs[runs.count - 1] = last.lowerBound..<index + 1
          } else {
            runs.append(index..<index + 1)
          }
        }
        let extents = extents(0)
        regions[part] = runs.map { Region(image: 0, z: $0, height: extents.y, width: extents.x) }
      }
    }
  }

  /// The part of each of `count` images or slices by fractions.
  ///
  /// - Parameters:
  ///   - strata: a number for each image; images of one number are divided by themselves. Nil: all alike.
  ///   - groups: a number for each image or slice; those of one number stay together, and fractions are of groups. Nil:
  ///     nothing stays together.
  /// - Throws: `ImagingError.fractions`.
  static func parts(
    count: Int, layout: ImageLayout, _ fractions: SplitFractions, seed: UInt64, strata: [Int]? = nil,
    groups: [Int]? = nil
  ) throws -> [Part?] {
    try fractions.check()
    if let groups {
      let numbers = Set(groups).sorted()
      let parts = try parts(count: numbers.count, layout: .stack, fractions, seed: seed)
      let known = Dictionary(uniqueKeysWithValues: zip(numbers, parts))
      return groups.map { known[$0] ?? nil }
    }
    var order: [Part] = [.train, .calibrate, .test]
    var stream = RandomStream(seed: seed, purpose: .split)
    if layout.isOneImage { order = stream.permutation(3).map { order[$0] } }
    // The validation set lies beside the training set.
    order.insert(.validate, at: (order.firstIndex(of: .train) ?? 0) + 1)
    guard !layout.isOneImage else { return inOrder(count, order, fractions) }
    let places = stream.permutation(count)
    let groups: [[Int]] =
      if let strata { Set(strata).sorted().map { stratum in places.filter { strata[$0] == stratum } } } else {
        [places]
      }
    var parts = [Part?](repeating: nil, count: count)
    for group in groups {
      for (image, part) in zip(group, inOrder(group.count, order, fractions)) { parts[image] = part }
    }
    return parts
  }

  private static func inOrder(_ count: Int, _ order: [Part], _ fractions: SplitFractions) -> [Part?] {
    var result = [Part?](repeating: nil, count: count)
    var sum = 0.0
    var start = 0
    for part in order {
      sum += fractions[part]
      let end = min(count, Int((sum * Double(count)).rounded()))
      for place in start..<max(start, end) { result[place] = part }
      start = max(start, end)
    }
    return result
  }

  /// Divides the images of a source.
  ///
  /// - Parameters:
  ///   - strata: the class of each image, for a split that is stratified.
  ///   - groups: which images or slices are of one source and stay together.
  /// - Throws: `ImagingError` for a split of the wrong length, impossible fractions, a torn group or an empty part;
  ///   `HDF5Error`.
  public init(_ rule: SplitRule, of images: ImageSource, strata: [Int]? = nil, groups: ImageGroups? = nil) throws {
    let count = images.layout.isOneImage ? images.extents.z : images.imageCount
    var parts: [Part?] = []
    var required: Set<Part> = [.train, .calibrate, .test]
    let source: String
    switch rule {
    case .dataset(let location, let train, let validate, let calibrate, let test):
      let (location, array) = try ArrayFile.open(location)
      let shape = array.shape
      guard shape == [count] else {
        throw ImagingError.splitLength(location, shape: shape, expected: count, layout: images.layout)
      }
      source = location.description
      let marks: [(Part, PartMark?)] = [
        (.train, train), (.calibrate, calibrate), (.test, test), (.validate, validate),
      ]
      let texts = try PartMark.texts(of: array, location, marks.compactMap(\.1))
      parts = texts.map { text in marks.first { $0.1?.text == text }?.0 }
      try groups?.requireWhole(in: parts, of: source, layout: images.layout)
      if validate != nil { required.insert(.validate) }
    case .fractions(let fractions, let seed, let stratified):
      source = "a split of \(count) \(images.layout.things) by \(fractions)"
      parts = try Self.parts(
        count: count, layout: images.layout, fractions, seed: seed, strata: stratified ? strata : nil,
        groups: groups?.numbers)
      if fractions.test == 0 { required.remove(.test) }
      if fractions.validate > 0 { required.insert(.validate) }
    case .pixels(let fractions, let seed, let block):
      try fractions.check()
      if let groups { throw ImagingError.groupsOfPixels(groups.location) }
      self.init(parts: [], layout: images.layout) { images.extents(ofImage: $0) }
      pixels = PixelSplit(fractions, seed: seed, block: block)
      let all = (0..<images.imageCount).map { images.region(ofImage: $0) }
      for part in Part.allCases where fractions[part] > 0 { regions[part] = all }
      return
    }
    self.init(parts: parts, layout: images.layout, groups: groups?.numbers) { images.extents(ofImage: $0) }
    for part in Part.allCases where required.contains(part) && self[part].isEmpty {
      throw ImagingError.emptyPart(part, source: source, layout: images.layout)
    }
  }
}
