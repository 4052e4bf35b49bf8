import HDF5
import Imaging
import JobFiles

/// What of a finished job is not as its file says, and is made again by the next run, and why.
///
/// Some settings decide neither the members nor what they predict, so they can change when all is done: what the job is
/// called, of which kinds images are, what an object is. What follows from them alone is made again.
struct Renewal: Codable, Hashable {
  /// Why the results get another title.
  var title: String?
  /// Why latent values are evaluated again.
  var kinds: String?
  /// Why objects are told apart again.
  var objects: String?
  /// The file of objects that an earlier run made, and the job asks for no more.
  var removedObjects: String?
  /// Why the results are written as OME-Zarr again.
  var zarr: String?
  /// Why the page is written again.
  var page: String?

  /// Whether the results themselves change.
  var changesResults: Bool { title != nil || kinds != nil }

  /// What is made again, a sentence each.
  ///
  /// - Parameter would: as what would happen, not as what does.
  func lines(would: Bool) -> [String] {
    let (one, many) = would ? ("would be", "would be") : ("is", "are")
    var lines: [String] = []
    if let title { lines.append("The results \(many) given their title again: \(title).") }
    if let kinds { lines.append("Latent values \(many) evaluated again: \(kinds).") }
    if let objects { lines.append("Objects \(many) told apart again: \(objects).") }
    if let removedObjects {
      lines.append("\(removedObjects) \(one) removed, with its table: the job asks for no objects any more.")
    }
    if let zarr { lines.append("OME-Zarr \(one) written again: \(zarr).") }
    if let page { lines.append("The page \(one) written again: \(page).") }
    return lines
  }
}

/// What a run finds of results that are there.
enum ResultsStanding {
  /// They are not this job's, or lack something; why, where it can be told.
  case others(String?)
  /// They are what this job gives, but for what is made from them.
  case finished
}

extension EvaluationStage {
  /// Whether the results, the members and the calibration are those that this job gives. Rank 0 alone.
  ///
  /// - Throws: when one of them cannot be read.
  func standing(_ expected: ExpectedFiles, _ calibrated: PartContent) throws -> ResultsStanding {
    try ChecksummedFile.verify(paths.results)
    return try File.with(paths.results) { file in
      _ = try ResultsFile.job(of: file)
      let entry = try file.group("entry")
      guard try entry.exists("evaluation"), try entry.hasAttribute("data") else { return .others(nil) }
      let text = try entry.group("members").attribute("settings", as: String.self)
      guard text == job.canonicalText else {
        let settings = SettingDifferences.list(job.canonicalText, text)
        return .others("was made by another job: \(settings.joined(separator: "; "))")
      }
      if let reason = try obstacle(file) { return .others(reason) }
      let members = try membersHere(expected)
      let work = try TileWork(truth.split.calibrate, of: job, settings, graphs: members.map(\.graph))
      let reason = try expected.obstacle(
        calibration: paths.calibration, members: members, content: calibrated, work)
      return reason == nil ? .finished : .others(nil)
    }
  }

  /// What is to be made again of results that are this job's. Rank 0 alone.
  ///
  /// - Throws: `HDF5Error`; `ImagingError` and `ImageFileError` of the kinds of images.
  func renewal() throws -> Renewal {
    let file = try File(opening: paths.results)
    defer { try? file.close() }
    let entry = try file.group("entry")
    var renewal = Renewal()
    let title = try entry.readStrings("title").first ?? ""
    if title != ResultsFile.title(job.name) { renewal.title = "name is \(job.name), and it is ‘\(title)’" }
    renewal.kinds = try kindsObstacle(entry)
    if let rule = job.instances {
      renewal.objects = try InstanceSearch(paths.results, rule: rule).obstacle(job: ResultsFile.job(of: file))
    } else if InstanceSearch.isOfJob(paths.instances) {
      renewal.removedObjects = paths.instances
    }
    if let path = job.outputZarr {
      let zarr = ResultsZarr(results: paths.results, path: path)
      // What is not this program's is refused when it is to be written.
      if !zarr.isForeign, try !zarr.isWritten() {
        renewal.zarr = RunPaths.exists(path) ? "\(path) is of another prediction" : "\(path) is not there"
      }
    }
    renewal.page = try ReportStage.obstacle(of: run, file) ?? renewal.kinds.map { _ in "it shows the kinds of before" }
    return renewal
  }

  /// Why latent values were not evaluated by the kinds of the job; nil when they were, or there are none.
  private func kindsObstacle(_ entry: Group) throws -> String? {
    guard let told = try LatentFigures(in: entry.group("evaluation")) else { return nil }
    let kinds = try kinds().map { all in told.images.map { all[$0] } } ?? []
    guard kinds != told.kinds else { return nil }
    if kinds.isEmpty { return "prediction.kinds is not set and was" }
    return told.kinds.isEmpty
      ? "prediction.kinds was not set" : "prediction.kinds tells other kinds of the images than before"
  }

  /// Writes into finished results what the job says otherwise now. Collective.
  ///
  /// - Throws: `RemoteFailure`, on all ranks.
  func renew(_ renewal: Renewal) throws {
    let file = try world.agree { try File(opening: paths.results) }
    let latent = renewal.kinds == nil ? nil : try latentFigures(of: file)
    try world.agree { try file.close() }
    try world.onRoot {
      try RunPaths.copy(paths.results, to: paths.unfinished)
      let file = try File(opening: paths.unfinished, mode: .readWrite)
      let entry = try file.group("entry")
      func replace(_ text: String, at path: String) throws {
        if try entry.exists(path) { try entry.remove(path) }
        try entry.write(text, to: path)
      }
      try replace(ResultsFile.title(job.name), at: "title")
      if let latent {
        let evaluation = try entry.group("evaluation")
        if try evaluation.exists("latent") { try evaluation.remove("latent") }
        try latent.write(to: evaluation)
        let table = try evaluation.readStrings("table").first ?? ""
        try replace(Evaluation.table(table, with: latent), at: "evaluation/table")
      }
      try replace(run.text, at: "provenance/job_file")
      try file.close()
      try paths.publish()
    }
  }
}
