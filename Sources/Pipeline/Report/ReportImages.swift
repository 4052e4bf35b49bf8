import Foundation
import HDF5
import Host
import ImageFiles
import Imaging
import JobFiles
import Reports

/// Chooses slices of the test part that are worth a look, and paints them.
///
/// A long test part is sampled: of at most `mostLooked` slices at even distances the error and the spread are looked at.
struct ReportImages {
  /// A slice of the test part, and what was seen of it.
  private struct Slice {
    let slice: TestSlice
    var region: Region { slice.region }
    var title: String
    /// The share of wrong pixels, or the mean absolute error; NaN where nothing is known.
    var error = Double.nan
    var spread = 0.0
  }

  private static let mostLooked = 48
  /// Slices of the slider.
  private static let mostShown = 8
  /// The longest side of a picture, in pixels.
  private static let side = 224
  /// All pictures together, in bytes of the page.
  private static let mostBytes = 4_200_000

  private let opened: OpenedJob
  private let form: AnswerForm
  private let mean: Dataset
  private let deviation: Dataset
  private let sizes: Dataset?
  private let level: Int
  private let levels: [Double]
  private let classes: [String]
  private var slices: [Slice] = []
  private var bytes = 0

  /// - Parameter entry: of a results file.
  /// - Throws: `HDF5Error`.
  init(_ entry: Group, _ opened: OpenedJob, _ job: Job) throws {
    self.opened = opened
    let layout = opened.data.images.layout
    form = AnswerForm(opened.settings, layout)
    classes = job.data.classes
    let prediction = try entry.group("prediction")
    mean = try prediction.dataset("mean")
    deviation = try prediction.dataset("mean_errors")
    sizes = try prediction.exists("set_size") ? prediction.dataset("set_size") : nil
    let levels = opened.levels.map(\.value)
    self.levels = levels
    // The level nearest to nine in ten.
    level = levels.indices.min { abs(levels[$0] - 0.9) < abs(levels[$1] - 0.9) } ?? 0
    guard !form.pixelAxes.isEmpty else { return }
    slices = Self.sample(TestSlice.all(of: opened.truth, layout), Self.mostLooked).map { slice in
      let (image, z) = (slice.region.image, slice.region.z.lowerBound)
      return Slice(
        slice: slice,
        title: layout.isOneImage ? "slice \(z)" : "image \(image)" + (layout.hasDepth ? ", slice \(z)" : ""))
    }
  }

  /// At most so many elements, at even distances.
  private static func sample<Element>(_ all: [Element], _ most: Int) -> [Element] {
    all.count <= most ? all : (0..<most).map { all[$0 * (all.count - 1) / (most - 1)] }
  }

  /// The frames that are shown: the best, the median, the worst and the most doubtful slice, and of a volume a walk
  /// through its slices. None of answers without pixels.
  ///
  /// - Throws: `HDF5Error`, `ImagingError`.
  mutating func viewers() throws -> [ReportPage.Viewer] {
    for index in slices.indices { try look(&slices[index]) }
    let known = slices.filter { $0.error.isFinite }.sorted { $0.error < $1.error }
    var chosen: [(String, Slice)] = []
    func choose(_ name: String, _ slice: Slice?) {
      guard let slice, !chosen.contains(where: { $0.1.title == slice.title }) else { return }
      chosen.append((name, slice))
    }
    choose("The worst", known.last)
    choose("The median", known.isEmpty ? nil : known[known.count / 2])
    choose("The best", known.first)
    choose("The largest spread", slices.max { $0.spread < $1.spread })
    var viewers: [ReportPage.Viewer] = []
    let frames = try chosen.compactMap { try frame($0.1, title: "\($0.0): \($0.1.title)") }
    if !frames.isEmpty { viewers.append(.init(frames: frames)) }
    guard form.layout.hasDepth, slices.count > 1 else { return viewers }
    let walk = try Self.sample(slices, Self.mostShown).compactMap { try frame($0, title: $0.title) }
    if !walk.isEmpty { viewers.append(.init(slider: "Through the test part", frames: walk)) }
    return viewers
  }

  // MARK: Reading

