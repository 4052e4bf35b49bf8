import HDF5
import Tensors

/// Images with the class of every pixel, divided into parts: a job's data set.
///
/// Opening checks shapes and the split; `inspect` reads everything once.
public final class LabelledImages: Sendable {
  public let images: ImageSource
  public let labels: ImageSource
  /// The number of classes; labels are 0 ..< `classes`.
  public let classes: Int
  /// The label, as the file has it, of voxels whose class is not known.
  public let ignore: Int?
  public let split: Split

  /// The label that stands in memory for a voxel whose class is not known.
  public static let ignored: UInt8 = 255

  /// Opens a data set.
  ///
  /// - Parameters:
  ///   - classes: the number of classes, 2 to 255.
  ///   - ignore: the label of voxels whose class is not known.
  /// - Throws: `ImagingError` when images, labels and split do not fit each other, `HDF5Error` when one of them cannot be
  ///   read.
  public init(
    images: ArrayLocation, labels: ArrayLocation, layout: ImageLayout, classes: Int, ignore: Int? = nil,
    split: SplitRule
  ) throws {
    precondition((1...255).contains(classes), "between 1 and 255 classes")
    self.images = try ImageSource(images, layout: layout)
    let labels = try Self.open(labels: labels, for: self.images)
    self.labels = labels
    self.classes = classes
    self.ignore = ignore
    self.split = try Split(split, of: self.images)
  }

  private static func open(labels location: ArrayLocation, for images: ImageSource) throws -> ImageSource {
    func mismatch(_ location: ArrayLocation, _ shape: [Int]) -> ImagingError {
      .labelShape(
        labels: location, shape: shape, images: images.location, imageShape: images.shape,
        hasChannels: images.hasChannels)
    }
    let labels: ImageSource
    do {
      labels = try ImageSource(location, layout: images.layout)
    } catch ImagingError.wrongAxes(let location, let shape, _) {
      throw mismatch(location, shape)
    }
    guard !labels.hasChannels, labels.imageCount == images.imageCount, labels.extents == images.extents else {
      throw mismatch(labels.location, labels.shape)
    }
    return labels
  }

  /// The layout of the images.
  public var layout: ImageLayout { images.layout }

  /// Reads a region into memory: intensities scaled, labels as classes or `ignored`.
  ///
  /// - Throws: `ImagingError.labelOutsideClasses` or `.notFinite` for the first fault of the region, `HDF5Error`.
  public func load(_ region: Region, scaling: IntensityScaling) throws -> LabelledRegion {
    let result = LabelledRegion(region: region, channels: images.channels)
    try images.read(region.box, ofImage: region.image, into: result.images.buffer)
    var faults = Faults(self)
    faults.look(at: UnsafeBufferPointer(result.images.buffer), of: region.box, image: region.image)
    scaling.apply(to: result.images.buffer)
    let labels = AlignedBuffer<Int32>(count: region.extents.count)
    try self.labels.read(region.box, ofImage: region.image, into: labels.buffer)
    faults.convert(
      UnsafeBufferPointer(labels.buffer), to: result.labels.buffer, of: region.box, image: region.image)
    try faults.raise()
    return result
  }
}

/// What reading all of a data set tells.
public struct Inspection: Sendable, Hashable {
  /// The scaling that the training voxels ask for.
  public let scaling: IntensityScaling
  /// How many voxels each class has in each part.
  public let voxels: [Part: [Int]]
}

extension LabelledImages {
  /// Reads the images and labels of all parts once, slab by slab, and checks them.
  ///
  /// The scaling is summed slice by slice in the order of regions, whatever the size of slabs.
  /// - Throws: `ImagingError` for labels outside the classes, values that are not finite, a constant channel, or no
  ///   labelled voxel in the training part, each with the number and the first place of the fault; `HDF5Error`.
  /// - Complexity: O(*voxels*) time, memory for one slab.
  public func inspect() throws -> Inspection {
    var moments = [Moments](repeating: Moments(), count: images.channels)
    var voxels: [Part: [Int]] = [:]
    var faults = Faults(self)
    for part in Part.allCases {
      var counts = [Int](repeating: 0, count: 256)
      for region in split[part] {
        for box in slabs(of: region) {
          let values = try inspect(box, image: region.image, &faults, &counts)
          if part == .train { add(values, of: box, to: &moments) }
        }
      }
      voxels[part] = Array(counts.prefix(classes))
    }
    try faults.raise()
    for (channel, moments) in moments.enumerated() where moments.squares == 0 {
      throw ImagingError.constant(images.location, channel: channel, value: moments.mean)
    }
    guard let train = voxels[.train], train.contains(where: { $0 > 0 }) else {
      throw ImagingError.noLabels(labels.location)
    }
    let scaling = IntensityScaling(
      mean: moments.map(\.mean), standardDeviation: moments.map(\.standardDeviation))
    return Inspection(scaling: scaling, voxels: voxels)
  }

