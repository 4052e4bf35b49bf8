import Host

/// A fault of the images, targets or split of a job. (A missing or unreadable file or dataset is an `HDF5Error`.)
public enum ImagingError: Error, Equatable, Sendable {
  /// The file's ending stands for a format that is not read.
  case unknownFormat(file: String, format: String)
  /// The file has several datasets, or none, and none is named.
  case datasetNotNamed(file: String, datasets: [String])
  /// The array has not as many axes as its layout says.
  case wrongAxes(ArrayLocation, shape: [Int], layout: ImageLayout)
  /// The array has an axis of extent 0.
  case empty(ArrayLocation, shape: [Int])
  /// Labels, target images or a mask have another shape than the images.
  case targetShape(
    ArrayLocation, shape: [Int], images: ArrayLocation, imageShape: [Int], hasChannels: Bool, mayHaveChannels: Bool)
  /// There is not one label for each image.
  case imageLabels(ArrayLocation, shape: [Int], images: Int, layout: ImageLayout)
  /// Labels are no classes; `count` of them, the first, `value`, at `first`.
  case labelOutsideClasses(ArrayLocation, value: Int, count: Int, first: [Int], classes: Int, ignore: Int?)
  /// Images hold values that are not finite; `count` of them, the first at `first`.
  case notFinite(ArrayLocation, count: Int, first: [Int])
  /// The training voxels of a channel all have one value.
  case constant(ArrayLocation, channel: Int, value: Double)
  /// The split has not one number for every image or slice.
  case splitLength(ArrayLocation, shape: [Int], expected: Int, layout: ImageLayout)
  /// A part of the split has no image or slice.
  case emptyPart(Part, source: String, layout: ImageLayout)
  /// The fractions of a split are no fractions.
  case fractions(SplitFractions)
  /// A patch does not fit into a region.
  case patchTooLarge(ArrayLocation, patch: Extents, region: Region, layout: ImageLayout)
  /// No voxel of the training part has a label.
  case noLabels(ArrayLocation)
}

extension ImagingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownFormat(let file, let format):
      return "\(file) is a \(format) file, which is not read yet; put its images into an HDF5 file (file.h5:/images)."
    case .datasetNotNamed(let file, let datasets):
      if datasets.isEmpty { return "\(file) holds no dataset at its top; name one, as in \(file):/group/images." }
      return
        "\(file) holds several datasets (\(datasets.joined(separator: ", "))); name one, as in \(file):/\(datasets[0])."
    case .wrongAxes(let place, let shape, let layout):
      let axes = "\(layout.axes(hasChannels: false)) or \(layout.axes(hasChannels: true))"
      let other = layout == .stack ? "one 3-D image (volume: true)" : "a stack of 2-D images (volume: false)"
      return "\(place) has shape \(shape); \(layout.words) has axes \(axes). If this is \(other), say so."
    case .empty(let place, let shape):
      return "\(place) has shape \(shape), which holds nothing."
    case .targetShape(let target, let shape, let images, let imageShape, let hasChannels, let mayHaveChannels):
      let other = target.file == images.file ? images.dataset ?? images.description : images.description
      let rule =
        hasChannels || mayHaveChannels ? "without the channel axis they must be equal" : "they must be equal"
      return "\(target) has shape \(shape) but \(other) has \(imageShape); \(rule)."
    case .imageLabels(let place, let shape, let images, let layout):
      guard layout == .stack else {
        return "\(place) holds classes of images, but a volume is one image; classify a stack (volume: false)."
      }
      return "\(place) has shape \(shape) but there are \(images) images; it needs one label for each."
    case .labelOutsideClasses(let place, let value, let count, let first, let classes, let ignore):
      let known = ignore.map { " nor the ignored label \($0)" } ?? ""
      let all = count == 1 ? "this is the only one" : "\(count) labels are like this"
      return """
        \(place) holds \(value) at \(first), which is none of the classes 0 to \(classes - 1)\(known); \(all). \
        List all classes in data.classes, or set data.ignore.
        """
    case .notFinite(let place, let count, let first):
      let all = count == 1 ? "the only such value" : "the first of \(count) such values"
      return
        "\(place) is not a finite number at \(first), \(all). Replace them, or leave these images out of the split."
    case .constant(let place, let channel, let value):
      return
        "\(place) has the value \(value) in every training voxel of channel \(channel); there is nothing to learn from."
    case .splitLength(let place, let shape, let expected, let layout):
      return "\(place) has shape \(shape) but there are \(expected) \(layout.things); it needs one number for each."
    case .emptyPart(let part, let source, let layout):
      return "\(source) leaves no \(layout.things) for the part ‘\(part.rawValue)’; every part needs one at least."
    case .fractions(let fractions):
      return """
        the split's fractions are \(fractions); train and calibrate must be above 0, the others not below, \
        and their sum at most 1.
        """
    case .patchTooLarge(let place, let patch, let region, let layout):
      let slices = "the training slices \(region.z.lowerBound) to \(region.z.upperBound - 1)"
      let (thing, verb) = layout == .stack ? ("image \(region.image)", "is") : (slices, "are")
      return
        "a patch of \(layout.text(patch)) does not fit into \(thing) of \(place), which \(verb) "
        + "\(layout.text(region.extents)); lower data.patch."
    case .noLabels(let place):
      return "\(place) has no labelled voxel in the training part; all are ignored."
    }
  }
}
