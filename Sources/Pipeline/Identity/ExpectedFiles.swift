import Ensembles
import HDF5
import Imaging
import JobFiles

/// What the files of a job's stages must have been made from, and what is wrong with those that were not.
struct ExpectedFiles {
  let job: Job
  let data: LearningData
  let origin: MemberOrigin
  /// What earlier programs stored for the job and its data; nil when no file of theirs is there.
  let earlier: UInt64?

  // MARK: Members

  /// Why a member's file is not one of this job's; nil when it is.
  ///
  /// - Throws: `HDF5Error`, `MemberFileError` when it cannot be read.
  func obstacle(member path: String) throws -> String? {
    let (fingerprint, found) = try MemberFile.origin(path)
    guard let found else {
      return fingerprint == earlier ? nil : "it was trained by another job, or on other data, by an earlier tutti"
    }
    if found == origin { return nil }
    let settings = SettingDifferences.list(origin.settings, found.settings)
    guard settings.isEmpty else { return "it was trained by another job: \(settings.joined(separator: "; "))" }
    let parts = [(Part.train, origin.training, found.training), (.validate, origin.validation, found.validation)]
    let changed = parts.filter { $0.1 != $0.2 }.map { "\($0.1.differences(from: $0.2, data)) in the \($0.0.words)" }
    return "it was trained on other data: changed is \(changed.joined(separator: ", and "))"
  }

  /// Reads a member of this job.
  ///
  /// - Throws: `RunError.otherMember` when it is another job's; `HDF5Error`, `MemberFileError` when it cannot be read.
  func member(_ index: Int, _ path: String) throws -> TrainedMember {
    if let reason = try obstacle(member: path) { throw RunError.otherMember(path, reason: reason) }
    return try MemberFile.read(path, job: try MemberFile.origin(path).fingerprint, member: index)
  }

  // MARK: Calibration

  /// Why a calibration is not one of these members on this calibration set; nil when it is.
  ///
  /// - Parameter work: the tiles of the calibration set.
  /// - Throws: `HDF5Error` when it cannot be read.
  func obstacle(
    calibration path: String, members: [TrainedMember], content: PartContent, _ work: TileWork
  ) throws -> String? {
    try ChecksummedFile.read(path) { file in
      try obstacle(calibration: file, members: members, content: content) ?? obstacle(calibration: file, work)
    }
  }

  /// Settings that decide what results hold besides, and no calibration. Tiles, which they may decide, are compared
  /// by themselves.
  private static let settingsOfResults = ["results.", "prediction.latent ", "prediction.statistics."]

  /// Why a calibration is not one by these tiles; nil when it is.
  private func obstacle(calibration file: File, _ work: TileWork) throws -> String? {
    guard try file.hasAttribute("tiling") else {
      return work.isWhole ? nil : "was made by other tiles, of an earlier tutti"
    }
    let tiling = try file.attribute("tiling", as: String.self)
    return tiling == work.identity ? nil : "was made by other tiles: they are \(work.identity) and were \(tiling)"
  }

  private func obstacle(calibration file: File, members: [TrainedMember], content: PartContent) throws -> String? {
    guard try CalibrationFile.isOne(file) else { return "is no calibration of this tutti" }
    guard try file.hasAttribute("members") else {
      let isSame =
        try file.attribute("job", as: UInt64.self) == earlier
        && file.attribute("key", as: String.self) == CalibrationFile.key(job)
      return isSame ? nil : "was made by another job, or from other data, by an earlier tutti"
    }
    let settings = SettingDifferences.list(job.canonicalText, try file.attribute("settings", as: String.self))
      .filter { difference in !Self.settingsOfResults.contains { difference.hasPrefix($0) } }
    if !settings.isEmpty { return "was made by another job: \(settings.joined(separator: "; "))" }
    if let reason = Self.obstacle(members, try file.attributes("members", as: UInt64.self)) { return reason }
    let numbers = try file.attributes("data", as: UInt64.self)
    let found = PartContent(images: numbers.first ?? 0, targets: numbers.last ?? 0)
    return found == content
      ? nil : "was made from other data: changed is \(content.differences(from: found, data)) in the calibration part"
  }

  /// Why members are not those that a file names; nil when they are.
  ///
  /// - Parameter hashes: the members' `answerHash`, as the file has them.
  static func obstacle(_ members: [TrainedMember], _ hashes: [UInt64]) -> String? {
    guard members.count == hashes.count else {
      return "was made by \(hashes.count) members, and there are \(members.count)"
    }
    let others = zip(members, hashes).filter { $0.answerHash != $1 }.map { "\($0.0.index)" }
    guard !others.isEmpty else { return nil }
    return others.count == 1
      ? "was made by other members: member \(others[0]) is another one now"
      : "was made by other members: \(others.joined(separator: ", ")) are others now"
  }
}

extension Run {
  /// What the files of this job's stages must have been made from. Collective.
  ///
  /// - Throws: as `content(of:)` and, where files of an earlier program are there, `inspected()`.
  func expectedFiles() throws -> ExpectedFiles {
    let (data, origin) = (try opened().data, try origin())
    let isEarlier = try world.decidedOnRoot {
      let members = (0..<job.ensemble.members).map(paths.member) + [paths.aggregate]
      return members.contains { RunPaths.exists($0) && (try? MemberFile.origin($0))?.origin == nil }
    }
    let earlier = isEarlier ? try inspected().earlierFingerprint : nil
    return ExpectedFiles(job: job, data: data, origin: origin, earlier: earlier)
  }
}
