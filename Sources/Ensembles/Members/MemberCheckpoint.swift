import Engine
import Foundation
import HDF5
import Host
import Training

/// The state of a member's training between two epochs in an HDF5 file, from which it goes on with the same bits.
///
/// A file has a checksum and replaces the one before when it is complete.
public struct MemberCheckpoint: Sendable {
  /// The folder of the checkpoints.
  public let folder: String
  /// The least time between two checkpoints of a member.
  public let interval: Duration
  /// The job that checkpoints belong to.
  public let fingerprint: UInt64
  /// What earlier programs stored for the same job; nil: their checkpoints are none of this job.
  public var earlierFingerprint: UInt64?

  private static let format = "tutti checkpoint"
  private static let version = 1

  public init(folder: String, interval: Duration, fingerprint: UInt64) {
    self.folder = folder
    self.interval = interval
    self.fingerprint = fingerprint
  }

  /// Where a member's checkpoint is.
  public func path(_ member: Int) -> String { folder + "/" + MemberFile.name(member) + ".checkpoint" }

  /// Removes a member's checkpoint, which may not be there.
  public func remove(_ member: Int) { _ = unlink(path(member)) }

  /// Writes the state of a member's training.
  ///
  /// - Parameter whole: the whole of an array, of which this rank may hold a part.
  /// - Throws: what `whole` throws; `HDF5Error`, or `FileError` when the file cannot be written.
  public func write(
    _ loop: TrainingLoop, member: Int,
    whole: (TrainingLoop.Buffer) throws -> [Float] = { Array($0.values.buffer) }
  ) throws {
    try ChecksummedFile.write(path(member)) { file in
      try file.setAttribute("format", Self.format)
      try file.setAttribute("version", Self.version)
      try file.setAttribute("numerics", Plan.numericsVersion)
      try file.setAttribute("job", fingerprint)
      try file.setAttribute("member", member)
      try file.write(String(decoding: try JSONEncoder().encode(loop.progress), as: UTF8.self), to: "progress")
      for buffer in loop.buffers { try file.write(try whole(buffer), to: "state/\(buffer.name)") }
    }
  }

  /// Brings a training that has not begun to the state of the member's checkpoint.
  ///
  /// - Returns: the whole arrays of which this rank holds a part, by name; nil when there was no checkpoint of this
  ///   job: one of another job or another version's numerics is none.
  /// - Throws: `HDF5Error` and `MemberFileError` when the file is there but cannot be read.
  @discardableResult
  public func restore(_ loop: TrainingLoop, member: Int) throws -> [String: [Float]]? {
    let path = path(member)
    guard access(path, F_OK) == 0 else { return nil }
    return try ChecksummedFile.read(path) { try restore(loop, member: member, from: $0, path) }
  }

  private func restore(
    _ loop: TrainingLoop, member: Int, from file: File, _ path: String
  ) throws -> [String: [Float]]? {
    guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == Self.format,
      try file.attribute("version", as: Int.self) == Self.version,
      try file.attribute("numerics", as: Int.self) == Plan.numericsVersion,
      [fingerprint, earlierFingerprint].contains(try file.attribute("job", as: UInt64.self)),
      try file.attribute("member", as: Int.self) == member
    else { return nil }
    func fail(_ problem: String) -> MemberFileError {
      MemberFileError(path: path, problem: "\(problem); remove the file to train the member from its beginning.")
    }
    let progress: TrainingLoop.Progress
    do {
      let text = try file.readStrings("progress").first ?? ""
      progress = try JSONDecoder().decode(TrainingLoop.Progress.self, from: Data(text.utf8))
    } catch let error as DecodingError {
      throw fail("/progress is not what it should be: \(error)")
    }
    let buffers = loop.buffers
    let arrays = try buffers.map { try file.read("state/\($0.name)", as: Float.self) }
    for (buffer, array) in zip(buffers, arrays) where buffer.count != array.count {
      throw fail("/state/\(buffer.name) has \(array.count) values, not \(buffer.count)")
    }
    var divided: [String: [Float]] = [:]
    for (buffer, array) in zip(buffers, arrays) {
      if buffer.isDivided { divided[buffer.name] = array } else { buffer.values.buffer.copy(array) }
    }
    loop.progress = progress
    return divided
  }
}
