import Ensembles
import Foundation
import HDF5
import Host
import JobFiles
import Reports

/// Writes the page about a run from its results and the test part of its data.
struct ReportStage: Stage {
  let run: Run
  private let opened: OpenedJob

  /// Opens the data.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  init(_ run: Run) throws {
    self.run = run
    opened = try run.opened()
  }

  /// Writes the page. Rank 0 alone works.
  ///
  /// - Throws: on all ranks, `RunError.noResults`, `.otherJob`, `HDF5Error`, `FileError`.
  func write() throws {
    run.tell(.page, 0)
    try world.onRoot {
      guard RunPaths.exists(paths.results) else { throw RunError.noResults(paths.results) }
      try ChecksummedFile.verify(paths.results)
      let file = try File(opening: paths.results)
      _ = try ResultsFile.job(of: file)
      let html = try page(file).html()
      try file.close()
      try WholeFile.write(paths.report, contents: Array(html.utf8))
    }
  }

  /// The page about a results file.
  private func page(_ file: File) throws -> ReportPage {
    let entry = try file.group("entry")
    let figures = try ReportFigures(entry, of: paths.results)
    var images = try ReportImages(entry, of: paths.results, opened, job)
    let viewers = try images.viewers()
    var sections = try figures.results { try images.thumbnails() }
    if !viewers.isEmpty {
      sections.insert(
        ReportPage.Section(
          id: "images", title: "Images",
          text: [
            "Every picture is of the test part, which no network has learnt from. Click a picture, or press Enter on it, "
              + "to enlarge it; the arrows left and right go from layer to layer, up and down through slices. ‘Layer’ shows one "
              + "alone.", try images.missing,
          ].compactMap(\.self), viewers: viewers), at: min(1, sections.count))
    }
    sections.append(try figures.training(try members()))
    sections.append(try figures.reproduction(paths.results, job: run.text, file: run.file))
    return ReportPage(title: job.name, lead: try lead(figures), sections: sections)
  }

  /// What was done, in sentences.
  private func lead(_ figures: ReportFigures) throws -> [String] {
    let (settings, data) = (opened.settings, opened.data)
    let size = data.images.extents
    let extents = (data.images.layout.hasDepth ? [size.z] : []).map { "\($0)×" }.joined() + "\(size.y)×\(size.x)"
    let images =
      opened.layoutIsVolume
      ? "one volume of \(extents) voxels"
      : "\(data.images.imageCount) images of \(data.images.hasOneExtent ? "" : "up to ")\(extents) pixels"
    let many = settings.members == 1 ? "One network" : "An ensemble of \(settings.members) networks"
    return [
      "\(many) of the family \(settings.family.name), trained for \(job.task.rawValue) on \(images) "
        + "(\(data.images.location)), and compared with what is known of the test part.",
      figures.headline,
    ].filter { !$0.isEmpty }
  }

  /// The members whose files are there.
  private func members() throws -> [TrainedMember] {
    try (0..<job.ensemble.members).filter { RunPaths.exists(paths.member($0)) }.map {
      try MemberFile.read(paths.member($0))
    }
  }
}

extension OpenedJob {
  /// Whether the data are volumes, not 2-D images.
  fileprivate var layoutIsVolume: Bool { data.images.layout == .volume }
}

extension Run {
  /// Writes the page about the results of this job, `NAME.report.html`. Collective.
  ///
  /// - Throws: `RunError.noResults`, `RemoteFailure`.
  public func report() throws { try ReportStage(self).write() }

  /// Whether the page is there.
  public var hasReport: Bool { RunPaths.exists(paths.report) }

  /// The same at the end of a run, whose results stand: a failure is told, and ends nothing. Collective.
  func reportAtEnd() throws {
    do {
      try report()
    } catch {
      log.note("The report could not be written: \(error)")
    }
  }
}
