import HDF5
import Imaging
import MessagePassing

// Files of objects that are there already.

extension InstanceSearch {
  /// Why the files are not those that the search would write; nil when they are.
  ///
  /// - Parameter job: the fingerprint of the results.
  /// - Throws: `HDF5Error` when the file is one, and cannot be read all the same.
  func obstacle(job: UInt64) throws -> String? {
    for path in [output] + (rule.measures ? [table] : []) where !RunPaths.exists(path) { return "\(path) is not there" }
    guard (try? ChecksummedFile.verify(output)) != nil, let file = try? File(opening: output) else {
      return "\(output) is damaged"
    }
    defer { try? file.close() }
    guard try InstanceFigures.isOfObjects(file) else { return "\(output) is of no objects" }
    let entry = try file.group("entry")
    guard try entry.attribute("job", as: UInt64.self) == job else { return "\(output) is of other results" }
    let text = try InstanceFigures.rule(of: entry)
    guard text == rule.settingValue.canonicalText else {
      let settings = SettingDifferences.list(rule.settingValue.canonicalText, text ?? "{}")
      return settings.map { "instances.\($0)" }.joined(separator: "; ")
    }
    let isVolume = try file.dataset("entry/instances/labels").shape.count == 4
    return rule.autocorrelation == nil || !isVolume || RunPaths.exists(picture) ? nil : "\(picture) is not there"
  }

  /// Whether there is a file of objects that a job asked for.
  static func isOfJob(_ path: String) -> Bool {
    guard InstanceFigures.isOfObjects(path) else { return false }
    return (try? File.with(path) { try $0.group("entry").attribute(askedBy, as: String.self) }) == job
  }

  /// Removes the files that a search writes, last the one that tells of them.
  ///
  /// - Throws: `RunError.file`.
  func remove() throws(RunError) {
    for path in [table, picture, output] { try RunPaths.remove(path) }
  }
}
