import Ensembles
import Foundation
import HDF5
import JobFiles

/// What users name as a model: a results file, a folder of members, or a member's file.
enum ModelFiles {
  /// What predicts.
  struct Model {
    var members: [TrainedMember]
    /// The thresholds of their sets or intervals; nil unless the model is a results file.
    var calibration: Calibration?
    /// What combines the members' answers beside their mean; nil when nothing does.
    var aggregate: TrainedMember?
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
      return Model(members: try members(in: model), aggregate: try aggregate(in: model))
    }
    let file = try File(opening: model)
    let format = try file.hasAttribute("format") ? try file.attribute("format", as: String.self) : ""
    guard format == ResultsFile.format else { return Model(members: [try MemberFile.read(model)]) }
    let entry = try file.group("entry")
    guard try entry.exists("members") else {
      throw RunError.notResults(
        model, problem: "it holds a prediction alone; name the results of a job, or a folder of members")
    }
    let folder = try entry.group("members").attribute("folder", as: String.self)
    let calibration = try CalibrationFile.read(try entry.group("calibration"))
    let isCombined = try entry.exists("aggregate")
    try file.close()
    let path = RunPaths.folder(of: model) + "/" + folder
    return Model(
      members: try members(in: path), calibration: calibration, aggregate: isCombined ? try aggregate(in: path) : nil)
  }

  private static func aggregate(in folder: String) throws -> TrainedMember? {
    let path = folder + "/" + RunPaths.aggregateName
    return RunPaths.exists(path) ? try MemberFile.read(path) : nil
  }

  private static func members(in folder: String) throws -> [TrainedMember] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let members = try names.filter { $0.hasPrefix("member-") && $0.hasSuffix(".h5") }.sorted().map {
      try MemberFile.read(folder + "/" + $0)
    }
    guard !members.isEmpty else { throw RunError.noMembers(folder: folder) }
    return members
  }
}
