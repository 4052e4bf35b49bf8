import Ensembles
import Foundation
import HDF5

/// What users name as a model: a results file, a folder of members, or a member's file.
enum ModelFiles {
  /// The members, and the thresholds of their sets or intervals when the model is a results file.
  ///
  /// - Throws: `RunError` when it is none of these, `MemberFileError`, `HDF5Error`.
  static func load(_ model: String) throws -> (members: [TrainedMember], calibration: Calibration?) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: model, isDirectory: &isFolder) else {
      throw RunError.noResults(model)
    }
    if isFolder.boolValue { return (try members(in: model), nil) }
    let file = try File(opening: model)
    let format = try file.hasAttribute("format") ? try file.attribute("format", as: String.self) : ""
    guard format == ResultsFile.format else { return ([try MemberFile.read(model)], nil) }
    let entry = try file.group("entry")
    guard try entry.exists("members") else {
      throw RunError.notResults(
        model, problem: "it holds a prediction alone; name the results of a job, or a folder of members")
    }
    let folder = try entry.group("members").attribute("folder", as: String.self)
    let calibration = try CalibrationFile.read(try entry.group("calibration"))
    try file.close()
    return (try members(in: RunPaths.folder(of: model) + "/" + folder), calibration)
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
