import Ensembles
import HDF5
import Host
import ImageFiles
import Imaging
import JobFiles
import Reports

/// Reads slices of the test part, or of new images, from results and data, each once, and paints their layers.
struct SliceReader {
  /// Nil: the image is not shown.
  private let images: ImageSource?
  /// Nil: nothing is known of what is true.
  private let truth: LearningData?
  let form: AnswerForm
  private let prediction: Group
  /// Whether the results have a spread: those of a single member have none.
  let hasSpread: Bool
  /// The map of what is kept, and the numbers of objects; each nil when there is none.
  private let kept: Dataset?
  private let objects: Dataset?
  /// Mean and spread, each nil when it is not written.
  private let mean: NumberDataset?
  private let deviation: NumberDataset?
  private let level: Int
  private let levels: [Double]
  private let classes: [String]
  /// All slices that the results are of; none when answers have no pixels.
  let slices: [TestBox]

  /// - Parameters:
  ///   - entry: of a job's results file.
  ///   - path: of that file.
  /// - Throws: `HDF5Error`.
  init(_ entry: Group, of path: String, _ opened: OpenedJob, _ job: Job) throws {
    let layout = opened.data.images.layout
    try self.init(
      entry, of: path, form: AnswerForm(opened.settings, layout), classes: job.data.classes, images: opened.data.images,
      truth: opened.truth, regions: opened.truth.split.test)
  }

  /// A reader of the prediction of images that no job names.
  ///
  /// - Parameters:
  ///   - entry: of the results file of `NewPrediction`.
  ///   - path: of that file.
  ///   - showsImages: whether the images are opened.
  /// - Throws: `HDF5Error`; `ImagingError`, `ImageFileError` when the images are not where they were.
  init(ofNewImages entry: Group, of path: String, showsImages: Bool) throws {
    let prediction = try entry.group("prediction")
    var shape = try prediction.dataset(ResultsFile.signal(of: prediction)).shape
    let axes = try prediction.attributes("axes", as: String.self)
    if let place = axes.firstIndex(where: { $0 == "class" || $0 == "channel" }) { shape.remove(at: place) }
    let form = try AnswerForm(of: prediction, pixels: shape)
    let provenance = try entry.group("provenance")
    let channels = try provenance.exists("channels") ? provenance.readStrings("channels") : []
    let images: ImageSource? =
      showsImages
      ? try ImageSource(
        ArrayLocation(provenance.readStrings("images").joined()), layout: form.layout,
        channels: channels.isEmpty ? nil : channels.map { ImageChannel($0) }) : nil
    let pixels = try OwnPixels(prediction)
    let regions = try Self.regions(
      prediction.read("indices", as: Int.self), form, Extents(Array(shape.dropFirst())) ?? Extents(y: 1, x: 1), pixels)
    try self.init(
      entry, of: path, form: form,
      classes: form.task.hasClasses ? try prediction.readStrings("class_names") : [], images: images, truth: nil,
      regions: regions)
  }

  /// What results without a job are of: images, or runs of slices.
  ///
  /// - Parameters:
  ///   - numbers: of the images, or of the slices of one volume.
  ///   - whole: of the datasets.
  private static func regions(
    _ numbers: [Int], _ form: AnswerForm, _ whole: Extents, _ pixels: OwnPixels
  ) -> [Region] {
    guard form.layout.isOneImage else {
      return numbers.enumerated().map { place, number in
        let own = pixels.extents(of: place).flatMap { Extents($0) } ?? whole
        return Region(image: number, z: 0..<own.z, height: own.y, width: own.x)
      }
    }
    return numbers.reduce(into: [Region]()) { regions, slice in
      let first = regions.last.flatMap { $0.z.upperBound == slice ? $0.z.lowerBound : nil }
      if first != nil { regions.removeLast() }
      regions.append(Region(image: 0, z: (first ?? slice)..<slice + 1, height: whole.y, width: whole.x))
    }
  }

