import Ensembles
import HDF5
import Imaging

extension Run {
  /// The tables of results that are there already and are what this job gives; nil when there are none, or others.
  /// Collective.
  ///
  /// A job that is put back into a queue may have ended just before.
  /// - Throws: `RemoteFailure` when the results cannot be read.
  func finishedBefore() throws -> String? {
    guard !options.overwrite, !options.restartsFromScratch, options.retrained.isEmpty else { return nil }
    let stage = try EvaluationStage(self)
    let (expected, calibrated) = (try expectedFiles(), try content(of: .calibrate))
    let isFinished = try world.decidedOnRoot {
      // Results that cannot be read are not this job's; they are not replaced unasked.
      (try? stage.isFinished(expected, calibrated)) == true
    }
    guard isFinished else { return nil }
    log.note("The results are there already, made by this job from these data; --overwrite makes them anew.")
    let table = try world.fromRoot {
      try File.with(paths.results) { file in
        guard try file.exists("entry/evaluation/table") else { return [] }
        return Array((try file.group("entry/evaluation").readStrings("table").first ?? "").utf8)
      }
    }
    guard table.isEmpty else { return String(decoding: table, as: UTF8.self) }
    // Of an earlier program.
    return try stage.evaluate(paths.results, storing: false).table
  }
}

extension EvaluationStage {
  /// Whether the results, the members and the calibration are those that this job gives. Rank 0 alone.
  fileprivate func isFinished(_ expected: ExpectedFiles, _ calibrated: PartContent) throws -> Bool {
    guard RunPaths.exists(paths.results) else { return false }
    try ChecksummedFile.verify(paths.results)
    return try File.with(paths.results) { file in
      _ = try ResultsFile.job(of: file)
      let entry = try file.group("entry")
      guard try entry.exists("evaluation"), try entry.hasAttribute("data") else { return false }
      let text = try entry.group("members").attribute("settings", as: String.self)
      guard text == job.canonicalText, try obstacle(file) == nil else { return false }
      let members = try membersHere(expected)
      let work = try TileWork(truth.split.calibrate, of: job, settings, graphs: members.map(\.graph))
      return try expected.obstacle(
        calibration: paths.calibration, members: members, content: calibrated, work) == nil
    }
  }
}
