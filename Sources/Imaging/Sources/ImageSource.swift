import HDF5
import Host
import ImageFiles

/// Image arrays in files, read part by part as `[channel, z, y, x]`.
///
/// Images are numbered through all of the arrays; their extents may differ from array to array. Opening looks at shapes
/// only.
public final class ImageSource: Sendable {
  /// One of the arrays.
  struct Stored: Sendable {
    let location: ArrayLocation
    /// The array, its axes in the layout's order.
    let array: any StoredArray
    /// The number of its first image.
    let first: Int
    /// The number of images; 1 for a volume.
    let count: Int
    /// The extents of one image.
    let extents: Extents
    let hasChannels: Bool
    /// The channels' numbers in the file, where some are chosen; nil: all.
    let chosen: [Int]?
    let isWide: Bool
  }

  /// The files and the datasets.
  public let location: ArrayLocation
  /// How its axes are read.
  public let layout: ImageLayout
  /// The arrays' shape as one; where extents differ, the largest.
  public let shape: [Int]
  /// The number of images; 1 for a volume.
  public let imageCount: Int
  /// The number of channels; 1 without a channel axis.
  public let channels: Int
  /// The channels that were chosen, each by its name where files say it, else by its number; nil: all there are.
  public let chosenChannels: [ImageChannel]?
  /// The extents of one image; where they differ, the largest along each axis.
  public let extents: Extents
  /// Whether a file holds numbers that float32 rounds: doubles, and integers of more than 16 bits.
  public let isWide: Bool
  /// The distance of voxels along z, y and x; nil where the files do not say it, or do not agree.
  public let voxelSize: [Length?]
  /// Which pixels were measured; nil: all.
  public let validity: Validity?
  let parts: [Stored]
  /// What says which pixels were measured besides their values.
  let validityArray: ValidityArray?

  /// Opens the arrays at a location.
  ///
  /// - Parameters:
  ///   - axes: a letter for each axis of a file's array, such as `yxc`; nil: as the file says, and where it does not,
  ///     as the layout does.
  ///   - mayLackChannels: whether arrays may have all these axes but `c`.
  ///   - channels: those that are taken, in this order; nil: all.
  ///   - validity: how it is known which pixels were measured; nil: all were.
  ///   - valid: the dataset that says so, of the images' shape without channels or `[y, x]` for all of them.
  /// - Throws: `HDF5Error` or `ImageFileError` when a file or dataset is missing or unreadable; `ImagingError` for axes
  ///   that are not the layout's, an empty array, or arrays whose channels differ.
  public convenience init(
    _ location: ArrayLocation, layout: ImageLayout, axes: String? = nil, mayLackChannels: Bool = false,
    channels: [ImageChannel]? = nil, validity: Validity? = nil, valid: ArrayLocation? = nil
  ) throws {
    let (parts, chosen) = try Self.parts(
      location, layout: layout, axes: axes, mayLackChannels: mayLackChannels, channels: channels)
    let array = try valid.map { try ImageSource(parts, layout, chosen).openValidity($0, axes: axes) }
    self.init(parts, layout, chosen, validity: validity, array)
    // Every image has a region and a part.
    try Self.requireMemory(128 * imageCount, for: location)
  }

  /// Opens the arrays at a location.
  private static func parts(
    _ location: ArrayLocation, layout: ImageLayout, axes: String?, mayLackChannels: Bool, channels: [ImageChannel]?
  ) throws -> (parts: [Stored], chosen: [ImageChannel]?) {
    if layout.isOneImage, !location.others.isEmpty {
      throw ImagingError.severalVolumes(location, count: location.all.count)
    }
    let opened = layout.isOneImage ? [try ArrayFile.open(location)] : try ArrayFile.openEach(location)
    var parts: [Stored] = []
    var chosen = channels
    for (location, stored) in opened {
      let part = try Stored(
        stored, at: location, layout: layout, axes: axes, mayLackChannels: mayLackChannels, choosing: &chosen,
        isOneOfMany: !location.others.isEmpty || opened.count > 1, first: parts.last.map { $0.first + $0.count } ?? 0)
      parts.append(part)
    }
    let first = parts[0]
    if let other = parts.first(where: { $0.channels(layout) != first.channels(layout) }) {
      throw ImagingError.differentChannels(
        other.location, shape: other.array.shape, channels: other.channels(layout), first: first.location,
        expected: first.channels(layout))
    }
    return (parts, chosen)
  }

