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
      var page = try page(file)
      page.source = try Self.source(of: run, file, objects: try Self.objects(beside: paths, file))
      let html = try page.html()
      try file.close()
      try WholeFile.write(paths.report, contents: Array(html.utf8))
    }
  }

  // MARK: What a page is made from

  /// Why the page is not one of these results as the job file says now; nil when it is. Rank 0 alone.
  ///
  /// - Parameter file: the results.
  static func obstacle(of run: Run, _ file: File) throws -> String? {
    guard let page = FileHandle(forReadingAtPath: run.paths.report) else { return "it is not there" }
    defer { try? page.close() }
    let head = String(decoding: try page.read(upToCount: 4096) ?? Data(), as: UTF8.self)
    // Those that will be there when it is written.
    let isLeft = run.job.instances == nil && !InstanceSearch.isOfJob(run.paths.instances)
    let objects =
      isLeft ? (try? Self.objects(beside: run.paths, file)) ?? nil : run.job.instances?.settingValue.canonicalText
    let wanted = try source(of: run, file, objects: objects)
    return head.contains("\"\(wanted)\"") ? nil : "it shows another state of the job file, the results or the objects"
  }

  /// The rule of the objects that a page of these results shows; nil: it shows none.
  private static func objects(beside paths: RunPaths, _ file: File) throws -> String? {
    guard try InstanceFigures.labels(paths.instances, job: ResultsFile.job(of: file)) != nil else { return nil }
    return try File.with(paths.instances) { try InstanceFigures.rule(of: $0.group("entry")) }
  }

  /// A number of all that a page is made from.
  private static func source(of run: Run, _ file: File, objects: String?) throws -> String {
    let entry = try file.group("entry")
    func text(_ path: String) throws -> String {
      try entry.exists(path) ? entry.readStrings(path).first ?? "" : ""
    }
    let kinds = try LatentFigures(in: entry.group("evaluation"))?.kinds ?? []
    let parts = [
      run.text, run.file, try text("provenance/date"), try text("evaluation/table"), "\(kinds)", objects ?? "none",
    ]
    return String(FNV1a.hash(of: parts.joined(separator: "\u{0}")), radix: 16)
  }

  // MARK: The page

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
