import HDF5
import Host
import ImageFiles

/// An image array in a file, read part by part as `[channel, z, y, x]`.
///
/// Opening looks at the shape only.
public final class ImageSource: Sendable {
  /// The file and the dataset.
  public let location: ArrayLocation
  /// How its axes are read.
  public let layout: ImageLayout
  /// The array's shape as the file has it.
  public let shape: [Int]
  /// The number of images; 1 for a volume.
  public let imageCount: Int
  /// The number of channels; 1 without a channel axis.
  public let channels: Int
  /// The extents of one image.
  public let extents: Extents
  /// Whether the file holds numbers that float32 rounds: doubles, and integers of more than 16 bits.
  public let isWide: Bool
  /// The distance of voxels along z, y and x; nil where the file does not say it.
  public let voxelSize: [Length?]
  /// Which pixels were measured; nil: all.
  public let validity: Validity?
  /// The array, its axes in the layout's order.
  let array: any StoredArray
  /// What says which pixels were measured besides their values.
  let validityArray: ValidityArray?

  /// Opens an array.
  ///
  /// - Parameters:
  ///   - axes: a letter for each axis of the file's array, such as `yxc`; nil: as the file says, and where it does not,
  ///     as the layout does.
  ///   - mayLackChannels: whether the array may have all these axes but `c`.
  ///   - validity: how it is known which pixels were measured; nil: all were.
  ///   - valid: the dataset that says so, of the images' shape without channels or `[y, x]` for all of them.
  /// - Throws: `HDF5Error` or `ImageFileError` when the file or dataset is missing or unreadable; `ImagingError` for axes
  ///   that are not the layout's, or an empty array.
  public init(
    _ location: ArrayLocation, layout: ImageLayout, axes: String? = nil, mayLackChannels: Bool = false,
    validity: Validity? = nil, valid: ArrayLocation? = nil
  ) throws {
    self.validity = validity
    validityArray = try valid.map {
      try ImageSource(location, layout: layout, axes: axes, mayLackChannels: mayLackChannels)
        .openValidity($0, axes: axes)
    }
    let (location, stored) = try ArrayFile.open(location)
    var axes = axes
    if mayLackChannels, axes.map({ $0.count == stored.shape.count + 1 }) == true { axes?.removeAll { $0 == "c" } }
    let array = try Self.arranged(stored, at: location, layout: layout, axes: axes)
    let shape = array.shape
    let hasChannels = shape.count == layout.axisCount + 1
    guard shape.count == layout.axisCount || hasChannels else {
      throw ImagingError.wrongAxes(location, shape: shape, layout: layout)
    }
    guard !shape.contains(0) else { throw ImagingError.empty(location, shape: shape) }
    self.location = location
    self.layout = layout
    self.shape = shape
    self.array = array
    isWide =
      switch array.facts.elementType {
      case .float(let bits): bits > 32
      case .integer(let bits, _), .enumeration(let bits): bits > 16
      case .bool, .string, .other: false
      }
    let height = shape[shape.count - 2]
    let width = shape[shape.count - 1]
    imageCount = layout.isOneImage ? 1 : shape[0]
    channels = hasChannels ? shape[layout.channelAxis] : 1
    extents = Extents(z: layout.hasDepth ? shape[shape.count - 3] : 1, y: height, x: width)
    let spacing = array.facts.spacing
    voxelSize = (1...3).reversed().map { place in
      place == 3 && !layout.hasDepth ? nil : spacing[spacing.count - place]
    }
    // Every image has a region and a part.
    try Self.requireMemory(128 * imageCount, for: location)
  }

  /// Every axis with its extent, as in “[image 12, y 32, x 32]”.
  public var axes: String {
    let names = layout.axes(hasChannels: hasChannels).dropFirst().dropLast().split(separator: ",")
    return "[" + zip(names, shape).map { "\($0.drop { $0 == " " }) \($1)" }.joined(separator: ", ") + "]"
  }

  /// Whether the array has an axis of channels.
  public var hasChannels: Bool { shape.count == layout.axisCount + 1 }

  /// All of an image as a region.
  public func region(ofImage image: Int) -> Region {
    Region(image: image, z: 0..<extents.z, height: extents.y, width: extents.x)
  }

  /// Reads a part of an image.
  ///
  /// - Parameters:
  ///   - box: a part within `extents`.
  ///   - image: below `imageCount`.
  ///   - buffer: receives `[channel, z, y, x]`; `channels` × `box.count` elements.
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read or holds values that the type cannot.
  public func read<Scalar: ImageScalar>(
    _ box: Box, ofImage image: Int, into buffer: UnsafeMutableBufferPointer<Scalar>
  ) throws {
    precondition(Box(extents).contains(box) && (0..<imageCount).contains(image), "a part outside the image")
    precondition(buffer.count == channels * box.count, "a buffer of another size than the part")
    var start = [box.y.lowerBound, box.x.lowerBound]
    var count = [box.y.count, box.x.count]
    func insert(_ first: Int, _ length: Int) {
      start.insert(first, at: 0)
      count.insert(length, at: 0)
    }
    if layout.hasDepth { insert(box.z.lowerBound, box.z.count) }
    if hasChannels { insert(0, channels) }
    if !layout.isOneImage { insert(image, 1) }
    try array.read(into: buffer, Hyperslab(start: start, count: count))
  }

