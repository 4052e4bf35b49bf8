import Ensembles
import Foundation
import Host
import JobFiles

/// What is known of a member that could not be trained, as a JSON file in the members' folder.
struct MemberFailure: Codable {
  /// Counted from 0.
  var member: Int
  /// The job's seed, which with the member's number all its random numbers are keyed by.
  var seed: Int
  /// What went wrong, as it was told.
  var cause: String
  /// Whether it comes of the settings and the data alone, so that it would come again.
  var isCertain: Bool
  /// What the member was to be trained from.
  var fingerprint: UInt64

  /// Reads a failure; nil when there is none, or none of this job.
  init?(_ path: String, fingerprint: UInt64) {
    guard let data = FileManager.default.contents(atPath: path),
      let failure = try? JSONDecoder().decode(Self.self, from: data), failure.fingerprint == fingerprint
    else { return nil }
    self = failure
  }

  /// A failure as it happened.
  init(member: Int, seed: Int, error: any Error, fingerprint: UInt64) {
    self.member = member
    self.seed = seed
    cause = "\(error)"
    isCertain = MemberTrainer.isNumeric(error)
    self.fingerprint = fingerprint
  }

  /// Writes it as a file.
  ///
  /// - Throws: `FileError`, `EncodingError`.
  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try WholeFile.write(path, contents: Array(try encoder.encode(self)) + [10])
  }
}
