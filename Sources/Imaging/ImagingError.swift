import Host
import ImageFiles

#if canImport(Glibc)
  import Glibc
#endif

/// A fault of the images, targets or split of a job. (A missing or unreadable file
/// is an `ImageFileError` or an `HDF5Error`.)
public enum ImagingError: Error, Equatable, Sendable {
  /// The array has not as many axes as its layout says.
  case wrongAxes(ArrayLocation, shape: [Int], layout: ImageLayout)
  /// The array has an axis of extent 0.
  case empty(ArrayLocation, shape: [Int])
  /// Several arrays are named where there is one image.
  case severalVolumes(ArrayLocation, count: Int)
  /// An array has another number of channels than the first.
  case differentChannels(ArrayLocation, shape: [Int], channels: Int, first: ArrayLocation, expected: Int)
  /// Images have no such channel.
  case noChannel(ArrayLocation, String, count: Int, names: [String]?)
  /// Images have no axis of channels, of which some are wanted.
  case noChannelAxis(ArrayLocation, shape: [Int], wanted: [String])
  /// Two of the channels that are wanted are one.
  case channelTwice(ArrayLocation, String, String)
  /// Labels, target images or a mask have another shape than the images.
  case targetShape(
    ArrayLocation, shape: [Int], images: ArrayLocation, imageShape: [Int], hasChannels: Bool, mayHaveChannels: Bool)
  /// There is not one label for each image.
  case imageLabels(ArrayLocation, shape: [Int], images: Int, layout: ImageLayout)
  /// Labels are no classes; `count` of them, the first, `value`, at `first`.
  case labelOutsideClasses(ArrayLocation, value: Int, count: Int, first: [Int], classes: Int, ignore: Int?)
  /// Labels stand for no class; `count` of them, the first, `value`, at `first`.
  case labelNotMapped(ArrayLocation, value: Int, count: Int, first: [Int], mapped: [Int])
  /// Images hold values that are not finite; `count` of them, the first at `first`.
  case notFinite(ArrayLocation, count: Int, first: [Int])
  /// No pixel of the training part was measured.
  case nothingMeasured(ArrayLocation)
  /// A file held other values when it was read again.
  case changed(ArrayLocation)
  /// The training voxels of a channel all have one value.
  case constant(ArrayLocation, channel: Int, value: Double)
  /// The split has not one number for every image or slice.
  case splitLength(ArrayLocation, shape: [Int], expected: Int, layout: ImageLayout)
  /// Numbers of a split are named by words.
  case splitNames(ArrayLocation, String)
  /// A group of images or slices is in two parts of the split; the first image or slice of each.
  case tornGroup(
    ArrayLocation, group: Int, first: Int, Part, second: Int, Part, source: String, layout: ImageLayout)
  /// Groups of images cannot be kept whole when pixels are divided.
  case groupsOfPixels(ArrayLocation)
  /// A part of the split has no image or slice.
  case emptyPart(Part, source: String, layout: ImageLayout)
  /// The fractions of a split are no fractions.
  case fractions(SplitFractions)
  /// A patch does not fit into a region.
  case patchTooLarge(ArrayLocation, patch: Extents, region: Region, part: Part, layout: ImageLayout)
  /// Nothing is known in a part: no voxel has a label, or all are masked.
  case nothingKnown(ArrayLocation, Part, isDivided: Bool)
  /// All labels that are not ignored are of one class.
  case oneClass(ArrayLocation, Int, ignore: Int)
  /// Labels are no whole numbers; `count` of them, the first, `value`, at `first`.
  case labelNotWhole(ArrayLocation, value: Double, count: Int, first: [Int])
  /// There are more classes than labels in memory can tell apart.
  case tooManyClasses(Int, most: Int)
  /// There is not one letter for each axis of the array.
  case axesCount(ArrayLocation, axes: String, shape: [Int])
  /// The array has axes that its layout does not.
  case axesDoNotFit(ArrayLocation, axes: String, shape: [Int], layout: ImageLayout)
  /// What is read at once does not fit in memory.
  case noMemory(ArrayLocation, bytes: Int, available: Int)
  /// The last axis looks like that of channels, which is another one.
  case channelsLast(ArrayLocation, shape: [Int], layout: ImageLayout)
  /// The images have another number of channels than the job says.
  case wrongChannels(ArrayLocation, shape: [Int], layout: ImageLayout, channels: Int)
  /// Targets are so large, so small or so far from 0 that float32 cannot hold them or the squares of their errors.
  case targetRange(ArrayLocation, channel: Int, mean: Double, deviation: Double)
}