  /// Reads a part of an image as networks see it: scaled, with 0 where nothing was measured, and behind it the channel
  /// of validity when there is one.
  ///
  /// - Parameter buffer: receives `[channel, z, y, x]`; `inputChannels` × `box.count` elements.
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read.
  public func readInput(
    _ box: Box, ofImage image: Int, scaledBy scaling: IntensityScaling, into buffer: UnsafeMutableBufferPointer<Float>
  ) throws {
    precondition(buffer.count == inputChannels * box.count, "a buffer of another size than the part")
    let own = UnsafeMutableBufferPointer(rebasing: buffer[..<(channels * box.count)])
    guard inputChannels > channels else { return try read(box, ofImage: image, scaledBy: scaling, into: own) }
    let told = UnsafeMutableBufferPointer(rebasing: buffer[(channels * box.count)...])
    told.update(repeating: 1)
    try read(box, ofImage: image, scaledBy: scaling, into: own) { told[$0] = 0 }
  }

  /// Reads a part of an image and scales it. Numbers that float32 would round are scaled before they are rounded. Where
  /// nothing was measured stands 0.
  ///
  /// - Parameters:
  ///   - buffer: receives `[channel, z, y, x]`; `channels` × `box.count` elements.
  ///   - eachInvalid: told the place in the box of every pixel that was not measured.
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read.
  public func read(
    _ box: Box, ofImage image: Int, scaledBy scaling: IntensityScaling, into buffer: UnsafeMutableBufferPointer<Float>,
    eachInvalid: (Int) -> Void = { _ in }
  ) throws {
    let scaling = scaling.of(image: image)
    func clear(_ valid: AlignedBuffer<UInt8>?, from first: Int) {
      guard let valid else { return }
      for i in 0..<valid.count where valid.pointer[i] == 0 {
        for channel in 0..<channels { buffer[channel * box.count + first + i] = 0 }
        eachInvalid(first + i)
      }
    }
    guard isWide else {
      try read(box, ofImage: image, into: buffer)
      let valid = try valid(UnsafeBufferPointer(buffer), box, image: image)
      scaling.apply(to: buffer)
      clear(valid, from: 0)
      return
    }
    for slab in box.slabs(depth: slabDepth) {
      let values = AlignedBuffer<Double>(count: channels * slab.count)
      try read(slab, ofImage: image, into: values.buffer)
      let first = (slab.z.lowerBound - box.z.lowerBound) * box.y.count * box.x.count
      for channel in 0..<channels {
        let (from, to) = (channel * slab.count, channel * box.count + first)
        for i in 0..<slab.count { buffer[to + i] = scaling.scaled(values.pointer[from + i], channel: channel) }
      }
      clear(try valid(UnsafeBufferPointer(values.buffer), slab, image: image), from: first)
    }
  }

  /// Whether an `Int32` holds every number that the array can hold.
  var holdsSmallIntegers: Bool { Self.holdsSmallIntegers(array.facts.elementType) }

  static func holdsSmallIntegers(_ type: ElementType) -> Bool {
    switch type {
    case .integer(let bits, let isSigned): bits < 32 || bits == 32 && isSigned
    case .bool: true
    case .float, .enumeration, .string, .other: false
    }
  }

  /// The index of a voxel in the file's own axes, for messages.
  func index(image: Int, channel: Int, z: Int, y: Int, x: Int) -> [Int] {
    (layout.isOneImage ? [] : [image]) + (hasChannels ? [channel] : []) + (layout.hasDepth ? [z] : []) + [y, x]
  }

  /// How many slices to read at a time: whole chunks of the file, about 64 MB in memory.
  var slabDepth: Int {
    let slice = channels * extents.y * extents.x * (isWide ? 8 : 4)
    let chunkDepth = layout.hasDepth ? array.facts.chunk.map { $0[$0.count - 3] } ?? 1 : 1
    return max(1, max(1, (64 << 20) / slice) / chunkDepth) * chunkDepth
  }

  /// Throws when a part of an array would not fit in the memory that is there.
  static func requireMemory(_ bytes: Int, for location: ArrayLocation) throws(ImagingError) {
    // Small parts are not worth asking the system.
    guard bytes > 1 << 30, let room = HostFacts.detect().memory.least, bytes > room else { return }
    throw .noMemory(location, bytes: bytes, available: Int(clamping: room))
  }
}