  private init(
    _ entry: Group, of path: String, form: AnswerForm, classes: [String], images: ImageSource?, truth: LearningData?,
    regions: [Region]
  ) throws {
    (self.form, self.classes, self.images, self.truth) = (form, classes, images, truth)
    let prediction = try entry.group("prediction")
    func numbers(_ quantity: ResultsQuantity) throws -> NumberDataset? {
      try prediction.exists(quantity.dataset) ? NumberDataset(try prediction.dataset(quantity.dataset)) : nil
    }
    hasSpread = try ResultsFile.hasSpread(prediction)
    (self.prediction, mean, deviation) = (prediction, try numbers(.mean), hasSpread ? try numbers(.spread) : nil)
    kept = try entry.exists("statistics/kept") ? entry.dataset("statistics/kept") : nil
    objects = try InstanceFigures.labels(
      RunPaths(results: path).instances, job: try entry.attribute("job", as: UInt64.self))
    let isCalibrated = try entry.exists("calibration/coverage")
    levels = isCalibrated ? try entry.read("calibration/coverage", as: Double.self) : []
    // The level nearest to nine in ten.
    level = levels.indices.min { [levels] in abs(levels[$0] - 0.9) < abs(levels[$1] - 0.9) } ?? 0
    slices = form.pixelAxes.isEmpty ? [] : TestBox.slices(of: regions, form.layout)
  }

  /// What a slice is called.
  func title(_ slice: TestBox) -> String {
    let (image, z) = (slice.region.image, slice.inImage.z.lowerBound)
    return form.layout.isOneImage ? "slice \(z)" : "image \(image)" + (form.layout.hasDepth ? ", slice \(z)" : "")
  }

  // MARK: Reading

  /// What a results file and the data have of a slice.
  private struct Content {
    /// The intensities of the first channel, `[y, x]`; empty when they are not shown.
    var image: [Float]
    /// `[channel, y, x]`
    var mean: [Float]
    var deviation: [Float]
    var truth = TileTruth()
    /// The likeliest class of each pixel; empty of values.
    var classes: [UInt8] = []
    /// Whether the answer is wrong, or its absolute error in the first channel; nil where nothing is known.
    var errors: [Float?]
  }

  private func read(_ slice: TestBox) throws -> Content {
    let place = slice.slab(form)
    let pixels = slice.box.extents.count
    var image: [Float] = []
    if let images {
      let input = AlignedBuffer<Float>(count: images.channels * pixels)
      try images.read(slice.inImage, ofImage: slice.region.image, into: input.buffer)
      image = Array(input.buffer.prefix(pixels))
    }
    var content = Content(
      image: image, mean: try mean?.read(place) ?? [],
      deviation: try deviation?.read(place) ?? [], errors: [])
    if let truth { try content.truth.read(slice.box, of: slice.region, truth, for: .test) }
    guard form.task.hasClasses else {
      guard truth != nil else { return content }
      content.errors = (0..<pixels).map { pixel in
        content.truth.isKnown(pixel) ? abs(content.mean[pixel] - content.truth.values[pixel]) : nil
      }
      return content
    }
    if let mean, mean.form.isExact {
      content.mean.withUnsafeBufferPointer { mostLikely($0, classes: form.channels, into: &content.classes) }
    } else {
      content.classes = try labels(of: content, at: slice)
    }
    guard truth != nil else { return content }
    content.errors = (0..<pixels).map { pixel in
      let label = content.truth.labels[pixel]
      return label == Label.ignored ? nil : label == content.classes[pixel] ? 0 : 1
    }
    return content
  }

  /// The likeliest classes of results without exact probabilities.
  private func labels(of content: Content, at slice: TestBox) throws -> [UInt8] {
    guard try !prediction.exists("labels") else {
      return try prediction.dataset("labels").read(as: UInt8.self, slice.slab(form, hasChannels: false))
    }
    var found: [UInt8] = []
    content.mean.withUnsafeBufferPointer { mostLikely($0, classes: form.channels, into: &found) }
    return found
  }

  /// What is not painted because the results do not hold it, in words; nil when nothing is.
  var missing: String? {
    get throws {
      let quantities: [ResultsQuantity] =
        form.task.hasClasses ? [.mean, .spread, .setSize] : [.spread, .lower, .upper]
      let missing = try quantities.filter { try !prediction.exists($0.dataset) }.map(\.rawValue)
      guard !missing.isEmpty, !slices.isEmpty else { return nil }
      return "The results hold no \(missing.joined(separator: ", no ")): the job’s results.write leaves it out, so it "
        + "is not shown."
    }
  }

