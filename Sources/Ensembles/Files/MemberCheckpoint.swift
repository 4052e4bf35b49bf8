import Engine
import Foundation
import HDF5
import Host
import Training

/// The state of a member's training between two steps in an HDF5 file, from which it goes on with the same bits.
///
/// A file has a checksum, and takes its name when it is complete. The one before is kept beside it: a damaged file is
/// passed over in its favour.
public struct MemberCheckpoint: Sendable {
  /// The folder of the checkpoints.
  public let folder: String
  /// The least time between two checkpoints of a member; zero: one after every epoch.
  public let interval: Duration
  /// Steps between two checkpoints besides; nil: time alone decides.
  public var steps: Int?
  /// The training that checkpoints belong to; how many epochs there are is no part of it where rates do not depend on it.
  public let fingerprint: UInt64
  /// The same with the number of epochs, as earlier programs stored it; nil: it is that.
  public var fullFingerprint: UInt64?
  /// Whether the state after the last epoch is kept beside the member, to go on from when there are to be more.
  public var keepsLast = false
  /// What earlier programs stored for the same job; nil: their checkpoints are none of this job.
  public var earlierFingerprint: UInt64?
  /// The kind of processor that trains, to be stored; nil: not known.
  public var processor: String?
  /// Refuse to go on from a checkpoint of another kind of processor, whose bits may differ.
  public var requiresSameProcessor = false
  /// Of members that are trained anew the number of trainings before.
  public var attempts: [Int: Int] = [:]

  /// What the attribute `format` of a checkpoint says.
  public static let format = "tutti checkpoint"
  /// 1: of earlier programs, between epochs only. 2: between steps.
  private static let version = 2

  /// Checkpoints of one job's members.
  public init(folder: String, interval: Duration, fingerprint: UInt64) {
    self.folder = folder
    self.interval = interval
    self.fingerprint = fingerprint
  }

  /// What tells a training anew from those before it; 0 of the first.
  static func key(ofAttempt attempt: Int) -> UInt64 { UInt64(attempt) &* 0x9e37_79b9_7f4a_7c15 }

  /// The job that a member's checkpoint belongs to.
  private func job(_ member: Int) -> UInt64 { fingerprint ^ key(member) }

  private func key(_ member: Int) -> UInt64 { Self.key(ofAttempt: attempts[member] ?? 0) }

  /// Where a member's checkpoint is.
  public func path(_ member: Int) -> String { folder + "/" + MemberFile.name(member) + ".checkpoint" }

  /// Where the checkpoint before it is.
  public func previous(_ member: Int) -> String { path(member) + ".previous" }

  /// Removes a member's checkpoints, which may not be there.
  public func remove(_ member: Int) {
    for path in [path(member), previous(member), WholeFile.temporary(path(member))] { _ = unlink(path) }
  }

  /// Removes what a member that is trained needs no more.
  public func tidy(_ member: Int) {
    guard keepsLast else { return remove(member) }
    for path in [previous(member), WholeFile.temporary(path(member))] { _ = unlink(path) }
  }

  /// How many epochs are done in the last state of a member's training; nil when there is none of this training that
  /// can be read.
  public func epochs(_ member: Int) -> Int? {
    for path in [path(member), previous(member)] where access(path, F_OK) == 0 {
      let found: Int? = try? ChecksummedFile.read(path) { file in
        try isOwn(file, member) ? Self.progress(of: file, path).history.count : nil
      }
      if let found { return found }
    }
    return nil
  }

  /// What a checkpoint's file says.
  public struct Summary: Hashable, Sendable {
    /// The number of the member.
    public var member: Int
    /// Every epoch that is done.
    public var history: [EpochRecord]
    /// Whether another epoch is begun.
    public var isWithinEpoch: Bool
    /// Steps done.
    public var steps: Int
    /// The kind of processor that trained; nil: the file does not say.
    public var processor: String?
  }

  /// What a file says of the training in it; nil when it is no checkpoint.
  ///
  /// - Throws: `ChecksumError` of a damaged file, `HDF5Error`, `MemberFileError`.
  public static func summary(_ path: String) throws -> Summary? {
    try ChecksummedFile.read(path) { file in
      guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == format else { return nil }
      let progress = try progress(of: file, path)
      return Summary(
        member: try file.attribute("member", as: Int.self), history: progress.history,
        isWithinEpoch: progress.epochsBegun > progress.history.count, steps: progress.steps,
        processor: try MemberFile.platform(of: file))
    }
  }