  /// What a results file and the data have of a slice.
  private struct Content {
    var extents: Extents
    /// `[channel, y, x]`
    var mean: [Float]
    var deviation: [Float]
    var truth = TileTruth()
    /// The likeliest class of each pixel; empty of values.
    var classes: [UInt8] = []
    /// Whether the answer is wrong, or its absolute error in the first channel; nil where nothing is known.
    var errors: [Float?]
  }

  private func read(_ slice: Slice) throws -> Content {
    let place = slice.slice.slab(form)
    var content = Content(
      extents: slice.region.extents, mean: try mean.read(as: Float.self, place),
      deviation: try deviation.read(as: Float.self, place), errors: [])
    try content.truth.read(Box(slice.region.extents), of: slice.region, opened.truth, for: .test)
    let pixels = slice.region.extents.count
    guard form.task.hasClasses else {
      content.errors = (0..<pixels).map { pixel in
        content.truth.isKnown(pixel) ? abs(content.mean[pixel] - content.truth.values[pixel]) : nil
      }
      return content
    }
    content.mean.withUnsafeBufferPointer { mostLikely($0, classes: form.channels, into: &content.classes) }
    content.errors = (0..<pixels).map { pixel in
      let label = content.truth.labels[pixel]
      return label == Label.ignored ? nil : label == content.classes[pixel] ? 0 : 1
    }
    return content
  }

  private func look(_ slice: inout Slice) throws {
    let content = try read(slice)
    let known = content.errors.compactMap(\.self)
    slice.error = known.isEmpty ? .nan : known.reduce(0) { $0 + Double($1) } / Double(known.count)
    slice.spread = content.deviation.reduce(0) { $0 + Double($1) } / Double(max(1, content.deviation.count))
  }

  // MARK: Painting

  /// The layers of a slice; nil when the page is full.
  private mutating func frame(_ slice: Slice, title: String) throws -> ReportPage.Frame? {
    guard bytes < Self.mostBytes else { return nil }
    let content = try read(slice)
    let painter = SlicePainter(content.extents, side: Self.side)
    var layers: [ReportPage.Layer] = []
    func add(_ name: String, _ legend: String, _ colours: [SIMD3<UInt8>]) throws {
      let png = try painter.png(colours)
      layers.append(.init(name: name, legend: legend, description: "\(title), \(name.lowercased())", png: png))
    }
    let image = try intensities(slice)
    let grey = image.map { ColourMap.grey.colour($0) }
    try add("Image", "darkest to brightest hundredth", grey)
    if form.task.hasClasses {
      try addClasses(content, slice, grey, add)
    } else {
      let known = content.truth.values.prefix(content.extents.count).filter(\.isFinite)
      let (low, high) = (known.min() ?? 0, known.max() ?? 1)
      func value(_ value: Float) -> SIMD3<UInt8> { ColourMap.grey.colour((value - low) / max(high - low, .ulpOfOne)) }
      let range = "\(TextTable.number(Double(low))) to \(TextTable.number(Double(high)))"
      try add("Truth", range, content.truth.values.prefix(content.extents.count).map(value))
      try add("Mean", "of the members, \(range)", content.mean.prefix(content.extents.count).map(value))
      try addField("Spread", "standard deviation of the members", content.deviation, add)
      try addField("Error", "absolute, of the mean", content.errors.map { $0 ?? .nan }, add)
    }
    bytes += layers.reduce(0) { $0 + $1.bytes }
    let error =
      slice.error.isFinite
      ? form.task.hasClasses
        ? "\((1000 * slice.error).rounded() / 10) % of its pixels are wrong; "
        : "mean absolute error \(TextTable.number(slice.error)); " : ""
    return .init(title: title, note: error + "mean spread \(TextTable.number(slice.spread)).", layers: layers)
  }

  private typealias Add = (_ name: String, _ legend: String, _ colours: [SIMD3<UInt8>]) throws -> Void

