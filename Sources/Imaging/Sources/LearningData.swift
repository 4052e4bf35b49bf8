import Host
import ImageFiles

/// A job's data set: images and their targets, divided into parts.
///
/// Opening checks shapes and the split; `inspect` reads everything once.
public final class LearningData: Sendable {
  /// The images.
  public let images: ImageSource
  /// What a network learns to predict, with locations resolved.
  public let target: TargetSource
  /// The classes of pixels, or the target images; nil for one class an image, and when the image itself is the target.
  public let answers: ImageSource?
  /// Where target images are known.
  public let mask: ImageSource?
  /// The label of each image as the file has it, when images have classes.
  let imageLabels: [Double]
  /// Which regions serve for what.
  public let split: Split
  /// Which images or slices are of one source; nil when that is not said.
  public let groups: ImageGroups?
  /// What is done to images before networks see them.
  public let preparation: ImagePreparation

  /// The most classes that there may be: labels in memory have one byte, one value of which is `Label.ignored`.
  public static let mostClasses = Int(Label.ignored)

  /// Opens a data set.
  ///
  /// - Parameters:
  ///   - channels: the number of channels of the images, for a shape that leaves it open.
  ///   - axes: a letter for each axis of the images' array; nil: as the file or the layout says. Labels, targets and
  ///     masks have the same, or all but `c`.
  ///   - groups: a number for each image or slice, of the source that it comes from.
  ///   - preparation: what is done to images before networks see them.
  /// - Throws: `ImagingError` when images, targets and split do not fit each other, `HDF5Error` when one of them cannot
  ///   be read.
  public init(
    images: ArrayLocation, target: TargetSource, layout: ImageLayout, split: SplitRule, channels: Int? = nil,
    axes: String? = nil, groups: ArrayLocation? = nil, preparation: ImagePreparation = ImagePreparation()
  ) throws {
    guard target.classes <= Self.mostClasses else {
      throw ImagingError.tooManyClasses(target.classes, most: Self.mostClasses)
    }
    let images = try ImageSource(
      images, layout: layout, axes: axes, channels: preparation.channels, validity: preparation.validity,
      valid: preparation.valid)
    self.images = images
    self.preparation = preparation
    switch target {
    case .pixelClasses(let labels, let classes, let ignore):
      let labels = try Self.open(labels, for: images, axes, withChannels: false)
      answers = labels
      imageLabels = []
      self.target = .pixelClasses(labels.location, classes: classes, ignore: ignore)
    case .imageClasses(let labels, let classes, let ignore):
      let (location, values) = try Self.labels(labels, of: images)
      answers = nil
      imageLabels = values
      self.target = .imageClasses(location, classes: classes, ignore: ignore)
    case .images(let targets, let mask):
      let targets = try Self.open(targets, for: images, axes, withChannels: true)
      answers = targets
      imageLabels = []
      self.target = .images(targets.location, mask: mask)
    case .itself(let mask, let classes):
      answers = nil
      if var classes {
        (classes.labels, imageLabels) = try Self.labels(classes.labels, of: images)
        self.target = .itself(mask: mask, classes: classes)
      } else {
        imageLabels = []
        self.target = target
      }
    }
    mask = try target.mask.map { try Self.open($0, for: images, axes, withChannels: false) }
    // Labels, a mask or targets without channels have the shape that the images have without channels.
    let isConfirmed =
      if case .pixelClasses = target { true } else {
        mask != nil || images.hasChannels && answers.map { !$0.hasChannels } ?? false
      }
    try Self.checkAxes(of: images, channels: channels, isConfirmed: isConfirmed)
    let strata: [Int]? = imageLabels.isEmpty ? nil : imageLabels.map { Int(exactly: $0) ?? -1 }
    self.groups = try groups.map { try ImageGroups($0, of: images) }
    self.split = try Split(split, of: images, strata: strata, groups: self.groups)
  }

  /// Sees that the last axis is not that of channels.
  ///
  /// Images whose channels are last have the shape of images with few columns. So a last axis of 1 to 4 after larger
  /// ones is refused, unless another array confirms how it is read, or `channels` is given.
  private static func checkAxes(of images: ImageSource, channels: Int?, isConfirmed: Bool) throws(ImagingError) {
    let shape = images.shape
    if let channels, channels != images.channels {
      throw .wrongChannels(images.location, shape: shape, layout: images.layout, channels: channels)
    }
    let isLarge = images.extents.y >= 8 && shape[shape.count - 3] > 4
    guard channels == nil, !isConfirmed, images.extents.x <= 4, isLarge else { return }
    throw .channelsLast(images.location, shape: shape, layout: images.layout)
  }

  /// The label of each image as the file has it.
  private static func labels(_ labels: ArrayLocation, of images: ImageSource) throws -> (ArrayLocation, [Double]) {
    let (location, array) = try ArrayFile.open(labels)
    let shape = array.shape
    guard !images.layout.isOneImage, shape == [images.imageCount] else {
      throw ImagingError.imageLabels(location, shape: shape, images: images.imageCount, layout: images.layout)
    }
    return (location, try array.read(as: Double.self))
  }

