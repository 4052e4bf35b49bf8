import Foundation
import HDF5
import JobFiles
import Reports

/// Chooses slices of the test part that are worth a look.
///
/// A long test part is sampled: at most `mostLooked` slices at even distances are read.
struct ReportImages {
  private static let mostLooked = 48
  /// Slices of the slider.
  private static let mostShown = 8
  /// The longest side of a picture, in pixels.
  private static let side = 224
  /// Pictures in a map of latent values.
  private static let mostThumbnails = 200
  /// All pictures together, in bytes of the page.
  private static let mostBytes = 3_600_000

  private let reader: SliceReader
  private var hasClasses: Bool { reader.form.task.hasClasses }
  private var bytes = 0

  /// - Parameters:
  ///   - entry: of a results file.
  ///   - path: of that file.
  /// - Throws: `HDF5Error`.
  init(_ entry: Group, of path: String, _ opened: OpenedJob, _ job: Job) throws {
    reader = try SliceReader(entry, of: path, opened, job)
  }

  /// What is not shown because the results do not hold it; nil when nothing is.
  var missing: String? { get throws { try reader.missing } }

  /// At most so many elements, at even distances.
  private static func sample<Element>(_ all: [Element], _ most: Int) -> [Element] {
    all.count <= most ? all : (0..<most).map { all[$0 * (all.count - 1) / (most - 1)] }
  }

  /// The frames that are shown: the best, the median, the worst and the most doubtful slice, and of a volume a walk
  /// through its slices. None of answers without pixels. Every slice is read once.
  ///
  /// - Throws: `HDF5Error`, `ImagingError`.
  mutating func viewers() throws -> [ReportPage.Viewer] {
    let slices = try Self.sample(reader.slices, Self.mostLooked).map { try reader.picture($0, side: Self.side) }
    let known = slices.filter { $0.error.isFinite }.sorted { $0.error < $1.error }
    var chosen: [(names: [String], picture: SlicePicture)] = []
    func choose(_ name: String, _ picture: SlicePicture?) {
      guard let picture else { return }
      guard let place = chosen.firstIndex(where: { $0.picture.title == picture.title }) else {
        chosen.append(([name], picture))
        return
      }
      chosen[place].names.append(name)
    }
    choose("worst", known.last)
    choose("median", known.isEmpty ? nil : known[known.count / 2])
    choose("best", known.first)
    if reader.hasSpread { choose("largest spread", slices.max { $0.spread < $1.spread }) }
    var viewers: [ReportPage.Viewer] = []
    let frames = try chosen.compactMap { names, picture in
      try frame(picture, title: "The \(names.joined(separator: ", the ")): \(picture.title)")
    }
    if !frames.isEmpty { viewers.append(.init(frames: frames)) }
    guard reader.form.layout.hasDepth, slices.count > 1 else { return viewers }
    let walk = try Self.sample(slices, Self.mostShown).compactMap { try frame($0, title: $0.title) }
    if !walk.isEmpty { viewers.append(.init(slider: "Through the test part", frames: walk)) }
    return viewers
  }

  /// Small pictures of images by their place in the predictions, of which at most `mostThumbnails` are made.
  ///
  /// - Throws: `HDF5Error`, `ImagingError`.
  func thumbnails() throws -> [Int: [UInt8]] {
    guard !reader.form.layout.hasDepth else { return [:] }
    return try Self.sample(Array(reader.slices.enumerated()), Self.mostThumbnails).reduce(into: [:]) { all, entry in
      let picture = try reader.picture(entry.element, side: 32, [.image])
      all[entry.offset] = try picture.layers.first?.png(width: picture.width, height: picture.height)
    }
  }

  /// The layers of a slice; nil when the page is full.
  private mutating func frame(_ picture: SlicePicture, title: String) throws -> ReportPage.Frame? {
    guard bytes < Self.mostBytes else { return nil }
    let layers = try picture.layers.map { layer in
      ReportPage.Layer(
        name: layer.title, legend: layer.legend, description: "\(title), \(layer.title.lowercased()): \(layer.legend)",
        png: Data(try layer.png(width: picture.width, height: picture.height)))
    }
    bytes += layers.reduce(0) { $0 + $1.bytes }
    return .init(title: title, note: picture.note(hasClasses: hasClasses), layers: layers)
  }
}