  /// Reads a slice and paints layers of it.
  ///
  /// - Parameters:
  ///   - side: the most pixels of a picture along an axis.
  ///   - kinds: those that the results have are painted.
  /// - Throws: `HDF5Error`, `ImagingError`.
  func picture(_ slice: TestBox, side: Int, _ kinds: [PictureLayer] = PictureLayer.allCases) throws -> SlicePicture {
    let content = try read(slice)
    let sample = PixelSample(slice.box.extents, side: side)
    var picture = SlicePicture(slice: slice, title: title(slice), width: sample.width, height: sample.height)
    let known = content.errors.compactMap(\.self)
    picture.error = known.isEmpty ? .nan : known.reduce(0) { $0 + Double($1) } / Double(known.count)
    picture.spread = content.deviation.reduce(0) { $0 + Double($1) } / Double(content.deviation.count)
    for kind in kinds {
      guard let (legend, pixels) = try layer(kind, slice, content, sample) else { continue }
      picture.layers.append(
        .init(kind: kind, title: kind.title(hasClasses: form.task.hasClasses), legend: legend, pixels: pixels))
    }
    return picture
  }

  // MARK: Painting

  /// What colours mean, and the pixels.
  private typealias Painted = (legend: String, pixels: [UInt8])

  private func layer(
    _ kind: PictureLayer, _ slice: TestBox, _ content: Content, _ sample: PixelSample
  ) throws -> Painted? {
    let hasClasses = form.task.hasClasses
    switch kind {
    case .image: return content.image.isEmpty ? nil : ("black to white", sample.colours(grey(content, sample)))
    case .truth:
      guard truth != nil else { return nil }
      return hasClasses
        ? (classLegend + "; grey unknown", sample.colours { Self.kind(content.truth.labels[$0]) })
        : values(content.truth.values, content, sample, "", unknown: "; grey unknown")
    case .mean:
      return hasClasses ? prediction(content, sample) : values(content.mean, content, sample, "of the members, ")
    case .spread:
      // Of classes that which the members agree on least.
      guard hasSpread else { return nil }
      let (pixels, all) = (slice.box.extents.count, content.deviation)
      guard !all.isEmpty else { return nil }
      return numbers("standard deviation of the members" + (hasClasses ? ", largest of the classes" : ""), sample) {
        pixel in
        hasClasses ? stride(from: pixel, to: all.count, by: pixels).reduce(0) { max($0, all[$1]) } : all[pixel]
      }
    case .size: return try size(slice, sample)
    case .kept: return try kept(slice, content, sample)
    case .objects:
      guard let objects else { return nil }
      let numbers = try objects.read(as: Int32.self, slice.slab(form, hasChannels: false))
      return (
        "each in one of some colours, dark where there is none",
        sample.colours { numbers[$0] == 0 ? ColourMap.kinds[0] : Self.colour(ofObject: Int(numbers[$0])) }
      )
    case .errors:
      guard truth != nil else { return nil }
      guard hasClasses else { return numbers("absolute, of the mean", sample) { content.errors[$0] ?? .nan } }
      let grey = grey(content, sample)
      return (
        "orange where the likeliest class is wrong",
        sample.colours { pixel in
          content.errors[pixel] == 1 ? [230, 120, 0] : content.errors[pixel] == nil ? [128, 128, 128] : grey(pixel)
        }
      )
    }
  }

  private func prediction(_ content: Content, _ sample: PixelSample) -> Painted {
    guard classes.count == 2, !content.mean.isEmpty else {
      return (classLegend, sample.colours { Self.kind(content.classes[$0]) })
    }
    let pixels = content.mean.count / 2
    return (
      "probability of \(classes[1]): dark 0, yellow 1",
      sample.colours { ColourMap.viridis.colour(content.mean[pixels + $0]) }
    )
  }

  /// The colour of an object, so that those of numbers that follow each other mostly differ.
  private static func colour(ofObject number: Int) -> SIMD3<UInt8> {
    let others = ColourMap.kinds.count - 1
    return ColourMap.kinds[1 + number * 5 % others]
  }