extension ImagingError {
  /// Whether images have not the channels that are wanted.
  public var isOfChannels: Bool {
    switch self {
    case .noChannel, .noChannelAxis, .channelTwice: true
    default: false
    }
  }
}

extension ImagingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .wrongAxes(let place, let shape, let layout):
      let axes = "\(layout.axes(hasChannels: false)) or \(layout.axes(hasChannels: true))"
      let other =
        switch (layout, shape.count) {
        case (.stack, 5), (.volume, 4...): "a stack of 3-D images (layout: volumes)"
        case (.stack, _), (.volumes, 3): "one 3-D image (volume: true)"
        default: "a stack of 2-D images (volume: false)"
        }
      let advice =
        shape.count == 2
        ? """
        One 2-D image is a stack of one: give it, its labels and targets a first axis of 1 (images[None] in NumPy), and \
        divide its pixels (split: {by: pixel}).
        """
        : shape.count < 2 || shape.count > 5
          ? "Choose or write a dataset of these axes." : "If this is \(other), say so."
      return "\(place) has shape \(shape); \(layout.words) has axes \(axes). \(advice)"
    case .empty(let place, let shape):
      return "\(place) has shape \(shape), which holds nothing."
    case .severalVolumes(let place, let count):
      return """
        \(place) are \(count) arrays, but a volume is one image. If each is a volume, or a stack of some, write layout: \
        volumes; slices in a folder of files are named by a pattern.
        """
    case .differentChannels(let place, let shape, let channels, let first, let expected):
      return """
        \(place) has shape \(shape), and \(channels) channel\(channels == 1 ? "" : "s"), but \(first) has \(expected); \
        images may differ in their extents alone.
        """
    case .noChannel(let place, let name, let count, let names):
      let there = names.map { "named \($0.joined(separator: ", "))" } ?? "which the file does not name"
      return "\(place) has no channel ‘\(name)’; there are \(count), numbered from 0 on, \(there)."
    case .noChannelAxis(let place, let shape, let wanted):
      return """
        \(place) has shape \(shape), without an axis of channels of which \(wanted.joined(separator: ", ")) could be \
        taken; name images with channels, or say its axes with data.axes.
        """
    case .channelTwice(let place, let first, let second):
      return first == second
        ? "\(place): the channel ‘\(first)’ is named twice; name each channel once."
        : "\(place): ‘\(first)’ and ‘\(second)’ are one channel; name it once."
    case .targetShape(let target, let shape, let images, let imageShape, let hasChannels, let mayHaveChannels):
      return Self.targetShape(target, shape, images, imageShape, hasChannels, mayHaveChannels)
    case .imageLabels(let place, let shape, let images, let layout):
      guard !layout.isOneImage else {
        return "\(place) holds classes of images, but a volume is one image; classify a stack (volume: false)."
      }
      return "\(place) has shape \(shape) but there are \(images) images; it needs one label for each."
    case .labelOutsideClasses(let place, let value, let count, let first, let classes, let ignore):
      let known = ignore.map { " nor the ignored label \($0)" } ?? ""
      let all = count == 1 ? "this is the only one" : "\(count) labels are like this"
      // Masks are often images of black and white.
      let advice =
        value == 255 && classes == 2
        ? "If this is a mask of 0 and 255, set data.labels-map: {0: 0, 255: 1}."
        : "List all classes in data.classes, or set data.ignore."
      return """
        \(place) holds \(value) at \(first), which is none of the classes 0 to \(classes - 1)\(known); \(all). \(advice)
        """
    case .labelNotMapped(let place, let value, let count, let first, let mapped):
      let all = count == 1 ? "this is the only one" : "\(count) labels are like this"
      return """
        \(place) holds \(value) at \(first), which data.labels-map does not name (it names \
        \(mapped.map(String.init).joined(separator: ", "))); \(all). Name it there, or set data.ignore.
        """
    case .notFinite(let place, let count, let first):
      let all = count == 1 ? "the only such value" : "the first of \(count) such values"
      return
        "\(place) is not a finite number at \(first), \(all). Replace them, or leave these images out of the split."
    case .changed(let location):
      return "\(location) changed while it was read; start again when it is complete."
    case .nothingMeasured(let location):
      return
        "\(location): no pixel of the training part was measured, as data.valid and data.invalid say; was 1 meant where it says 0?"
    case .constant(let place, let channel, let value):
      return
        "\(place) has the value \(value) in every training voxel of channel \(channel); there is nothing to learn from."
    case .splitLength(let place, let shape, let expected, let layout):
      return "\(place) has shape \(shape) but there are \(expected) \(layout.things); it needs one number for each."
    case .splitNames(let place, let name):
      return "\(place) holds numbers, and data.split names a part ‘\(name)’; write the number that stands for it."
    case .tornGroup(let place, let group, let first, let part, let second, let other, let source, let layout):
      let thing = layout.isOneImage ? "slice" : "image"
      return """
        \(source) tears group \(group) of \(place): \(thing) \(first) is of the \(part.words), \(thing) \(second) of the \
        \(other.words). Give all \(layout.things) of a group one number, or divide by fractions, which keep groups whole.
        """
    case .groupsOfPixels(let place):
      return """
        \(place) names groups, but a split by pixel has every image in every part; divide images (split: {by: image}), or \
        remove data.groups.
        """
    case .emptyPart(let part, let source, let layout):
      return "\(source) leaves no \(layout.things) for the part ‘\(part.rawValue)’; every part needs one at least."
    case .fractions(let fractions):
      return """
        the split's fractions are \(fractions); train and calibrate must be above 0, the others not below, \
        and their sum at most 1.
        """
    case .patchTooLarge(let place, let patch, let region, let part, let layout):
      let slices = "the slices \(region.z.lowerBound) to \(region.z.upperBound - 1) of the \(part.words)"
      let (thing, verb) = layout.isOneImage ? (slices, "are") : ("image \(region.image) of the \(part.words)", "is")
      return
        "a patch of \(layout.text(patch)) does not fit into \(thing) of \(place), which \(verb) "
        + "\(layout.text(region.extents)); lower data.patch."
    case .nothingKnown(let place, let part, let isDivided):
      let advice =
        isDivided
        ? "raise data.split.\(part.rawValue), or lower data.split.block"
        : part == .train ? "label some" : "label some, or leave this part out"
      return "\(place) has nothing known in the \(part.words), all is ignored or masked; \(advice)."
    case .oneClass(let place, let only, let ignore):
      let advice =
        only == 0 && ignore == 255
        ? "If this is a mask of 0 and 255, set data.labels-map: {0: 0, 255: 1} and remove data.ignore."
        : "There is nothing to tell apart; label other classes too."
      return "\(place) holds only class \(only) besides the ignored label \(ignore). \(advice)"
    case .labelNotWhole(let place, let value, let count, let first):
      let all = count == 1 ? "this is the only one" : "\(count) labels are like this"
      return """
        \(place) holds \(value) at \(first), but labels are whole numbers; \(all). \
        If labels were resampled, do it again with the nearest neighbour; write NaN as the label that data.ignore names.
        """
    case .tooManyClasses(let classes, let most):
      return "there are \(classes) classes, but \(most) at most can be told apart; merge some."
    case .axesCount(let place, let axes, let shape):
      return "\(place) has shape \(shape), but data.axes names \(axes.count) axes, ‘\(axes)’; give one letter for each."
    case .axesDoNotFit(let place, let axes, let shape, let layout):
      return Self.axesDoNotFit(place, Array(axes), shape, layout)
    case .noMemory(let place, let bytes, let available):
      return """
        \(place) takes \(bytes >> 20) MB of memory at once, but \(available >> 20) MB are free; use a larger machine, or \
        store fewer pixels in an image or slice.
        """
    case .channelsLast(let place, let shape, let layout):
      let isFour = shape.count == layout.axisCount + 1
      let (first, pixels) = (shape[shape.count - 3], "\(shape[shape.count - 2]) × \(shape[shape.count - 1]) pixels")
      let what = isFour ? "channels" : layout.things
      let move = isFour && layout == .stack ? "(images, -1, 1)" : "(images, -1, 0)\(layout == .stack ? "[None]" : "")"
      return """
        \(place) has shape \(shape), which is read as \(layout.axes(hasChannels: isFour)): \(first) \(what) of \(pixels). \
        If the last axis holds channels, move it (numpy.moveaxis\(move)); if the images are as they are read, set \
        data.channels: \(isFour ? first : 1).
        """
    case .wrongChannels(let place, let shape, let layout, let channels):
      let isFour = shape.count == layout.axisCount + 1
      let found = isFour ? shape[layout.channelAxis] : 1
      return """
        \(place) has shape \(shape), read as \(layout.axes(hasChannels: isFour)): its number of channels is \(found), \
        not \(channels) as data.channels says.
        """
    case .targetRange(let place, let channel, let mean, let deviation):
      let (what, advice) =
        abs(mean) * 0x1p-20 >= deviation
        ? ("values that differ so little", "subtract the mean first")
        : ("the squares of such numbers", "multiply them by \(Self.power(1 / deviation)) first")
      return """
        \(place) has mean \(Float(mean)) and standard deviation \(Float(deviation)) in channel \(channel) of the training part; \
        predictions are float32, which cannot hold \(what): \(advice).
        """
    }
  }

  /// The nearest power of ten, in digits.
  private static func power(_ value: Double) -> String { "1e\(Int(log10(value).rounded()))" }

  private static func targetShape(
    _ target: ArrayLocation, _ shape: [Int], _ images: ArrayLocation, _ imageShape: [Int], _ hasChannels: Bool,
    _ mayHaveChannels: Bool
  ) -> String {
    let isNear = target.file == images.file && images.others.isEmpty
    let other = isNear ? images.dataset ?? images.description : images.description
    let rule = hasChannels || mayHaveChannels ? "without the channel axis they must be equal" : "they must be equal"
    var advice = ""
    let bare = hasChannels ? Self.withoutChannels(imageShape) : [imageShape]
    if hasChannels, Array(imageShape.dropLast()) == shape {
      advice = " Channels come before y: move the last axis of the images (numpy.moveaxis)."
    } else if !mayHaveChannels, shape.count == 4,
      let axis = [1, 0].first(where: { axis in
        bare.contains(Self.removing(axis, from: shape))
      })
    {
      advice =
        shape[axis] == 1
        ? " Labels and masks have no channel axis: remove axis \(axis)."
        : " Labels are numbers of classes, one a pixel: write the largest of the \(shape[axis]) channels (argmax over axis "
          + "\(axis))."
    }
    let have = images.others.isEmpty ? "has" : "have"
    return "\(target) has shape \(shape) but \(other) \(have) \(imageShape); \(rule).\(advice)"
  }

  private static func axesDoNotFit(
    _ place: ArrayLocation, _ axes: [Character], _ shape: [Int], _ layout: ImageLayout
  ) -> String {
    let named = zip(axes, shape).map { "\($0) \($1)" }.joined(separator: ", ")
    guard axes.contains("y"), axes.contains("x") else {
      return "\(place) has the axes [\(named)], but images have y and x; name the axes with data.axes."
    }
    let wanted =
      switch layout {
      case .stack: "one axis of images (i, t or z), y and x"
      case .volume: "z, y and x"
      case .volumes: "one axis of images (i or t), z, y and x"
      }
    let outer = axes.indices.first { !"zyxc".contains(axes[$0]) && shape[$0] > 1 } ?? 0
    let slices = axes.indices.map { $0 == outer ? "0" : ":" }[...outer].joined(separator: ", ")
    return """
      \(place) has the axes [\(named)]; \(layout.words) has \(wanted), and may have channels (c). Take one element of \
      an axis that is too many, as in \(place.name)[\(slices)], or name the axes with data.axes.
      """
  }

  private static func removing(_ axis: Int, from shape: [Int]) -> [Int] {
    var shape = shape
    shape.remove(at: axis)
    return shape
  }

  /// The shapes that images of four axes may have without that of channels.
  private static func withoutChannels(_ shape: [Int]) -> [[Int]] { [1, 0].map { removing($0, from: shape) } }
}
