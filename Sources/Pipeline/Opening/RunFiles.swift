import Foundation
import Host
import ImageFiles
import Imaging
import JobFiles

/// The files that a command reads and those that it writes, so that it never writes over what it reads.
struct RunFiles {
  /// What a file is to the command, and where it is.
  typealias Entry = (role: String, path: String)

  var inputs: [Entry] = []
  var outputs: [Entry] = []

  /// Throws when an output is an input, by another name or through links as well.
  ///
  /// - Throws: `RunError.outputIsInput`.
  func check() throws(RunError) {
    for output in outputs {
      for input in inputs where Self.areSame(output.path, input.path) {
        throw .outputIsInput(output.path, role: output.role, input: input.role, path: input.path)
      }
    }
  }

  /// Whether two names are of one file (`stat`), or would be if it were there.
  static func areSame(_ a: String, _ b: String) -> Bool {
    var (first, second) = (stat(), stat())
    if stat(a, &first) == 0, stat(b, &second) == 0 {
      return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }
    return resolved(a) == resolved(b)
  }

  /// The path without links, as far as it exists.
  private static func resolved(_ path: String) -> String {
    if let real = realpath(path, nil) {
      defer { free(real) }
      return String(cString: real)
    }
    let url = URL(fileURLWithPath: path).standardizedFileURL
    guard url.path != "/", !url.lastPathComponent.isEmpty else { return url.path }
    return resolved(url.deletingLastPathComponent().path) + "/" + url.lastPathComponent
  }
}

extension RunFiles {
  /// The files of a job.
  ///
  /// - Parameters:
  ///   - file: the job file's path.
  ///   - trace: where a trace goes; nil for none.
  init(_ job: Job, file: String, _ paths: RunPaths, trace: String?) {
    inputs = [("the job file", file)]
    let data = job.data
    let named = [
      ("data.images", data.images), ("data.labels", data.labels), ("data.targets", data.targets),
      ("data.mask", data.mask), ("data.valid", data.valid), ("data.groups", data.groups),
      ("prediction.kinds", job.prediction.kinds),
    ]
    func files(_ role: String, _ path: DataPath) -> [Entry] {
      ArrayFile.files(of: job.location(of: path)).map { (role, $0) }
    }
    inputs += named.flatMap { role, path in path.map { files(role, $0) } ?? [] }
    if case .dataset(let split) = data.split {
      inputs += files("data.split.dataset", split.dataset)
    }
    outputs = [
      ("output", paths.results), ("output", paths.unfinished), ("output", paths.exact),
      ("output", paths.earlierPrediction.results), ("output", paths.earlierPrediction.exact),
      ("the lock", RunLock.path(of: paths.results)), ("the XDMF file", paths.xdmf),
      ("the calibration", paths.calibration), ("the aggregate", paths.aggregate), ("the report", paths.report),
    ]
    outputs += (0..<job.ensemble.members).map { ("member \($0)", paths.member($0)) }
    if let rule = job.instances {
      let search = InstanceSearch(paths.results, rule: rule)
      outputs += [search.output, search.table, search.picture].map { ("the objects", $0) }
    }
    if let zarr = job.outputZarr { outputs += [zarr, WholeFile.temporary(zarr)].map { ("output", $0) } }
    if let trace { outputs.append(("--trace", trace)) }
  }
}