  /// A source of arrays that are open.
  private init(
    _ parts: [Stored], _ layout: ImageLayout, _ chosen: [ImageChannel]?, validity: Validity? = nil,
    _ validityArray: ValidityArray? = nil
  ) {
    let (first, last) = (parts[0], parts[parts.count - 1])
    (self.validity, self.validityArray, chosenChannels) = (validity, validityArray, chosen)
    self.location = ArrayLocation(joining: parts.map(\.location))
    self.layout = layout
    self.parts = parts
    channels = first.channels(layout)
    isWide = parts.contains(where: \.isWide)
    imageCount = last.first + last.count
    let extents = parts.map(\.extents).reduce(first.extents) {
      Extents(z: max($0.z, $1.z), y: max($0.y, $1.y), x: max($0.x, $1.x))
    }
    self.extents = extents
    shape =
      parts.count == 1
      ? first.array.shape
      : [imageCount] + (first.hasChannels ? [channels] : []) + (layout.hasDepth ? [extents.z] : [])
        + [extents.y, extents.x]
    let sizes = parts.map { Self.voxelSize(of: $0, layout) }
    voxelSize = (0..<3).map { axis in sizes.allSatisfy { $0[axis] == sizes[0][axis] } ? sizes[0][axis] : nil }
  }

  /// The distance of voxels of one array along z, y and x.
  private static func voxelSize(of part: Stored, _ layout: ImageLayout) -> [Length?] {
    let spacing = part.array.facts.spacing
    return (1...3).reversed().map { place in
      place == 3 && !layout.hasDepth ? nil : spacing[spacing.count - place]
    }
  }

  /// Whether a file says the distance of voxels, with its unit, along z, y and x.
  public var saysVoxelSize: [Bool] {
    let sizes = parts.map { Self.voxelSize(of: $0, layout) }
    return (0..<3).map { axis in sizes.contains { $0[axis].map { $0.value > 0 && !$0.unit.isEmpty } ?? false } }
  }

  /// Every axis with its extent, as in “[image 12, y 32, x 32]”; “20–32” where extents differ.
  public var axes: String {
    let names = layout.axes(hasChannels: hasChannels).dropFirst().dropLast().split(separator: ",")
    let texts = shape.indices.map { axis -> String in
      let place = axis - shape.count
      guard axis > 0 || layout.isOneImage else { return "\(shape[axis])" }
      let least = parts.map { $0.array.shape[$0.array.shape.count + place] }.min() ?? 0
      return least == shape[axis] ? "\(least)" : "\(least)–\(shape[axis])"
    }
    return "[" + zip(names, texts).map { "\($0.drop { $0 == " " }) \($1)" }.joined(separator: ", ") + "]"
  }

  /// Whether the arrays have an axis of channels.
  public var hasChannels: Bool { parts[0].hasChannels }

  /// Whether all images have the same extents.
  public var hasOneExtent: Bool { parts.allSatisfy { $0.extents == extents } }

  /// The extents of an image.
  public func extents(ofImage image: Int) -> Extents { part(ofImage: image).extents }

  /// The first image whose extents are others than in a source of as many images, whose files may be divided otherwise;
  /// nil when there is none.
  func firstDifference(from other: ImageSource) -> Int? {
    Set((parts + other.parts).map(\.first)).sorted().first { extents(ofImage: $0) != other.extents(ofImage: $0) }
  }

  /// The array that holds an image.
  ///
  /// - Complexity: O(log *arrays*)
  func part(ofImage image: Int) -> Stored {
    var (low, high) = (0, parts.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if parts[middle].first <= image { low = middle } else { high = middle - 1 }
    }
    return parts[low]
  }

  /// All of an image as a region.
  public func region(ofImage image: Int) -> Region {
    let extents = extents(ofImage: image)
    return Region(image: image, z: 0..<extents.z, height: extents.y, width: extents.x)
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
    let part = part(ofImage: image)
    precondition(Box(part.extents).contains(box) && (0..<imageCount).contains(image), "a part outside the image")
    precondition(buffer.count == channels * box.count, "a buffer of another size than the part")
    var start = [box.y.lowerBound, box.x.lowerBound]
    var count = [box.y.count, box.x.count]
    func insert(_ first: Int, _ length: Int) {
      start.insert(first, at: 0)
      count.insert(length, at: 0)
    }
    if layout.hasDepth { insert(box.z.lowerBound, box.z.count) }
    if hasChannels { insert(0, channels) }
    if !layout.isOneImage { insert(image - part.first, 1) }
    try part.array.read(into: buffer, Hyperslab(start: start, count: count))
  }

