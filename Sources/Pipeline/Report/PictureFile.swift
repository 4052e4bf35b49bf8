import Foundation
import Host
import Reports

/// Pictures as files. SVG is written as it is; PNG and PDF are made of it by `rsvg-convert` of librsvg, where it is installed.
enum PictureFile {
  /// Endings of the files that can be written.
  private static let formats = ["svg", "png", "pdf"]

  /// Throws for a file whose ending is no format of pictures.
  ///
  /// - Throws: `RunError.pictureFormat`.
  static func checkFormat(_ path: String) throws(RunError) {
    guard formats.contains(ending(path)) else { throw .pictureFormat(path) }
  }

  /// Writes a picture over what stands there; its folder is made.
  ///
  /// - Throws: `RunError`, `FileError`.
  static func write(_ picture: SVGPicture, to path: String) throws {
    try checkFormat(path)
    try RunPaths.makeFolder(RunPaths.folder(of: path))
    guard ending(path) != "svg" else {
      try WholeFile.write(path, contents: Array(picture.text.utf8))
      return
    }
    guard let converter = converter else { throw RunError.noConverter(path) }
    let source = NSTemporaryDirectory() + "tutti-\(UUID().uuidString).svg"
    defer { try? FileManager.default.removeItem(atPath: source) }
    do {
      try Data(picture.text.utf8).write(to: URL(fileURLWithPath: source))
    } catch {
      throw RunError.file(source, action: "written", reason: error.localizedDescription)
    }
    try WholeFile.write(path) { temporary in
      let scale = ending(path) == "png" ? ["--zoom", "2"] : []
      try convert(converter, ["--format", ending(path)] + scale + ["--output", temporary, source], path)
    }
  }

  private static func convert(_ program: String, _ arguments: [String], _ path: String) throws {
    let process = Process()
    let errors = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardError = errors
    let text: String
    do {
      try process.run()
      text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
    } catch {
      throw RunError.file(path, action: "written by \(program)", reason: error.localizedDescription)
    }
    guard process.terminationStatus == 0 else {
      throw RunError.file(
        path, action: "written by \(program)", reason: text.split(separator: "\n").joined(separator: " "))
    }
  }

  /// The program that makes other formats; nil where there is none.
  private static var converter: String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/rsvg-convert" }.first { access($0, X_OK) == 0 }
  }

  private static func ending(_ path: String) -> String { URL(fileURLWithPath: path).pathExtension.lowercased() }
}
