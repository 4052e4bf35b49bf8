import Foundation
import HDF5
import Host
import ImageFiles
import JobFiles
import Reports

/// The layers of one slice of the test part, or of new images, side by side, as a file.
public struct PicturePanel: Sendable {
  /// The image's number, as in the data; nil: the test part's middle one, or the only one.
  public var image: Int?
  /// The slice's number in a volume; nil: the middle one of the test part.
  public var slice: Int?
  /// What is shown, in this order; those that the results do not have are left out.
  public var layers: [PictureLayer]
  /// A file.svg or .pdf with words, or a .png of the pixels alone; nil: an SVG file beside the results.
  public var output: String?

  /// A panel.
  public init(
    image: Int? = nil, slice: Int? = nil, layers: [PictureLayer] = PictureLayer.allCases, output: String? = nil
  ) {
    (self.image, self.slice, self.layers, self.output) = (image, slice, layers, output)
  }

  /// The longest side of a layer, in pixels of the image.
  private static let side = 2048

  /// The slice that is asked for.
  private func choose(_ reader: SliceReader) throws -> TestBox {
    let all = reader.slices
    guard let first = all.first, let last = all.last else {
      throw RunError.noSuchSlice("pictures", there: "one answer an image")
    }
    var left = all
    if let image { left = left.filter { $0.region.image == image } }
    if let slice { left = left.filter { $0.inImage.z.lowerBound == slice } }
    guard !left.isEmpty else {
      let what = [image.map { "image \($0)" }, slice.map { "slice \($0)" }].compactMap(\.self).joined(separator: ", ")
      throw RunError.noSuchSlice(what, there: "\(all.count) from \(reader.title(first)) to \(reader.title(last))")
    }
    return left[left.count / 2]
  }

  /// Writes the panel over what stands there.
  private func write(_ reader: SliceReader, name: String, to path: String) throws {
    let picture = try reader.picture(try choose(reader), side: Self.side, layers)
    guard !picture.layers.isEmpty else {
      throw RunError.noSuchSlice(layers.map(\.rawValue).joined(separator: ", "), there: "other layers")
    }
    guard URL(fileURLWithPath: path).pathExtension.lowercased() != "png" else {
      try RunPaths.makeFolder(RunPaths.folder(of: path))
      try WholeFile.write(path) { try writePixels(picture, to: $0) }
      return
    }
    let note = picture.note(hasClasses: reader.form.task.hasClasses)
    try PictureFile.write(try panel(picture, title: "\(name), \(picture.title): \(note)"), to: path)
  }

  /// The pixels of all layers beside each other, with a white gap.
  private func writePixels(_ picture: SlicePicture, to path: String) throws {
    let gap = max(1, picture.width / 40)
    let count = picture.layers.count
    let width = count * picture.width + (count - 1) * gap
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * width * picture.height)
    for y in 0..<picture.height {
      for (index, layer) in picture.layers.enumerated() {
        if index > 0 { pixels += [UInt8](repeating: 255, count: 3 * gap) }
        pixels += layer.pixels[3 * y * picture.width..<3 * (y + 1) * picture.width]
      }
    }
    try PNGFile.write(pixels, width: width, height: picture.height, channels: 3, to: path)
  }

  private func panel(_ picture: SlicePicture, title: String) throws -> SVGPicture {
    try SVGPicture.panel(
      title: title,
      layers: picture.layers.map {
        (name: $0.title, legend: $0.legend, png: try $0.png(width: picture.width, height: picture.height))
      }, aspect: Double(picture.height) / Double(max(1, picture.width)))
  }
}

extension PicturePanel {
  /// Whether a file holds the prediction of images that no job names.
  ///
  /// - Throws: `HDF5Error`.
  public static func isOfNewImages(_ path: String) throws -> Bool {
    guard path.hasSuffix(".h5"), RunPaths.exists(path) else { return false }
    return try File.with(path) { file in
      _ = try ResultsFile.job(of: file)
      return try file.exists("entry/provenance/images")
    }
  }

  /// Writes a panel of a slice of new images; it has no truth and no errors. One rank works.
  ///
  /// - Parameter results: what `NewPrediction` wrote.
  /// - Returns: where it is.
  /// - Throws: `RunError.noSuchSlice`, `.pictureFormat`; `ImagingError`, `ImageFileError` when the images are not where they
  ///   were.
  public func write(ofNewImages results: String) throws -> String {
    let path = output ?? RunPaths(results: results).figure("picture")
    try PictureFile.checkFormat(path)
    try ChecksummedFile.verify(results)
    let file = try File(opening: results)
    let images = try file.group("entry/provenance").readStrings("images").joined()
    try RunFiles(
      inputs: [("the results", results)] + ArrayFile.files(of: ArrayLocation(images)).map { ("the images", $0) },
      outputs: [("-o", path)]
    ).check()
    let reader = try SliceReader(ofNewImages: file.group("entry"), of: results, showsImages: layers.contains(.image))
    try write(reader, name: URL(fileURLWithPath: results).lastPathComponent, to: path)
    try file.close()
    return path
  }

  /// Writes a panel of a job's results.
  fileprivate func write(_ file: File, _ opened: OpenedJob, _ job: Job, to path: String) throws {
    try write(SliceReader(try file.group("entry"), of: file.name, opened, job), name: job.name, to: path)
  }
}

extension Run {
  /// Writes a panel of a slice of the test part. Collective; rank 0 works.
  ///
  /// - Returns: where it is.
  /// - Throws: `RunError.noResults`, `.noSuchSlice`, `.pictureFormat`, `RemoteFailure`.
  public func write(_ panel: PicturePanel) throws -> String {
    let path = panel.output ?? paths.figure("picture")
    let opened = try opened()
    try world.onRoot {
      try PictureFile.checkFormat(path)
      guard RunPaths.exists(paths.results) else { throw RunError.noResults(paths.results) }
      var files = self.files
      (files.inputs, files.outputs) = (files.inputs + [("the results", paths.results)], [("-o", path)])
      try files.check()
      try ChecksummedFile.verify(paths.results)
      let file = try File(opening: paths.results)
      _ = try ResultsFile.job(of: file)
      try panel.write(file, opened, job, to: path)
      try file.close()
    }
    return path
  }

  /// The job file of what a user names: of a results file that by which it was made, else the file itself.
  ///
  /// - Throws: `RunError.noJobFile`, `HDF5Error`.
  public static func jobFile(of path: String) throws -> String {
    guard path.hasSuffix(".h5"), RunPaths.exists(path) else { return path }
    let file = try File(opening: path)
    defer { try? file.close() }
    _ = try ResultsFile.job(of: file)
    guard try file.exists("entry/provenance/job_path"),
      let job = try file.group("entry/provenance").readStrings("job_path").first
    else { throw RunError.noJobFile(path, reason: "does not say where its job file is") }
    guard RunPaths.exists(job) else {
      throw RunError.noJobFile(path, reason: "was made by the job file \(job), which is not there")
    }
    return job
  }
}
