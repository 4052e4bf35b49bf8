import Foundation
import Settings

/// A job file that was read and checked.
public struct JobFile: Sendable {
  /// As the user named it.
  public let path: String
  /// What the file holds, for the results to carry.
  public let text: String
  /// What the file says.
  public let job: Job

  /// Reads and checks a job file, and whether the files it names exist and the results can be written.
  ///
  /// What the data files hold is checked by who reads them.
  ///
  /// - Throws: `JobError` with all that is wrong.
  public init(path: String) throws(JobError) {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: path, isDirectory: &isFolder) else {
      let meant = Self.neighbour(of: path).map { "; did you mean ‘\($0)’?" } ?? "; give the path of a job file"
      throw .unreadable(file: path, reason: "no such file" + meant)
    }
    guard !isFolder.boolValue else {
      throw .unreadable(file: path, reason: "is a folder; give the path of a job file in it")
    }
    guard let data = manager.contents(atPath: path) else {
      throw .unreadable(file: path, reason: "cannot be read; check its permissions")
    }
    guard !data.starts(with: [0x89, 0x48, 0x44, 0x46]) else {
      throw .unreadable(
        file: path,
        reason: "is an HDF5 file, and a job file (YAML) is wanted; ‘tutti show \(path)’ tells the job file of results, "
          + "‘tutti new \(path)’ writes one for data")
    }
    guard data.count <= 1 << 20 else {
      throw .unreadable(file: path, reason: "is larger than 1 MB, which no job file is; give the path of a job file")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw .unreadable(file: path, reason: Self.encodingProblem(data))
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().standardizedFileURL.path
    try self.init(text: text, path: path, folder: folder)
  }

  /// What is wrong with bytes that are not UTF-8.
  private static func encodingProblem(_ data: Data) -> String {
    if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
      return "is UTF-16 text; save it as UTF-8"
    }
    guard !data.contains(0) else { return "is not UTF-8 text; give the path of a job file" }
    let lines = data.split(separator: 10, omittingEmptySubsequences: false)
    let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
    return "is not UTF-8 text in line \(line + 1); save it as UTF-8"
  }

  /// Reads and checks the text of a job file.
  ///
  /// - Parameters:
  ///   - path: what messages call the file.
  ///   - folder: where relative paths start; with nil no file is looked for.
  /// - Throws: `JobError` with all that is wrong.
  public init(text: String, path: String, folder: String?) throws(JobError) {
    // Editors of Windows begin files with a byte order mark.
    let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    let document: YAMLDocument
    do {
      document = try YAMLDocument(text)
    } catch {
      throw .problems(file: path, [.init(line: error.line, path: "", message: error.message)])
    }
    try Self.checkVersion(of: document, file: path)
    var reader = SettingReader()
    for duplicate in document.duplicates { reader.report(duplicate.line, "", duplicate.message) }
    var values = reader.read(document.root, as: Job.declarations())
    values = Self.withLayout(values, &reader)
    Self.checkTask(values, &reader)
    values = Self.withTaskDefaults(values)
    Self.checkTogether(values, &reader)
    if let folder { Self.checkFiles(values, in: folder, &reader) }
    guard reader.problems.isEmpty else {
      let sorted = reader.problems.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
      throw .problems(file: path, sorted.map(\.element))
    }
    do {
      var job = try Job(settingValue: values)
      job.folder = folder
      self.job = job
      self.path = path
      self.text = text
    } catch {
      throw .unreadable(
        file: path, reason: "is right, but the program does not understand itself; please report this: \(error)")
    }
  }

  /// A file of another version has other keys: nothing else is worth saying about it.
  private static func checkVersion(of document: YAMLDocument, file: String) throws(JobError) {
    guard case .mapping(let entries) = document.root.content,
      let entry = entries.first(where: { $0.key == "tutti" }),
      case .scalar(let text, quoted: false) = entry.value.content, let version = Int(text),
      version != Job.formVersion
    else { return }
    let message =
      "the file is written in version \(version) of the form; this program reads version \(Job.formVersion)"
      + (version > Job.formVersion
        ? "; use a newer program" : "; write ‘tutti: \(Job.formVersion)’")
    throw .problems(file: file, [.init(line: entry.line, path: "tutti", message: message)])
  }

  /// The name in the same folder that is most like a missing file's.
  static func neighbour(of path: String) -> String? {
    let url = URL(fileURLWithPath: path)
    let names = try? FileManager.default.contentsOfDirectory(atPath: url.deletingLastPathComponent().path)
    return Spelling.nearest(to: url.lastPathComponent, among: (names ?? []).sorted())
  }
}