  /// Reads a part of an image as networks see it: scaled, with 0 where nothing was measured, and behind it the channel
  /// of validity when there is one.
  ///
  /// - Parameters:
  ///   - buffer: receives `[channel, z, y, x]`; `inputChannels` × `box.count` elements.
  ///   - eachInvalid: told the place in the box of every pixel that was not measured.
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read.
  public func readInput(
    _ box: Box, ofImage image: Int, scaledBy scaling: IntensityScaling, into buffer: UnsafeMutableBufferPointer<Float>,
    eachInvalid: (Int) -> Void = { _ in }
  ) throws {
    precondition(buffer.count == inputChannels * box.count, "a buffer of another size than the part")
    let own = UnsafeMutableBufferPointer(rebasing: buffer[..<(channels * box.count)])
    guard inputChannels > channels else {
      return try read(box, ofImage: image, scaledBy: scaling, into: own, eachInvalid: eachInvalid)
    }
    let told = UnsafeMutableBufferPointer(rebasing: buffer[(channels * box.count)...])
    told.update(repeating: 1)
    try read(box, ofImage: image, scaledBy: scaling, into: own) {
      told[$0] = 0
      eachInvalid($0)
    }
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
    guard part(ofImage: image).isWide else {
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
  var holdsSmallIntegers: Bool { parts.allSatisfy { Self.holdsSmallIntegers($0.array.facts.elementType) } }

  static func holdsSmallIntegers(_ type: ElementType) -> Bool {
    switch type {
    case .integer(let bits, let isSigned): bits < 32 || bits == 32 && isSigned
    case .bool: true
    case .float, .enumeration, .string, .other: false
    }
  }

  /// The index of a voxel in its file's own axes, for messages.
  func index(image: Int, channel: Int, z: Int, y: Int, x: Int) -> [Int] {
    let part = part(ofImage: image)
    return (layout.isOneImage ? [] : [image - part.first]) + (hasChannels ? [part.chosen?[channel] ?? channel] : [])
      + (layout.hasDepth ? [z] : []) + [y, x]
  }

  /// How many slices to read at a time: whole chunks of the file, about 64 MB in memory.
  var slabDepth: Int { slabDepth(bytes: 64 << 20) }

  /// How many slices make up about so many bytes in memory, in whole chunks of the file, one at least.
  func slabDepth(bytes: Int) -> Int {
    let slice = channels * extents.y * extents.x * (isWide ? 8 : 4)
    let chunkDepth = layout.hasDepth ? parts.map { $0.array.facts.chunk.map { $0[$0.count - 3] } ?? 1 }.max() ?? 1 : 1
    return max(1, max(1, bytes / slice) / chunkDepth) * chunkDepth
  }

  /// Throws when a part of an array would not fit in the memory that is there.
  static func requireMemory(_ bytes: Int, for location: ArrayLocation) throws(ImagingError) {
    // Small parts are not worth asking the system.
    guard bytes > 1 << 30, let room = HostFacts.detect().memory.least, bytes > room else { return }
    throw .noMemory(location, bytes: bytes, available: Int(clamping: room))
  }
}

extension ImageSource.Stored {
  /// The number of channels; 1 without a channel axis.
  fileprivate func channels(_ layout: ImageLayout) -> Int { hasChannels ? array.shape[layout.channelAxis] : 1 }

  /// - Parameter channels: those that are taken; set to how they were found. nil: all.
  fileprivate init(
    _ stored: any StoredArray, at location: ArrayLocation, layout: ImageLayout, axes: String?, mayLackChannels: Bool,
    choosing channels: inout [ImageChannel]?, isOneOfMany: Bool, first: Int
  ) throws(ImagingError) {
    var axes = axes
    if mayLackChannels, axes.map({ $0.count == stored.shape.count + 1 }) == true { axes?.removeAll { $0 == "c" } }
    var array = try ImageSource.arranged(
      stored, at: location, layout: layout, axes: axes, isOneOfMany: isOneOfMany)
    var shape = array.shape
    hasChannels = shape.count == layout.axisCount + 1
    guard shape.count == layout.axisCount || hasChannels else {
      throw .wrongAxes(location, shape: shape, layout: layout)
    }
    guard !shape.contains(0) else { throw .empty(location, shape: shape) }
    if let wanted = channels {
      let choice = try ChosenChannels(
        wanted, of: array, axis: hasChannels ? layout.channelAxis : nil, at: location)
      (array, chosen, channels) = (choice.array, choice.numbers, choice.channels)
      shape = array.shape
    } else {
      chosen = nil
    }
    self.location = location
    self.array = array
    self.first = first
    isWide =
      switch array.facts.elementType {
      case .float(let bits): bits > 32
      case .integer(let bits, _), .enumeration(let bits): bits > 16
      case .bool, .string, .other: false
      }
    count = layout.isOneImage ? 1 : shape[0]
    extents = Extents(
      z: layout.hasDepth ? shape[shape.count - 3] : 1, y: shape[shape.count - 2], x: shape[shape.count - 1])
  }
}
