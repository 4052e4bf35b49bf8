import Ensembles
import Foundation
import HDF5
import Imaging

extension Run {
  /// What is to be made again of results that are there already and are what this job gives; nil when there are none, or
  /// others. Collective.
  ///
  /// A job that is put back into a queue may have ended just before.
  ///
  /// - Throws: as `EvaluationStage.init`; `RemoteFailure`.
  func finishedBefore() throws -> Renewal? {
    guard !options.overwrite, !options.restartsFromScratch, options.retrained.isEmpty else { return nil }
    let stage = try EvaluationStage(self)
    let (expected, calibrated) = (try expectedFiles(), try content(of: .calibrate))
    let found = try world.fromRoot {
      // Results that cannot be read are not this job's; they are not replaced unasked.
      guard RunPaths.exists(paths.results), case .finished? = try? stage.standing(expected, calibrated) else {
        return []
      }
      return Array(try JSONEncoder().encode(try stage.renewal()))
    }
    guard !found.isEmpty else { return nil }
    log.note("The results are there already, made by this job from these data; --overwrite makes them anew.")
    return try world.agree { try JSONDecoder().decode(Renewal.self, from: Data(found)) }
  }

  /// Makes again what of finished results is not as the job says, or what a run that was killed at its end left out.
  /// Collective.
  ///
  /// - Returns: the tables of the results.
  /// - Throws: as the stages.
  func renew(_ renewal: Renewal) throws -> String {
    let stage = try EvaluationStage(self)
    for line in renewal.lines(would: false) { log.note(line) }
    try world.onRoot {
      try self.paths.removeUnfinished()
      if !renewal.changesResults, !RunPaths.exists(self.paths.xdmf) {
        try ResultsXDMF.write(beside: self.paths.results)
      }
    }
    if renewal.changesResults { try stage.renew(renewal) }
    try goOn()
    if renewal.objects != nil { try instances() }
    if renewal.removedObjects != nil {
      try world.onRoot { try InstanceSearch(self.paths.results, rule: InstanceRule()).remove() }
    }
    try zarr(ifMissing: true)
    if renewal.page != nil { try reportAtEnd() }
    return try table() ?? stage.evaluate(paths.results, storing: false).table
  }

  /// The tables in the results; nil in those of an earlier program. Collective.
  private func table() throws -> String? {
    let table = try world.fromRoot {
      try File.with(paths.results) { file in
        guard try file.exists("entry/evaluation/table") else { return [] }
        return Array((try file.group("entry/evaluation").readStrings("table").first ?? "").utf8)
      }
    }
    return table.isEmpty ? nil : String(decoding: table, as: UTF8.self)
  }
}