  /// The likeliest class where mean less spread keeps it, or of values the first channel's mask; nil without that map.
  private func kept(_ slice: TestBox, _ content: Content, _ sample: PixelSample) throws -> Painted? {
    guard let kept else { return nil }
    let found = try kept.read(as: UInt8.self, slice.slab(form))
    guard form.task.hasClasses else {
      return ("by mean less spread: white kept", sample.colours { found[$0] == 1 ? [255, 255, 255] : [38, 38, 43] })
    }
    let pixels = slice.box.extents.count
    return (
      "by mean less spread: \(classLegend), grey not kept",
      sample.colours { pixel in
        let label = content.classes[pixel]
        let place = Int(label) * pixels + pixel
        return found.indices.contains(place) && found[place] == 1 ? Self.kind(label) : [128, 128, 128]
      }
    )
  }

  /// Classes in a set, or the width of the interval of the first channel; nil when the results have neither.
  private func size(_ slice: TestBox, _ sample: PixelSample) throws -> Painted? {
    guard levels.indices.contains(level) else { return nil }
    if try prediction.exists("set_size") {
      let found = try prediction.dataset("set_size").read(
        as: UInt8.self, slice.slab(form, hasChannels: false).at(level))
      let most = Float(max(2, classes.count))
      return (
        "at coverage \(levels[level]): dark one class, orange none, blue to yellow several",
        sample.colours { pixel in
          let size = found[pixel]
          return size == 1
            ? [38, 38, 43] : size == 0 ? [230, 159, 0] : ColourMap.viridis.colour(0.3 + 0.7 * Float(size) / most)
        }
      )
    }
    guard try prediction.exists("upper"), try prediction.exists("lower") else { return nil }
    let lower = try prediction.dataset("lower").read(as: Float.self, slice.slab(form).at(level))
    let upper = try prediction.dataset("upper").read(as: Float.self, slice.slab(form).at(level))
    return numbers("of the interval at coverage \(levels[level])", sample) { upper[$0] - lower[$0] }
  }

  private static let colourNames = ["dark", "blue", "orange", "green", "pink", "yellow", "red", "navy"]

  private static func kind(_ label: UInt8) -> SIMD3<UInt8> {
    label == Label.ignored ? [128, 128, 128] : ColourMap.kinds[Int(label) % ColourMap.kinds.count]
  }

  private var classLegend: String {
    classes.indices.prefix(ColourMap.kinds.count).map { "\(Self.colourNames[$0]) \(classes[$0])" }
      .joined(separator: ", ")
  }

  /// Numbers from 0 to the largest of the slice, by viridis.
  private func numbers(_ what: String, _ sample: PixelSample, _ value: (Int) -> Float) -> Painted {
    let most = sample.places.lazy.map(value).filter(\.isFinite).max() ?? 0
    return (
      "\(what): dark 0, yellow \(TextTable.number(Double(most)))",
      sample.colours { ColourMap.viridis.colour(value($0) / max(most, .leastNormalMagnitude)) }
    )
  }

  /// Values of the first channel, of which the range of what is known of the truth is black to white.
  ///
  /// - Parameter unknown: what is said where pixels without a truth are shown in one grey; nil: they are shown as others.
  private func values(
    _ values: [Float], _ content: Content, _ sample: PixelSample, _ what: String, unknown: String? = nil
  ) -> Painted {
    let known = truth == nil ? [] : sample.places.filter(content.truth.isKnown)
    let range = DisplayRange(
      of: known.isEmpty ? sample.places.map { Double(values[$0]) } : known.map { Double(content.truth.values[$0]) })
    let hides = truth != nil && unknown != nil && known.count < sample.places.count
    return (
      "\(what)\(TextTable.number(range.low)) to \(TextTable.number(range.high))" + (hides ? unknown ?? "" : ""),
      sample.colours { pixel in
        hides && !content.truth.isKnown(pixel)
          ? [128, 128, 128] : ColourMap.grey.colour(Float(range.share(Double(values[pixel]))))
      }
    )
  }

  /// The intensities of a slice's first channel in grey.
  private func grey(_ content: Content, _ sample: PixelSample) -> (Int) -> SIMD3<UInt8> {
    let range = DisplayRange(of: sample.places.map { Double(content.image[$0]) })
    return { ColourMap.grey.colour(Float(range.share(Double(content.image[$0])))) }
  }
}
