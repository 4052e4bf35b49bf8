import Foundation
import HDF5
import ImageFiles
import TestSupport
import Testing

/// Jobs whose output is OME-Zarr, and the XDMF file beside results.
@Suite("End to end: results as OME-Zarr and XDMF")
struct EndToEndZarrTests {
  private static func job(_ name: String, members: Int = 2) throws -> EndToEndJob {
    var job = try EndToEndJob.tiny(name)
    (job.output, job.members) = ("results/result.zarr", members)
    try job.write()
    return job
  }

  private static func array(_ text: String) throws -> any StoredArray { try ArrayFile.open(ArrayLocation(text)).1 }

  @Test(
    "it holds mean, spread and classes of the results file; it is written again when it is missing or of other results")
  func output() throws {
    let job = try Self.job("zarr")
    let zarr = job.folder + "/results/result.zarr"
    // What an interrupted writing left.
    let left = zarr + ".part/0/9"
    try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
    try job.succeed(ranks: 2)
    func check() throws {
      let prediction = try File(opening: job.results).group("entry/prediction")
      for (name, place) in [("mean", ":0"), ("mean_errors", ":spread/0"), ("labels", ":labels/classes/0")] {
        let array = try Self.array(zarr + place)
        let shape = try prediction.dataset(name).shape
        let values = try array.read(as: Float.self)
        let own = try prediction.read(name, as: Float.self)
        guard name != "labels" else {
          #expect(values == own && array.shape == shape)
          continue
        }
        // Classes come before images.
        #expect(array.shape == [2, shape[0], 16, 16])
        #expect(array.facts.channels == (name == "mean" ? ["paste", "void"] : array.facts.channels))
        let pixels = 256
        for (index, value) in own.enumerated() {
          let (image, channel, pixel) = (index / (2 * pixels), index / pixels % 2, index % pixels)
          #expect(values[(channel * shape[0] + image) * pixels + pixel] == value)
        }
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: job.folder + "/results")
      #expect(!names.contains { $0.hasPrefix("result.zarr.") }, "\(names)")
    }
    try check()
    let first = try EndToEnd.bytes(zarr + "/.zattrs")
    // Missing after an interruption.
    try FileManager.default.removeItem(atPath: zarr)
    try job.succeed(ranks: nil)
    try check()
    #expect(try EndToEnd.bytes(zarr + "/.zattrs") == first)
    // Another ensemble.
    var other = job
    other.seed = 2
    try other.write()
    let again = try EndToEnd.run(["run", job.path, "--overwrite", "--threads", "1"])
    try #require(again.status == 0, "\(again.errors)")
    try check()
    #expect(try EndToEnd.bytes(zarr + "/.zattrs") != first)
  }