  /// The layers of a segmentation.
  private func addClasses(_ content: Content, _ slice: Slice, _ grey: [SIMD3<UInt8>], _ add: Add) throws {
    let pixels = content.extents.count
    func kind(_ label: UInt8) -> SIMD3<UInt8> {
      label == Label.ignored ? [128, 128, 128] : ColourMap.kinds[Int(label) % ColourMap.kinds.count]
    }
    let names = classes.indices.prefix(ColourMap.kinds.count).map { "\(Self.colourNames[$0]) \(classes[$0])" }
    let legend = names.joined(separator: ", ")
    try add("Labels", "\(legend); grey unknown", content.truth.labels.map(kind))
    if classes.count == 2 {
      try add(
        "Probability", "of \(classes[1]), mean of the members: dark 0, yellow 1",
        content.mean[pixels..<2 * pixels].map { ColourMap.viridis.colour($0) })
    } else {
      try add("Likeliest class", legend, content.classes.map(kind))
    }
    // The class that the members agree on least.
    let spread = (0..<pixels).map { pixel in
      stride(from: pixel, to: content.deviation.count, by: pixels).reduce(0) { max($0, content.deviation[$1]) }
    }
    try addField("Spread", "standard deviation of the members, largest of the classes", spread, add)
    if let sizes {
      let place = slice.slice.slab(form, hasChannels: false)
      let found = try sizes.read(
        as: UInt8.self, Hyperslab(start: [level] + place.start, count: [1] + place.count))
      let most = Float(max(2, classes.count))
      try add(
        "Set size", "at coverage \(levels[level]): dark one class, orange none, blue to yellow several",
        found.map { size in
          size == 1
            ? [38, 38, 43] : size == 0 ? [230, 159, 0] : ColourMap.viridis.colour(0.3 + 0.7 * Float(size) / most)
        })
    }
    try add(
      "Errors", "orange where the likeliest class is wrong",
      zip(content.errors, grey).map { error, grey in
        error == 1 ? [230, 120, 0] : error == nil ? [128, 128, 128] : grey
      })
  }

  private static let colourNames = ["dark", "blue", "orange", "green", "pink", "yellow", "red", "navy"]

  /// A layer of numbers from 0 to the largest of the slice.
  private func addField(_ name: String, _ what: String, _ values: [Float], _ add: Add) throws {
    let most = values.filter(\.isFinite).max() ?? 0
    try add(
      name, "\(what): dark 0, yellow \(TextTable.number(Double(most)))",
      values.map { ColourMap.viridis.colour($0 / max(most, .leastNormalMagnitude)) })
  }

  /// The intensities of a slice's first channel, from 0 at the darkest hundredth to 1 at the brightest.
  private func intensities(_ slice: Slice) throws -> [Float] {
    let images = opened.data.images
    let count = slice.region.extents.count
    let values = AlignedBuffer<Float>(count: images.channels * count)
    try images.read(slice.region.box, ofImage: slice.region.image, into: values.buffer)
    let first = Array(values.buffer.prefix(count))
    let sorted = first.filter(\.isFinite).sorted()
    guard let last = sorted.last else { return first }
    let (low, high) = (sorted[sorted.count / 100], sorted[sorted.count - 1 - sorted.count / 100])
    let span = high > low ? high - low : max(abs(last), .leastNormalMagnitude)
    return first.map { ($0 - low) / span }
  }
}

/// Makes small pictures of a slice.
private struct SlicePainter {
  private let width: Int
  private let height: Int
  /// Every so many pixels one is shown.
  private let step: Int

  init(_ extents: Extents, side: Int) {
    (width, height) = (extents.x, extents.y)
    step = max(1, (max(extents.x, extents.y) + side - 1) / side)
  }

  /// - Parameter colours: of every pixel, `[y, x]`.
  func png(_ colours: [SIMD3<UInt8>]) throws -> Data {
    let (columns, rows) = (Array(stride(from: 0, to: width, by: step)), Array(stride(from: 0, to: height, by: step)))
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * columns.count * rows.count)
    for y in rows {
      for x in columns {
        let colour = colours[y * width + x]
        pixels += [colour.x, colour.y, colour.z]
      }
    }
    let path = NSTemporaryDirectory() + "tutti-\(UUID().uuidString).png"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try PNGFile.write(pixels, width: columns.count, height: rows.count, channels: 3, to: path)
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }
}
