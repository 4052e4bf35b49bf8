import Foundation
import Settings

/// The settings in which two jobs differ.
enum SettingDifferences {
  /// One text for each setting that differs, such as `training.seed is 2 and was 1`.
  ///
  /// - Parameters:
  ///   - text: a job's canonical JSON text.
  ///   - other: that of the job that it is compared with.
  ///   - was: what is said of the other job's values.
  static func list(_ text: String, _ other: String, was: String = "was") -> [String] {
    let (now, before) = (settings(text), settings(other))
    return Set(now.keys).union(before.keys).sorted().compactMap { path in
      switch (now[path], before[path]) {
      case (let new?, let old?): new == old ? nil : "\(path) is \(new) and \(was) \(old)"
      case (let new?, nil): "\(path) is \(new) and \(was) not set"
      case (nil, let old?): "\(path) is not set and \(was) \(old)"
      case (nil, nil): nil
      }
    }
  }

  /// The values of a JSON text by their dotted paths.
  private static func settings(_ text: String) -> [String: String] {
    var result: [String: String] = [:]
    func add(_ value: SettingValue, at path: String) {
      if case .section(let settings) = value {
        for (key, value) in settings { add(value, at: path.isEmpty ? key : "\(path).\(key)") }
      } else {
        result[path] = value.description
      }
    }
    if let value = try? JSONDecoder().decode(SettingValue.self, from: Data(text.utf8)) { add(value, at: "") }
    return result
  }
}