  private static func open(
    _ location: ArrayLocation, for images: ImageSource, _ axes: String?, withChannels: Bool
  ) throws -> ImageSource {
    func mismatch(
      _ location: ArrayLocation, _ shape: [Int], _ place: ArrayLocation? = nil, _ imageShape: [Int]? = nil
    ) -> ImagingError {
      .targetShape(
        location, shape: shape, images: place ?? images.location, imageShape: imageShape ?? images.shape,
        hasChannels: images.hasChannels, mayHaveChannels: withChannels)
    }
    let source: ImageSource
    do {
      source = try ImageSource(location, layout: images.layout, axes: axes, mayLackChannels: true)
    } catch ImagingError.wrongAxes(let location, let shape, _) {
      throw mismatch(location, shape)
    }
    guard withChannels || !source.hasChannels, source.imageCount == images.imageCount else {
      throw mismatch(source.location, source.shape)
    }
    if let other = images.firstDifference(from: source) {
      let (own, image) = (source.part(ofImage: other), images.part(ofImage: other))
      throw mismatch(own.location, own.array.shape, image.location, image.array.shape)
    }
    return source
  }

  /// The layout of the images.
  public var layout: ImageLayout { images.layout }

  /// The number of classes; 0 when the answer is an image alone.
  public var classes: Int { target.classes }

  /// The channels of target images; 0 when the answer is a class.
  public var targetChannels: Int {
    switch target {
    case .pixelClasses, .imageClasses: 0
    case .images: answers?.channels ?? 0
    case .itself: images.channels
    }
  }

  /// What regions in memory hold besides the images.
  public var content: TargetContent {
    switch target {
    case .pixelClasses: TargetContent(labels: .pixels, channels: 0, hasWeights: false)
    case .imageClasses: TargetContent(labels: .image, channels: 0, hasWeights: false)
    case .images, .itself:
      TargetContent(
        labels: classes > 0 ? .image : .none, channels: targetChannels,
        hasWeights: mask != nil || split.pixels != nil || hidesInvalid)
    }
  }

  /// Whether nothing is learnt of pixels that were not measured: of images whose answers are others the mask alone says
  /// where these are known, so that networks may learn what belongs into gaps.
  var hidesInvalid: Bool {
    if case .images = target { return false }
    return images.validity != nil
  }

  /// Where the answers are, for messages.
  public var targetLocation: ArrayLocation {
    switch target {
    case .pixelClasses(let location, _, _), .imageClasses(let location, _, _), .images(let location, _): location
    case .itself(_, let classes): classes?.labels ?? images.location
    }
  }

  /// Reads a region into memory: intensities and target images scaled, labels as classes or `ignored`.
  ///
  /// - Parameters:
  ///   - part: what the region serves for; of a split by pixels, the answers of other parts' pixels are unknown.
  ///   - targetScaling: of target images; nil for classes.
  ///   - patch: extents that the result has at least: what lies beyond the region is of mean intensity, and nothing is
  ///     known of it.
  ///   - file: where the region is kept; nil: in memory.
  ///   - fills: without it the region has its place in the file, and another process reads it.
  /// - Throws: `ImagingError.labelOutsideClasses` or `.notFinite` for the first fault of the region, `HDF5Error`;
  ///   `FileError` when the disk has no room for the file.
  public func load(
    _ region: Region, for part: Part, scaling: IntensityScaling, targetScaling: IntensityScaling? = nil,
    patch: Extents = Extents(y: 1, x: 1), in file: ScratchFile? = nil, fills: Bool = true
  ) throws -> LearningRegion {
    let content = content
    let isItself = if case .itself = target { true } else { false }
    let count = region.extents.count
    try ImageSource.requireMemory(
      ((file == nil ? 4 * images.inputChannels + content.bytes : 0) + (hidesInvalid ? 1 : 0)) * count,
      for: images.location)
    let result = try LearningRegion(
      region: region, channels: images.inputChannels, content: content,
      sharesImages: isItself && (targetScaling == nil || targetScaling == scaling), in: file)
    /// The region that patches fit in.
    func whole() throws -> LearningRegion {
      guard region.isSmaller(than: patch) else { return result }
      return try result.padded(to: region.padded(to: patch), in: file, copies: fills)
    }
    guard fills else { return try whole() }
    var faults = Faults(target, preparation.labelMap)
    let invalid = hidesInvalid ? AlignedBuffer<UInt8>(count: count) : nil
    try images.readInput(region.box, ofImage: region.image, scaledBy: scaling, into: result.images.buffer) {
      invalid?.buffer[$0] = 1
    }
    faults.look(at: UnsafeBufferPointer(result.images.buffer), of: images, region.box, image: region.image)
    try loadTargets(of: region.box, for: part, targetScaling: targetScaling, into: result, invalid, &faults)
    try faults.raise()
    let loaded = try whole()
    loaded.release()
    return loaded
  }