  /// The state of a member's training as the bytes of a file, made in memory.
  ///
  /// - Parameter whole: the whole of an array, of which this rank may hold a part.
  /// - Throws: what `whole` throws; `HDF5Error`, `EncodingError`.
  func contents(
    _ loop: TrainingLoop, member: Int,
    whole: (TrainingLoop.Buffer) throws -> [Float] = { Array($0.values.buffer) }
  ) throws -> [UInt8] {
    try ChecksummedFile.contents(path(member)) { file in
      try file.setAttribute("format", Self.format)
      try file.setAttribute("version", Self.version)
      try file.setAttribute("numerics", Plan.numericsVersion)
      try file.setAttribute("job", job(member))
      try file.setAttribute("member", member)
      if let processor { try file.setAttribute("processor", processor) }
      try file.write(String(decoding: try loop.progress.encoded(), as: UTF8.self), to: "progress")
      for buffer in loop.buffers { try file.write(try whole(buffer), to: "state/\(buffer.name)") }
    }
  }

  /// Brings a training that has not begun to the state of the member's last checkpoint, or of the one before when the
  /// last is damaged.
  ///
  /// - Parameter warn: is told of a checkpoint that is passed over, and of one from another kind of processor.
  /// - Returns: the whole arrays of which this rank holds a part, by name; nil when there was no checkpoint of this
  ///   job: one of another job or another version's numerics is none.
  /// - Throws: `EnsembleError.otherProcessor` where that is refused.
  @discardableResult
  public func restore(
    _ loop: TrainingLoop, member: Int, warn: (String) -> Void = { _ in }
  ) throws -> [String: [Float]]? {
    for path in [path(member), previous(member)] where access(path, F_OK) == 0 {
      do {
        if let arrays = try ChecksummedFile.read(path, { try restore(loop, member: member, from: $0, path, warn) }) {
          return arrays
        }
      } catch let error as EnsembleError {
        throw error
      } catch {
        warn("a checkpoint of member \(member) is passed over: \(error)")
      }
    }
    return nil
  }

  private func restore(
    _ loop: TrainingLoop, member: Int, from file: File, _ path: String, _ warn: (String) -> Void
  ) throws -> [String: [Float]]? {
    guard try isOwn(file, member) else { return nil }
    let progress = try Self.progress(of: file, path)
    // The state of a longer training is past the end of this one.
    guard progress.epochsBegun <= loop.epochs else { return nil }
    let buffers = loop.buffers
    let arrays = try buffers.map { try file.read("state/\($0.name)", as: Float.self) }
    for (buffer, array) in zip(buffers, arrays) where buffer.count != array.count {
      throw MemberFileError(
        path: path, problem: "/state/\(buffer.name) has \(array.count) values, not \(buffer.count)")
    }
    if let processor, let other = try MemberFile.platform(of: file), other != processor {
      guard !requiresSameProcessor else {
        throw EnsembleError.otherProcessor(path: path, trained: other, here: processor)
      }
      warn(
        "member \(member) was begun on another kind of processor (\(other); here: \(processor)): its bits may differ "
          + "from those of one kind. --same-bits refuses to go on.")
    }
    var divided: [String: [Float]] = [:]
    for (buffer, array) in zip(buffers, arrays) {
      if buffer.isDivided { divided[buffer.name] = array } else { buffer.values.buffer.copy(array) }
    }
    loop.progress = progress
    return divided
  }

  /// Whether a file is a checkpoint of this training of a member.
  private func isOwn(_ file: File, _ member: Int) throws -> Bool {
    guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == Self.format,
      (1...Self.version).contains(try file.attribute("version", as: Int.self)),
      Plan.readableNumerics.contains(try file.attribute("numerics", as: Int.self)),
      try file.attribute("member", as: Int.self) == member
    else { return false }
    let earlier = (attempts[member] ?? 0) == 0 ? earlierFingerprint : nil
    return [job(member), fullFingerprint.map { $0 ^ key(member) }, earlier].contains(
      try file.attribute("job", as: UInt64.self))
  }

  private static func progress(of file: File, _ path: String) throws -> TrainingLoop.Progress {
    do {
      let text = try file.readStrings("progress").first ?? ""
      return try TrainingLoop.Progress(decoding: Array(text.utf8))
    } catch let error as DecodingError {
      throw MemberFileError(path: path, problem: "/progress is not what it should be: \(error)")
    }
  }
}
