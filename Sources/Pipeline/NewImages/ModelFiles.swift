import Ensembles
import Foundation
import HDF5
import ImageFiles
import JobFiles
import Uncertainty

/// What users name as a model: a results file, a folder of members, or a member's file.
enum ModelFiles {
  /// What predicts.
  struct Model {
    var members: [TrainedMember]
    /// The thresholds of their sets or intervals; nil unless the model is a results file.
    var calibration: Calibration?
    /// How tiles were put together when it was found (`TileWork.identity`); nil when nothing says so.
    var calibratedTiling: String?
    /// Maps of statistics over members that the results have; nil: none.
    var statistics: StatisticsSection?
    /// Whether answers are means over flips.
    var averagesFlips = false
    /// What of predictions the results hold, and in which form; nil: all, exact.
    var form: Job.ResultsSection?
    /// The distance of voxels along z, y and x in the images of the results; nil where it is not known.
    var voxelSize: [Length?] = [nil, nil, nil]
    /// What combines the members' answers beside their mean; nil when nothing does.
    var aggregate: TrainedMember?
    /// All files that it was read from.
    var files: [String]
  }

  /// Reads a model.
  ///
  /// - Throws: `RunError` when it is none of these, `MemberFileError`, `HDF5Error`.
  static func load(_ model: String) throws -> Model {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: model, isDirectory: &isFolder) else {
      throw RunError.noResults(model)
    }
    if isFolder.boolValue {
      return Model(members: try members(in: model), aggregate: try aggregate(in: model), files: files(in: model))
    }
    // A damaged member is not opened.
    try ChecksummedFile.verify(model)
    let file = try File(opening: model)
    let format = try file.hasAttribute("format") ? try file.attribute("format", as: String.self) : ""
    guard format == ResultsFile.format else { return Model(members: [try MemberFile.read(model)], files: [model]) }
    let entry = try file.group("entry")
    guard try entry.exists("members") else {
      throw RunError.notResults(
        model, problem: "it holds a prediction alone; name the results of a job, or a folder of members")
    }
    let group = try entry.group("members")
    let path = RunPaths.folder(of: model) + "/" + (try group.attribute("folder", as: String.self))
    let members = try members(of: group, job: try ResultsFile.job(of: file), results: model, in: path)
    let calibrationGroup = try entry.group("calibration")
    let calibration = try CalibrationFile.read(calibrationGroup)
    let tiling =
      try calibrationGroup.hasAttribute("tiling")
      ? calibrationGroup.attribute("tiling", as: String.self) : nil
    let statistics = try ResultsFile.statistics(of: entry)
    let form = try ResultsForm.section(of: entry.group("prediction"))
    let averagesFlips = try entry.group("prediction").hasAttribute("augment")
    let voxelSize = try ResultsFile.voxelSize(of: entry.group("prediction"))
    let isCombined = try entry.exists("aggregate")
    try file.close()
    return Model(
      members: members, calibration: calibration, calibratedTiling: tiling, statistics: statistics,
      averagesFlips: averagesFlips, form: form, voxelSize: voxelSize,
      aggregate: isCombined ? try aggregate(in: path) : nil, files: [model] + files(in: path))
  }

  /// The members by which results were made.
  ///
  /// - Throws: `RunError.noMembers` or `.otherJob` when they are not in the folder.
  private static func members(
    of group: Group, job: UInt64, results: String, in folder: String
  ) throws -> [TrainedMember] {
    let numbers = try group.read("member", as: Int.self)
    let paths = RunPaths(results: results)
    let members = try numbers.map { number in
      let path = folder + "/" + MemberFile.name(number)
      guard RunPaths.exists(path) else { throw RunError.noMembers(folder: folder) }
      return try MemberFile.read(path, member: number)
    }
    if try group.exists("fingerprint") {
      let reason = ExpectedFiles.obstacle(members, try group.read("fingerprint", as: UInt64.self))
      if let reason { throw RunError.otherJob(paths.results, reason: reason) }
    } else {
      // What an earlier program told of them.
      let losses = try group.read("final_loss", as: Double.self)
      for (member, loss) in zip(members, losses) {
        let own = member.history.last?.loss ?? .nan
        guard member.fingerprint == job, own.bitPattern == loss.bitPattern || own.isNaN && loss.isNaN else {
          throw RunError.otherJob(
            paths.results, reason: "was made by other members: \(member.index) is another one now")
        }
      }
    }
    return members
  }

  /// The members' files and that of what combines them.
  private static func files(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { ($0.hasPrefix("member-") && $0.hasSuffix(".h5")) || $0 == RunPaths.aggregateName }.sorted()
      .map { folder + "/" + $0 }
  }

  private static func aggregate(in folder: String) throws -> TrainedMember? {
    let path = folder + "/" + RunPaths.aggregateName
    return RunPaths.exists(path) ? try MemberFile.read(path) : nil
  }

  private static func members(in folder: String) throws -> [TrainedMember] {
    let members = try files(in: folder).filter { !$0.hasSuffix("/" + RunPaths.aggregateName) }.map {
      try MemberFile.read($0)
    }
    guard let first = members.first else { throw RunError.noMembers(folder: folder) }
    var numbers: Set<Int> = []
    for member in members {
      guard numbers.insert(member.index).inserted else { throw RunError.memberTwice(member.index, folder: folder) }
      // An earlier program's fingerprints are of another form.
      guard (member.origin == nil) != (first.origin == nil) || member.fingerprint == first.fingerprint else {
        throw RunError.mixedMembers(first.index, member.index, folder: folder)
      }
    }
    return members
  }
}
