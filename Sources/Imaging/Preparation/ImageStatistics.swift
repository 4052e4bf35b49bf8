import Host
import ImageFiles

/// Readers, such as ranks, that look at parts of one image each and join what they found.
public struct JointReading {
  /// The part of so many slices that this one reads.
  public var share: (_ slices: Int) -> Range<Int>
  /// Adds up the numbers of all readers, which `body` gives.
  public var sum: (_ body: () throws -> [Int]) throws -> [Int]
  /// Puts the numbers of all readers one after the other.
  public var join: (_ body: () throws -> [Double]) throws -> [Double]

  /// Readers as given.
  public init(
    share: @escaping (Int) -> Range<Int>, sum: @escaping (() throws -> [Int]) throws -> [Int],
    join: @escaping (() throws -> [Double]) throws -> [Double]
  ) {
    self.share = share
    self.sum = sum
    self.join = join
  }

  /// One that reads all of it.
  public static var alone: JointReading { JointReading(share: { 0..<$0 }, sum: { try $0() }, join: { try $0() }) }
}

extension ImageSource {
  /// Where percentiles stand that images are scaled by or clipped to.
  static let percentiles = [0.01, 0.998]

  /// The scaling of an image by its own values, where they were measured.
  ///
  /// A constant channel has the divisor 1. Where the two percentiles are one number, the largest value takes the place of
  /// the second.
  /// - Parameters:
  ///   - scaling: what is to be found, with its transform.
  ///   - readers: all call this alike.
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read.
  /// - Complexity: O(*voxels*) time, memory for one slab; percentiles of 32-bit values take two readings, of 64-bit ones
  ///   four, and 2 MB a channel.
  public func scaling(
    ofImage image: Int, as scaling: IntensityScaling, by readers: JointReading = .alone
  ) throws -> IntensityScaling {
    let box = Region(image: image, z: readers.share(extents.z), height: extents.y, width: extents.x).box
    return try isWide
      ? found(Double.self, [(image, box)], scaling, readers) : found(Float.self, [(image, box)], scaling, readers)
  }

  /// The values that some boxes of images are clipped to, channel by channel; nil where nothing is clipped.
  ///
  /// - Parameter readers: all call this alike.
  /// - Throws: as `scaling(ofImage:as:by:)`.
  func limits(
    of boxes: [(image: Int, box: Box)], _ transform: IntensityTransform, _ readers: JointReading
  ) throws -> [ClosedRange<Double>]? {
    guard transform == .clip else { return nil }
    let slabs = boxes.flatMap { image, box in box.slabs(depth: slabDepth).map { (image: image, box: $0) } }
    let own = Array(slabs[readers.share(slabs.count)])
    return try isWide
      ? percentiles(Double.self, SlabReader(self, own), readers).map { $0.low...$0.high }
      : percentiles(Float.self, SlabReader(self, own), readers).map { $0.low...$0.high }
  }

  private func found<Value: ImageScalar & OrderedByKey>(
    _: Value.Type, _ boxes: [(image: Int, box: Box)], _ wanted: IntensityScaling, _ readers: JointReading
  ) throws -> IntensityScaling {
    let reader = SlabReader<Value>(self, boxes)
    var (mean, deviation) = ([Double](repeating: 0, count: channels), [Double](repeating: 1, count: channels))
    var limits: [ClosedRange<Double>]?
    if wanted.rule == .percentile || wanted.transform == .clip {
      let found = try percentiles(Value.self, reader, readers)
      if wanted.transform == .clip { limits = found.map { $0.low...$0.high } }
      if wanted.rule == .percentile {
        for (channel, found) in found.enumerated() {
          func transformed(_ value: Double) -> Double {
            wanted.transform.apply(to: value, limits: limits?[channel])
          }
          mean[channel] = transformed(found.low)
          let distance = transformed(found.high) - mean[channel]
          let range = transformed(found.largest) - mean[channel]
          deviation[channel] = distance > 0 ? distance : range > 0 ? range : 1
        }
      }
    }
    if wanted.rule == .image {
      var transform = IntensityScaling.identity(channels: channels)
      (transform.transform, transform.limits) = (wanted.transform, limits)
      let numbers = try readers.join { try reader.moments(transform).flatMap(\.numbers) }
      var moments = [Moments](repeating: Moments(), count: channels)
      for (index, first) in stride(from: 0, to: numbers.count, by: Moments.numberCount).enumerated() {
        moments[index % channels].add(Moments(numbers: numbers[first..<first + Moments.numberCount]))
      }
      for (channel, moments) in moments.enumerated() where moments.count > 0 {
        mean[channel] = moments.mean
        if moments.squares > 0 { deviation[channel] = moments.standardDeviation }
      }
    }
    var result = IntensityScaling(mean: mean, standardDeviation: deviation)
    (result.transform, result.limits) = (wanted.transform, limits)
    return result
  }

