import Ensembles
import Foundation
import Host
import Reports

/// Draws how the members of a model were trained.
public struct TrainingPlot: Sendable {
  /// A results file, a folder of members, or a member's file.
  public var model: String
  /// An SVG file; nil: beside the model.
  public var output: String?

  /// A plot of a model.
  public init(model: String, output: String? = nil) {
    self.model = model
    self.output = output
  }

  /// Writes the picture over what stands there.
  ///
  /// - Returns: where it is.
  /// - Throws: `RunError`, `MemberFileError`, `HDF5Error` when the model cannot be read or the picture not be written.
  public func write() throws -> String {
    let path = output ?? standardOutput
    let ending = URL(fileURLWithPath: path).pathExtension.lowercased()
    guard ending == "svg" else { throw RunError.pictureFormat(path) }
    let loaded = try ModelFiles.load(model)
    let members = loaded.members
    try RunFiles(inputs: loaded.files.map { ("a file of the model", $0) }, outputs: [("-o", path)]).check()
    let name = URL(fileURLWithPath: model).lastPathComponent
    let plot = HistoryPlot(
      title: "Training of \(name)",
      members: members.map { HistoryPlot.Member(name: "member \($0.index)", history: $0.history) })
    try RunPaths.makeFolder(RunPaths.folder(of: path))
    try WholeFile.write(path) { temporary in
      do {
        try Data(plot.svg.utf8).write(to: URL(fileURLWithPath: temporary))
      } catch {
        throw RunError.file(path, action: "written", reason: error.localizedDescription)
      }
    }
    return path
  }

  private var standardOutput: String {
    var model = model
    while model.hasSuffix("/"), model.count > 1 { model.removeLast() }
    return RunPaths(results: model).history
  }
}
