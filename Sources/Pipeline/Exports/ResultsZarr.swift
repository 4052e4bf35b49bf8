import Ensembles
import HDF5
import Host
import ImageFiles
import Imaging
import JobFiles
import MessagePassing

/// Results as OME-Zarr beside their HDF5 file: the mean, in `spread` the spread, in `labels/classes` the likeliest classes.
///
/// It is written from the results file when this has its name, by all ranks, and tells which prediction it is of; so one that
/// is missing, or of another prediction, is written when the job is run again.
struct ResultsZarr {
  /// The results file.
  let results: String
  /// The folder that is written.
  let path: String

  /// Whether there is something of this name that no results were written to.
  var isForeign: Bool { RunPaths.exists(path) && ArrayExport.about(path) == nil }

  /// Whether the folder holds the prediction of the results file.
  ///
  /// - Throws: `HDF5Error`.
  func isWritten() throws -> Bool { try ArrayExport.about(path) == about() }

  /// Removes what an interrupted writing left. One rank does it.
  ///
  /// - Throws: `ImageFileError`.
  func removeUnfinished() throws { try ArrayExport.begin(path) }

  /// Writes the folder and gives it its name, in place of an earlier one. Collective.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`, `FileError`; `RemoteFailure` where one rank alone failed.
  func write(over world: Communicator) throws {
    let parts = try world.agree { try self.parts() }
    let about = try world.agree { try self.about() }
    try world.onRoot {
      try removeUnfinished()
    }
    try world.agree {
      try ArrayExport.write(
        parts, about: about, to: path, share: ArrayExport.Share(rank: world.rank, count: world.size))
    }
    try world.onRoot {
      try ArrayExport.finish(path)
    }
  }

  /// What is written.
  private func parts() throws -> [ZarrPart] {
    func array(_ quantity: ResultsQuantity) throws -> any StoredArray {
      try ResultsArray(results, quantity, level: nil, className: nil, image: nil).array
    }
    let file = try File(opening: results)
    defer { try? file.close() }
    let group = try file.group("entry/prediction")
    var parts: [ZarrPart] = []
    if try group.exists("mean") { parts.append(ZarrPart(try array(.mean), named: "mean")) }
    if try ResultsFile.hasSpread(group) { parts.append(ZarrPart(try array(.spread), named: "spread", at: "spread")) }
    if try group.exists("labels") {
      let names = try group.readStrings("class_names")
      parts.append(ZarrPart(try array(.labels), named: "classes", at: "labels/classes", labels: names))
    }
    return parts
  }

  /// What tells this prediction from others: the job, its settings, the members and the data.
  private func about() throws -> [String: String] {
    let file = try File(opening: results)
    defer { try? file.close() }
    let entry = try file.group("entry")
    var hash = ContentHash()
    hash.add(try ResultsFile.job(of: file))
    for word in try entry.group("prediction").attributes("members", as: UInt64.self) { hash.add(word) }
    if try entry.hasAttribute("data") {
      for word in try entry.attributes("data", as: UInt64.self) { hash.add(word) }
    }
    if try entry.exists("members"), try entry.group("members").hasAttribute("settings") {
      hash.add(FNV1a.hash(of: try entry.group("members").attribute("settings", as: String.self)))
    }
    let name = results.split(separator: "/").last.map(String.init) ?? results
    return ["results": name, "prediction": String(hash.value, radix: 16), "version": tuttiVersion]
  }
}