  /// The two percentiles of each channel, and its largest value.
  private func percentiles<Value: OrderedByKey>(
    _: Value.Type, _ reader: SlabReader<Value>, _ readers: JointReading
  ) throws -> [(low: Double, high: Double, largest: Double)] {
    var searches = (0..<channels).map { _ in PercentileSearch(Self.percentiles + [1], of: Value.self) }
    while searches.contains(where: { !$0.isFound }) {
      let sums = try readers.sum {
        try reader.eachPlane { values, _, channel in searches[channel].add(values) }
        return searches.flatMap(\.counts)
      }
      var first = 0
      for channel in searches.indices where !searches[channel].isFound {
        let count = searches[channel].counts.count
        searches[channel].finish(Array(sums[first..<first + count]))
        first += count
      }
    }
    return searches.map { search in
      let values = search.values(as: Value.self)
      return values.isEmpty ? (0, 0, 0) : (values[0], values[1], values[2])
    }
  }
}

/// Reads boxes of images slab by slab, any number of times; a single slab is kept.
private final class SlabReader<Value: ImageScalar & OrderedByKey> {
  private typealias Slab = (values: AlignedBuffer<Value>, valid: AlignedBuffer<UInt8>?)
  private let source: ImageSource
  private let slabs: [(image: Int, box: Box)]
  private var kept: Slab?

  init(_ source: ImageSource, _ boxes: [(image: Int, box: Box)]) {
    self.source = source
    slabs = boxes.flatMap { image, box in
      box.slabs(depth: source.slabDepth).map { (image, $0) }
    }
  }

  private func read(_ image: Int, _ box: Box) throws -> Slab {
    if let kept { return kept }
    let values = AlignedBuffer<Value>(count: source.channels * box.count)
    try source.read(box, ofImage: image, into: values.buffer)
    let slab = (values, try source.valid(UnsafeBufferPointer(values.buffer), box, image: image))
    if slabs.count == 1 { kept = slab }
    return slab
  }

  /// Calls `body` with the values that were measured of each slice's each channel, in order.
  func eachPlane(_ body: (_ values: [Value], _ slice: Int, _ channel: Int) -> Void) throws {
    for (image, box) in slabs {
      let (values, valid) = try read(image, box)
      let slice = box.y.count * box.x.count
      for z in 0..<box.z.count {
        for channel in 0..<source.channels {
          let plane = UnsafeBufferPointer(start: values.pointer + (channel * box.z.count + z) * slice, count: slice)
          guard let valid else {
            body(Array(plane), box.z.lowerBound + z, channel)
            continue
          }
          body(
            plane.indices.filter { valid.pointer[z * slice + $0] != 0 }.map { plane[$0] }, box.z.lowerBound + z, channel
          )
        }
      }
      withExtendedLifetime(values) {}
    }
  }

  /// The moments of each slice's each channel after a transform, `[slice, channel]`.
  func moments(_ transform: IntensityScaling) throws -> [Moments] {
    var result: [Moments] = []
    try eachPlane { values, _, channel in
      var moments = Moments()
      values.map { transform.transformed(Double($0), channel: channel) }.withUnsafeBufferPointer { moments.add($0) }
      result.append(moments)
    }
    return result
  }
}
