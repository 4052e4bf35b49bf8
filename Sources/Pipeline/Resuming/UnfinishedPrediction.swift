import Foundation

/// The files of a prediction that is not finished.
struct UnfinishedPrediction {
  /// The results, as far as they are written.
  var results: String
  /// What they do not hold exactly; there only where somebody needs it.
  var exact: String
  /// A folder with a file of each rank: which tiles are written, and where.
  var journal: String

  /// Removes all of it, first what says that it is there.
  ///
  /// - Throws: `RunError.file`.
  func remove() throws(RunError) {
    if RunPaths.exists(journal) {
      do {
        try FileManager.default.removeItem(atPath: journal)
      } catch {
        throw .file(journal, action: "removed", reason: error.localizedDescription)
      }
    }
    try RunPaths.remove(results)
    try RunPaths.remove(exact)
  }

  /// Gives it other names, last what says that it is there: when the process ends in the middle, the same call goes on.
  ///
  /// - Throws: `RunError.file`.
  func move(to other: UnfinishedPrediction) throws(RunError) {
    for (path, target) in [(results, other.results), (exact, other.exact), (journal, other.journal)] {
      guard rename(path, target) == 0 || errno == ENOENT else {
        throw .file(path, action: "renamed to \(target)", reason: String(cString: strerror(errno)))
      }
    }
  }
}

extension RunPaths {
  /// The prediction at work.
  var prediction: UnfinishedPrediction { UnfinishedPrediction(results: unfinished, exact: exact, journal: journal) }

  /// One that was interrupted, while another goes on from it.
  var earlierPrediction: UnfinishedPrediction {
    let beside = RunPaths(results: results + ".earlier.h5")
    return UnfinishedPrediction(results: beside.unfinished, exact: beside.exact, journal: beside.journal)
  }

  /// Makes way for a prediction, and looks for one to go on from. Rank 0 alone.
  ///
  /// - Returns: whether an interrupted one is there, as `earlierPrediction`.
  /// - Throws: `RunError.file`.
  func setAsideUnfinished() throws(RunError) -> Bool {
    if Self.exists(earlierPrediction.journal) {
      // Interrupted while it was copied: the copy is not whole.
      try prediction.remove()
      return true
    }
    if Self.exists(journal) {
      try prediction.move(to: earlierPrediction)
      return true
    }
    try earlierPrediction.remove()
    return false
  }

  /// Removes what predictions that did not end have left.
  ///
  /// - Throws: `RunError.file`.
  func removeUnfinished() throws(RunError) {
    try prediction.remove()
    try earlierPrediction.remove()
  }
}