  /// Every file below a folder.
  private static func files(_ folder: String) throws -> [String: Data] {
    let names = try EndToEnd.contents(folder).filter { name in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder) && !isFolder.boolValue
    }
    return try Dictionary(uniqueKeysWithValues: names.map { ($0, try EndToEnd.bytes(folder + "/" + $0)) })
  }

  @Test("killed while it is written, it is not there, or is the one before; the next start ends with the right one")
  func killed() throws {
    let (job, writes) = (try Self.job("zarr-killed"), try FailingWrites())
    try job.succeed()
    let (zarr, results) = (job.folder + "/results/result.zarr", job.folder + "/results")
    let right = try Self.files(zarr)
    try FileManager.default.removeItem(atPath: zarr)
    let file = job.folder + "/calls"
    let counted = try writes.run(job, ranks: nil, rank: nil, number: 0, kind: "kill", count: file)
    let calls = FailingWrites.calls(in: file)
    try #require(try counted.status == 0 && calls > 20 && Self.files(zarr) == right, "\(calls): \(counted.errors)")
    // One of another prediction.
    let other = job.folder + "/other.zarr"
    try FileManager.default.copyItem(atPath: zarr, toPath: other)
    let text = try String(contentsOfFile: other + "/.zattrs", encoding: .utf8)
    try text.replacing(/"prediction" : "[0-9a-f]+"/, with: "\"prediction\" : \"0\"")
      .write(toFile: other + "/.zattrs", atomically: true, encoding: .utf8)
    let before = try Self.files(other)
    try #require(before != right)
    var ends: Set<String> = []
    for (trial, number) in [2, calls / 3, 2 * calls / 3, calls - 1, calls, calls + 1].enumerated() {
      try FileManager.default.removeItem(atPath: zarr)
      let replaces = trial % 2 == 1 || number >= calls
      if replaces { try FileManager.default.copyItem(atPath: other, toPath: zarr) }
      let ended = try writes.run(job, ranks: nil, rank: nil, number: number, kind: "kill")
      let isThere = FileManager.default.fileExists(atPath: zarr)
      let found = isThere ? try Self.files(zarr) : nil
      #expect(found == nil || found == before || found == right, "call \(number)")
      #expect(found != nil || !replaces, "call \(number)")
      ends.insert(ended.status == 0 ? "done" : found == nil ? "nothing" : found == right ? "right" : "before")
      try job.succeed(ranks: trial % 2 == 0 ? nil : 2)
      #expect(try Self.files(zarr) == right, "call \(number), then without")
      let names = try FileManager.default.contentsOfDirectory(atPath: results)
      #expect(!names.contains { $0.hasPrefix("result.zarr.") }, "\(names)")
    }
    #expect(ends.contains("nothing") && ends.contains("before"), "\(ends)")
  }

  @Test("a folder of this name that is no results is not replaced unasked")
  func foreign() throws {
    let job = try Self.job("zarr-foreign")
    let zarr = job.folder + "/results/result.zarr"
    try FileManager.default.createDirectory(atPath: zarr, withIntermediateDirectories: true)
    try "{}".write(toFile: zarr + "/.zgroup", atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1"])
    #expect(ended.status != 0 && ended.errors.contains("result.zarr"), "\(ended.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: zarr) == [".zgroup"])
    #expect(!FileManager.default.fileExists(atPath: job.memberFolder))
  }

  @Test("a single member's prediction says so: its spread is NaN in files, and no number anywhere")
  func single() throws {
    let job = try Self.job("single", members: 1)
    try job.succeed(ranks: nil)
    let prediction = try File(opening: job.results).group("entry/prediction")
    #expect(try prediction.read("mean_errors", as: Float.self).allSatisfy(\.isNaN))
    #expect(
      try prediction.dataset("mean_errors").attribute("long_name", as: String.self)
        == "NaN: a single member has no spread")
    #expect(try prediction.dataset("mean").attribute("long_name", as: String.self) == "probability of a single member")
    #expect(!FileManager.default.fileExists(atPath: job.folder + "/results/result.zarr/spread"))
    let evaluation = try File(opening: job.results).group("entry/evaluation/confidence")
    #expect(try evaluation.read("error_detection", as: Double.self).first?.isNaN == true)
    let shown = try EndToEnd.run(["show", job.results])
    #expect(shown.output.contains("a single member, which has no spread"), "\(shown.output)")
    let report = try EndToEnd.run(["report", job.path])
    #expect(report.status == 0, "\(report.errors)")
    let exported = try EndToEnd.run(["export", job.results, "--what", "spread", "--to", job.folder + "/spread.npy"])
    #expect(
      exported.status != 0
        && exported.errors.contains("is the prediction of a single member, which has no spread"), "\(exported.errors)")
    let new = try EndToEnd.run(
      ["predict", job.results, job.folder + "/data.h5:/images", "-o", job.folder + "/new.h5"])
    #expect(new.status == 0 && new.errors.contains("a single member, which has no spread"), "\(new.errors)")
    #expect(
      try File(opening: job.folder + "/new.h5").read("entry/prediction/mean_errors", as: Float.self)
        .allSatisfy(\.isNaN))
  }

  @Test("the XDMF file names each array of each image by its place in the results")
  func xdmf() throws {
    let job = try EndToEndJob.tiny("xdmf")
    try job.succeed(ranks: nil)
    let text = try String(contentsOfFile: job.folder + "/results/result.xdmf", encoding: .utf8)
    #expect(text.components(separatedBy: "<Time ").count == 4)
    // Image 2, class 1 of the mean.
    #expect(text.contains(#"<DataItem Dimensions="3 4" Format="XML">2 1 0 0 1 1 1 1 1 1 16 16</DataItem>"#))
    #expect(
      text.contains(
        #"<DataItem Dimensions="3 2 16 16" NumberType="Float" Precision="4" Format="HDF">result.h5:/entry/prediction/mean</DataItem>"#
      ))
    #expect(text.contains(#"<Attribute Name="set void 0.9" AttributeType="Scalar" Center="Node">"#))
    #expect(text.contains(#"<Information Name="unit" Value="pixel"/>"#))
  }
}