  private func slabs(of region: Region) -> [Box] {
    let depth = images.slabDepth
    return stride(from: region.z.lowerBound, to: region.z.upperBound, by: depth).map {
      Box(z: $0..<min($0 + depth, region.z.upperBound), y: 0..<region.height, x: 0..<region.width)
    }
  }

  /// Reads and checks a slab, and counts its labels.
  ///
  /// - Returns: its intensities, `[channel, z, y, x]`.
  private func inspect(
    _ box: Box, image: Int, _ faults: inout Faults, _ counts: inout [Int]
  ) throws -> AlignedBuffer<Float> {
    let values = AlignedBuffer<Float>(count: images.channels * box.count)
    try images.read(box, ofImage: image, into: values.buffer)
    faults.look(at: UnsafeBufferPointer(values.buffer), of: box, image: image)
    let fileLabels = AlignedBuffer<Int32>(count: box.count)
    let classes = AlignedBuffer<UInt8>(count: box.count)
    try labels.read(box, ofImage: image, into: fileLabels.buffer)
    faults.convert(UnsafeBufferPointer(fileLabels.buffer), to: classes.buffer, of: box, image: image)
    for label in classes.buffer { counts[Int(label)] += 1 }
    return values
  }

  private func add(_ values: AlignedBuffer<Float>, of box: Box, to moments: inout [Moments]) {
    let slice = box.y.count * box.x.count
    for z in 0..<box.z.count {
      for channel in 0..<images.channels {
        let start = values.pointer + (channel * box.z.count + z) * slice
        moments[channel].add(UnsafeBufferPointer(start: start, count: slice))
      }
    }
  }
}

/// Faults met while reading, counted, with the first place of each kind.
struct Faults {
  private let data: LabelledImages
  private var label: (value: Int, count: Int, first: [Int])?
  private var notFinite: (count: Int, first: [Int])?

  init(_ data: LabelledImages) { self.data = data }

  /// Looks for values that are not finite in `[channel, z, y, x]`.
  mutating func look(at values: UnsafeBufferPointer<Float>, of box: Box, image: Int) {
    // The sum of x·0 is NaN when a value is not finite; almost always it is 0 and all is said.
    var sum: Float = 0
    for value in values { sum += value * 0 }
    guard !sum.isFinite else { return }
    let count = values.count { !$0.isFinite }
    if let notFinite {
      self.notFinite = (notFinite.count + count, notFinite.first)
    } else if let first = values.firstIndex(where: { !$0.isFinite }) {
      notFinite = (count, place(first, data.images, box, image))
    }
  }

  /// Turns the file's labels into classes; `ignored` for the ignored label, and for faults.
  mutating func convert(
    _ labels: UnsafeBufferPointer<Int32>, to classes: UnsafeMutableBufferPointer<UInt8>, of box: Box, image: Int
  ) {
    let limit = Int32(data.classes)
    // A label that no Int32 can be stands for "none is ignored".
    let ignore = data.ignore.map { Int64($0) } ?? .max
    for i in 0..<labels.count {
      let value = labels[i]
      if Int64(value) == ignore {
        classes[i] = LabelledImages.ignored
      } else if 0 <= value && value < limit {
        classes[i] = UInt8(value)
      } else {
        classes[i] = LabelledImages.ignored
        if label == nil { label = (Int(value), 0, place(i, data.labels, box, image)) }
        label?.count += 1
      }
    }
  }

  /// Throws when a fault was met.
  func raise() throws {
    if let label {
      throw ImagingError.labelOutsideClasses(
        data.labels.location, value: label.value, count: label.count, first: label.first, classes: data.classes,
        ignore: data.ignore)
    }
    if let notFinite {
      throw ImagingError.notFinite(data.images.location, count: notFinite.count, first: notFinite.first)
    }
  }

  private func place(_ index: Int, _ source: ImageSource, _ box: Box, _ image: Int) -> [Int] {
    let x = index % box.x.count
    let y = index / box.x.count % box.y.count
    let z = index / (box.x.count * box.y.count) % box.z.count
    return source.index(
      image: image, channel: index / box.count, z: box.z.lowerBound + z, y: box.y.lowerBound + y,
      x: box.x.lowerBound + x)
  }
}
