import HDF5
import Host
import ImageFiles

/// Values that stand where nothing was measured.
public enum InvalidValues: Sendable, Hashable {
  /// Values below 0, as detectors write them for gaps.
  case negative
  /// NaN and infinities.
  case notFinite
  /// One value.
  case value(Double)

  /// A rule as a user writes it: `negative`, `nan` or a number.
  public init?(_ text: String) {
    switch text {
    case "negative": self = .negative
    case "nan": self = .notFinite
    default:
      guard let value = Double(text), value.isFinite else { return nil }
      self = .value(value)
    }
  }

  /// As a user writes it.
  public var text: String {
    switch self {
    case .negative: "negative"
    case .notFinite: "nan"
    case .value(let value): Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
  }

  @inline(__always)
  fileprivate func holds<Value: BinaryFloatingPoint>(_ value: Value) -> Bool {
    switch self {
    case .negative: value < 0
    case .notFinite: !value.isFinite
    case .value(let other): value == Value(other)
    }
  }
}

extension InvalidValues: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let rule = InvalidValues(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "‘\(text)’ names no values")
    }
    self = rule
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// How it is known which pixels of images were measured. Networks see 0 in place of those that were not: the mean, or by
/// percentiles the first of them.
public struct Validity: Sendable, Hashable, Codable {
  /// Values that say that nothing was measured; a pixel is invalid when one of its channels is.
  public var invalid: [InvalidValues]
  /// Whether a dataset says it too: 0 where nothing was measured.
  public var hasDataset: Bool
  /// Whether networks see it, as a further channel: 1 where something was measured, else 0.
  public var isTold: Bool

  /// Validity as given.
  public init(invalid: [InvalidValues] = [], hasDataset: Bool = false, isTold: Bool = false) {
    self.invalid = invalid
    self.hasDataset = hasDataset
    self.isTold = isTold
  }
}

extension ImageSource {
  /// The array that says which pixels of some images were measured: one of the images' shape without channels, or one
  /// for all of them (of a volume, for all slices).
  enum ValidityArray: Sendable {
    case each(ImageSource)
    case all(any StoredArray)
  }

  /// Opens an array that says which pixels were measured.
  ///
  /// - Throws: `ImagingError.targetShape` when it does not fit the images.
  func openValidity(_ location: ArrayLocation, axes: String?) throws -> ValidityArray {
    if hasOneExtent, location.others.isEmpty, let (_, array) = try? ArrayFile.open(location),
      array.shape == [extents.y, extents.x]
    {
      return .all(array)
    }
    func mismatch(_ shape: [Int]) -> ImagingError {
      .targetShape(
        location, shape: shape, images: self.location, imageShape: self.shape, hasChannels: hasChannels,
        mayHaveChannels: false)
    }
    let source: ImageSource
    do {
      source = try ImageSource(location, layout: layout, axes: axes, mayLackChannels: true)
    } catch ImagingError.wrongAxes(_, let shape, _) {
      throw mismatch(shape)
    }
    guard !source.hasChannels, source.imageCount == imageCount, firstDifference(from: source) == nil else {
      throw mismatch(source.shape)
    }
    return .each(source)
  }

  /// Channels that networks see: those of the images, and where it is asked for that of validity.
  public var inputChannels: Int { channels + (validity?.isTold == true ? 1 : 0) }

  /// Which pixels of a box were measured: 1, or else 0; nil when all were.
  ///
  /// - Parameter values: `[channel, z, y, x]` of the box as the file has them.
  func valid<Value: BinaryFloatingPoint>(
    _ values: UnsafeBufferPointer<Value>, _ box: Box, image: Int
  ) throws -> AlignedBuffer<UInt8>? {
    guard let validity else { return nil }
    let result = AlignedBuffer<UInt8>(count: box.count)
    switch validityArray {
    case .each(let source):
      let mask = AlignedBuffer<Float>(count: box.count)
      try source.read(box, ofImage: image, into: mask.buffer)
      for i in 0..<box.count { result.pointer[i] = mask.pointer[i] == 0 ? 0 : 1 }
    case .all(let array):
      let slice = box.y.count * box.x.count
      let mask = AlignedBuffer<Float>(count: slice)
      try array.read(
        into: mask.buffer,
        Hyperslab(start: [box.y.lowerBound, box.x.lowerBound], count: [box.y.count, box.x.count]))
      for i in 0..<box.count { result.pointer[i] = mask.pointer[i % slice] == 0 ? 0 : 1 }
    case nil: result.buffer.update(repeating: 1)
    }
    for rule in validity.invalid {
      for i in values.indices where rule.holds(values[i]) { result.pointer[i % box.count] = 0 }
    }
    return result
  }

  /// What was measured of a box, as the file has it.
  ///
  /// - Returns: `[channel, z, y, x]`, and for each voxel whether it was measured.
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read.
  public func measured(_ box: Box, ofImage image: Int) throws -> (values: [Float], isMeasured: [Bool]) {
    var (values, measured) = (
      [Float](repeating: 0, count: channels * box.count), [Bool](repeating: true, count: box.count)
    )
    try values.withUnsafeMutableBufferPointer { try read(box, ofImage: image, into: $0) }
    try forEachInvalid(box, image: image) { measured[$0] = false }
    return (values, measured)
  }

  /// Calls `body` with the place in a box of every pixel that was not measured.
  ///
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read.
  func forEachInvalid(_ box: Box, image: Int, _ body: (Int) -> Void) throws {
    guard let validity else { return }
    for slab in box.slabs(depth: slabDepth) {
      let first = (slab.z.lowerBound - box.z.lowerBound) * box.y.count * box.x.count
      func look<Value: ImageScalar & BinaryFloatingPoint>(_: Value.Type) throws {
        // Only values that say it need be read.
        let values = AlignedBuffer<Value>(count: validity.invalid.isEmpty ? 0 : channels * slab.count)
        if !validity.invalid.isEmpty { try read(slab, ofImage: image, into: values.buffer) }
        guard let valid = try valid(UnsafeBufferPointer(values.buffer), slab, image: image) else { return }
        for i in 0..<slab.count where valid.pointer[i] == 0 { body(first + i) }
      }
      if isWide { try look(Double.self) } else { try look(Float.self) }
    }
  }
}
