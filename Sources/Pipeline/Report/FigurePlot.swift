import Ensembles
import Foundation
import HDF5
import Host
import Reports

/// Draws one figure of the page about a run as a file.
public struct FigurePlot: Sendable {
  /// A results file; for `training` and `network` also a folder of members, or a member's file; for `lengths` and
  /// `directions` also a file of objects.
  public var model: String
  /// What is drawn.
  public var figure: ReportFigure
  /// Of `network`, whose; nil: the first's.
  public var member: Int?
  /// A file.svg, .png or .pdf; nil: an SVG file beside the model.
  public var output: String?

  /// A plot of a model.
  public init(model: String, figure: ReportFigure = .training, member: Int? = nil, output: String? = nil) {
    (self.model, self.figure, self.member, self.output) = (model, figure, member, output)
  }

  /// Writes the picture over what stands there.
  ///
  /// - Returns: where it is.
  /// - Throws: `RunError`, `MemberFileError`, `HDF5Error` when the model cannot be read or the picture not be written.
  public func write() throws -> String {
    let path = output ?? standardOutput
    try PictureFile.checkFormat(path)
    let (picture, files) = try draw()
    try RunFiles(inputs: files.map { ("a file of the model", $0) }, outputs: [("-o", path)]).check()
    try PictureFile.write(picture, to: path)
    return path
  }

  /// The picture, and what it was read from.
  private func draw() throws -> (picture: SVGPicture, files: [String]) {
    let name = URL(fileURLWithPath: model).lastPathComponent
    switch figure {
    case .training:
      let loaded = try ModelFiles.load(model)
      let members = loaded.members.map { HistoryPlot.Member(name: "member \($0.index)", history: $0.history) }
      return (HistoryPlot(title: "Training of \(name)", members: members).picture, loaded.files)
    case .lengths, .directions: return try drawObjects()
    case .network: return (try DrawnNetwork(model: model, member: member).picture, [model])
    default:
      guard RunPaths.exists(model) else { throw RunError.noResults(model) }
      try ChecksummedFile.verify(model)
      let file = try File(opening: model)
      _ = try ResultsFile.job(of: file)
      let figures = try ReportFigures(try file.group("entry"), of: model)
      let charts = try figures.charts(figure)
      guard !charts.isEmpty else {
        let there = try ReportFigure.allCases.filter {
          try $0 == .training || $0 == .network || !figures.charts($0).isEmpty
        }
        throw RunError.notInResults(model, "data for the figure ‘\(figure.rawValue)’", there: there.map(\.rawValue))
      }
      try file.close()
      return (SVGPicture(column: charts.map(\.picture)), [model])
    }
  }

  /// The picture of objects, of a file of them or of that beside results.
  private func drawObjects() throws -> (picture: SVGPicture, files: [String]) {
    guard RunPaths.exists(model) else { throw RunError.noResults(model) }
    var path = model
    if try !File.with(model, { try InstanceFigures.isOfObjects($0) }) {
      _ = try File.with(model) { try ResultsFile.job(of: $0) }
      path = RunPaths(results: model).instances
      guard RunPaths.exists(path) else { throw RunError.noInstances(model) }
    }
    let figures = try InstanceFigures(path)
    let charts = figures?.charts(figure) ?? []
    guard !charts.isEmpty else {
      throw figure == .lengths ? RunError.noObjects(path) : .noDirections(path)
    }
    return (SVGPicture(column: charts.map(\.picture)), [path])
  }

  private var standardOutput: String {
    var model = model
    while model.hasSuffix("/"), model.count > 1 { model.removeLast() }
    return RunPaths(results: model).figure(figure == .training ? "history" : figure.rawValue)
  }
}
