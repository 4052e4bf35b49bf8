import Ensembles
import Foundation
import Host
import JobFiles

/// Where a job's files are: all beside the results.
public struct RunPaths: Hashable, Sendable {
  /// The results file, as the job names it.
  public let results: String

  /// The paths beside a results file.
  public init(results: String) { self.results = results }

  private var stem: String { results.hasSuffix(".h5") ? String(results.dropLast(3)) : results }

  /// The folder of the results.
  public var folder: String { Self.folder(of: results) }
  /// The batch script that is written for the job.
  public var script: String { stem + ".sbatch" }
  /// The folder of the members' files.
  public var members: String { stem + ".members" }
  /// The network that combines the members' answers.
  public var aggregate: String { members + "/" + Self.aggregateName }
  static let aggregateName = "aggregate.h5"
  /// Which members did not learn.
  public var verdicts: String { members + "/verdicts.h5" }
  /// The thresholds of the prediction sets.
  public var calibration: String { stem + ".calibration.h5" }
  /// Where a figure goes when no name is given.
  public func figure(_ name: String) -> String { stem + ".\(name).svg" }
  /// What was said while the job was at work, of all its runs.
  public var log: String { stem + ".log" }
  /// The page about the run.
  public var report: String { stem + ".report.html" }
  /// By which ParaView opens the results.
  public var xdmf: String { stem + ".xdmf" }
  /// The objects of the results' classes.
  public var instances: String { stem + ".instances.h5" }
  /// The results while they are being written.
  public var unfinished: String { WholeFile.temporary(results) }

  /// What evaluation needs of a prediction and the results do not hold exactly, while a run is at work.
  public var exact: String { WholeFile.temporary(stem + ".exact.h5") }

  /// Which tiles the unfinished results hold: a folder with a file of each rank.
  public var journal: String { WholeFile.temporary(stem + ".tiles") }

  /// The file of a member.
  public func member(_ index: Int) -> String { members + "/" + MemberFile.name(index) }

  /// What is known of a member that failed.
  public func failure(_ index: Int) -> String { members + "/" + MemberFile.name(index) + ".failed" }

  /// Removes what stages before the prediction left: members with their checkpoints and failures, what combines them, and
  /// the calibration. Results stay until there are others.
  ///
  /// - Throws: `RunError.file`.
  func removeStages() throws(RunError) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: members)) ?? []
    for name in names where name.hasPrefix("member-") || name.hasPrefix(Self.aggregateName) {
      try Self.remove(members + "/" + name)
    }
    try Self.remove(calibration)
    try removeUnfinished()
  }

  /// Makes a folder and those that it lies in.
  static func makeFolder(_ path: String) throws(RunError) {
    var at = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      at += at.isEmpty || at.hasSuffix("/") ? String(part) : "/" + part
      if mkdir(at, 0o777) != 0, errno != EEXIST {
        throw .noFolder(at, reason: String(cString: strerror(errno)))
      }
    }
    guard access(path, W_OK) == 0 else { throw .noFolder(path, reason: String(cString: strerror(errno))) }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Removes a file that may not be there.
  static func remove(_ path: String) throws(RunError) {
    guard unlink(path) == 0 || errno == ENOENT else {
      throw .file(path, action: "removed", reason: String(cString: strerror(errno)))
    }
  }

  /// Copies a file over another.
  static func copy(_ path: String, to target: String) throws(RunError) {
    try remove(target)
    do {
      try FileManager.default.copyItem(atPath: path, toPath: target)
    } catch {
      throw .file(path, action: "copied to \(target)", reason: error.localizedDescription)
    }
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