  /// Reads what is known of a part of an image, without the image: target images as the file has them, labels as
  /// classes or `ignored`.
  ///
  /// - Parameters:
  ///   - box: a part of the image.
  ///   - part: what the image serves for; of a split by pixels, the answers of other parts' pixels are unknown.
  /// - Returns: a region of the box's extents that holds targets alone.
  /// - Throws: as `load(_:for:scaling:targetScaling:)`.
  public func targets(of box: Box, image: Int, for part: Part) throws -> LearningRegion {
    let region = Region(image: image, z: box.z, height: box.y.count, width: box.x.count)
    let result = LearningRegion(region: region, channels: 0, content: content)
    var faults = Faults(target, preparation.labelMap)
    try loadTargets(of: box, for: part, targetScaling: nil, into: result, nil, &faults)
    try faults.raise()
    return result
  }

  /// Reads the targets of a box into a region of its extents.
  ///
  /// - Parameter invalid: 1 where nothing was measured; nil: the images are read for it.
  private func loadTargets(
    of box: Box, for part: Part, targetScaling: IntensityScaling?, into result: LearningRegion,
    _ invalid: AlignedBuffer<UInt8>?, _ faults: inout Faults
  ) throws {
    let (content, image, count) = (result.content, result.region.image, box.count)
    if content.labels != .none {
      try readLabels(of: box, image: image, part, into: result.labels.buffer, invalid: invalid, &faults)
    }
    if content.hasWeights {
      try readWeights(of: box, image: image, part, into: result.weights.buffer, invalid: invalid)
    }
    let scaling = targetScaling ?? .identity(channels: content.channels)
    if content.channels > 0, !result.sharesImages {
      try (answers ?? images).read(box, ofImage: image, scaledBy: scaling, into: result.values.buffer)
    }
    guard let answers, content.channels > 0 else { return }
    if content.hasWeights {
      // What 0 is scaled to stands where targets are not known, whatever the file has there.
      for channel in 0..<content.channels {
        let zero = scaling.scaled(0, channel: channel)
        for i in 0..<count where result.weights.pointer[i] == 0 { result.values.pointer[channel * count + i] = zero }
      }
    }
    faults.look(at: UnsafeBufferPointer(result.values.buffer), of: answers, box, image: image)
  }

  /// Bytes of labels that are read at a time, about.
  static let labelBytes = 4 << 20

  /// Reads labels as classes.
  ///
  /// - Parameters:
  ///   - classes: receives `[z, y, x]`, or the image's class alone.
  ///   - invalid: 1 where nothing was measured; nil: the images are read for it.
  func readLabels(
    of box: Box, image: Int, _ part: Part, into classes: UnsafeMutableBufferPointer<UInt8>,
    invalid: AlignedBuffer<UInt8>? = nil, _ faults: inout Faults
  ) throws {
    guard let labels = answers else {
      classes[0] = faults.convert(imageLabels[image], in: targetLocation) { [image] }
      return
    }
    var first = 0
    for slab in box.slabs(depth: labels.slabDepth(bytes: LearningData.labelBytes)) {
      let own = UnsafeMutableBufferPointer(rebasing: classes[first..<first + slab.count])
      if labels.holdsSmallIntegers {
        let values = AlignedBuffer<Int32>(count: slab.count)
        try labels.read(slab, ofImage: image, into: values.buffer)
        faults.convert(UnsafeBufferPointer(values.buffer), to: own, of: labels, slab, image: image)
      } else {
        let values = AlignedBuffer<Double>(count: slab.count)
        try labels.read(slab, ofImage: image, into: values.buffer)
        faults.convert(UnsafeBufferPointer(values.buffer), to: own, of: labels, slab, image: image)
      }
      first += slab.count
    }
    split.pixels?.forEach(outside: part, box, image: image, extents: images.extents(ofImage: image)) {
      classes[$0] = Label.ignored
    }
    try forEachHidden(box, image: image, invalid) { classes[$0] = Label.ignored }
  }

  /// Writes 1 where the target is known and the pixel belongs to the part, else 0.
  ///
  /// - Parameter invalid: 1 where nothing was measured; nil: the images are read for it.
  func readWeights(
    of box: Box, image: Int, _ part: Part, into weights: UnsafeMutableBufferPointer<Float>,
    invalid: AlignedBuffer<UInt8>? = nil
  ) throws {
    if let mask {
      try mask.read(box, ofImage: image, into: weights)
      for i in weights.indices { weights[i] = weights[i] != 0 ? 1 : 0 }
    } else {
      weights.update(repeating: 1)
    }
    split.pixels?.forEach(outside: part, box, image: image, extents: images.extents(ofImage: image)) { weights[$0] = 0 }
    try forEachHidden(box, image: image, invalid) { weights[$0] = 0 }
  }

  /// Calls `body` with the place in a box of every pixel that nothing is learnt of since it was not measured.
  private func forEachHidden(
    _ box: Box, image: Int, _ invalid: AlignedBuffer<UInt8>?, _ body: (Int) -> Void
  ) throws {
    guard hidesInvalid else { return }
    guard let invalid else { return try images.forEachInvalid(box, image: image, body) }
    for place in 0..<box.count where invalid.pointer[place] != 0 { body(place) }
  }
}
