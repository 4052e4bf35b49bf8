import Ensembles
import Foundation
import HDF5
import ImageFiles
import TestSupport
import Testing

/// What commands print for programs.
@Suite("End to end: figures as JSON")
struct EndToEndJSONTests {
  /// What a command prints, which is JSON and nothing else.
  private func figures(_ arguments: [String], ranks: Int? = nil) throws -> Any {
    let ended = try EndToEnd.run(arguments + ["--json"], ranks: ranks)
    try #require(ended.status == 0, "\(arguments): \(ended.errors)")
    return try JSONSerialization.jsonObject(with: Data(ended.output.utf8))
  }

  @Test("predict prints the figures of what it wrote, of a job and of new images")
  func predict() throws {
    let job = try EndToEndJob.tiny("predict-json")
    try job.succeed()
    let again = try #require(try figures(["predict", job.path, "--overwrite"]) as? [String: Any])
    #expect(again["results"] as? String == job.results && again["calibration"] != nil)
    let new = job.folder + "/new.h5"
    let predicted = try #require(
      try figures(["predict", job.results, job.folder + "/data.h5:/images", "-o", new]) as? [String: Any])
    let calibration = try #require(predicted["calibration"] as? [String: Any])
    #expect(predicted["results"] as? String == new && predicted["shift"] != nil)
    #expect((calibration["coverage"] as? [Double] ?? calibration["level"] as? [Double]) == job.coverage)
    let shown = try #require(try figures(["show", new]) as? NSDictionary)
    #expect(shown == predicted as NSDictionary)
    let recalibrated = try #require(
      try figures(["calibrate", job.results, "--coverage", "0.7"]) as? [String: Any])
    #expect(recalibrated["results"] as? String == job.results)
  }

  @Test("instances prints how many objects there are and how large they are")
  func instances() throws {
    let job = try EndToEndJob.tiny("instances-json")
    try job.succeed()
    let export = ["export", job.results, "--what", "instances", "--to", job.folder + "/objects.npy"]
    let refused = try EndToEnd.run(export)
    #expect(refused.status == 1 && refused.messages.first?.hasPrefix("there are no objects beside ") == true)
    let found = try #require(try figures(["instances", job.results], ranks: 2) as? [String: Any])
    let path = try #require(found["instances"] as? String)
    // They are exported like the prediction.
    let exported = try EndToEnd.run(export)
    try #require(exported.status == 0, "\(exported.errors)")
    let numbers = try ArrayFile.open(ArrayLocation(job.folder + "/objects.npy")).1
    #expect(try numbers.read(as: Int.self) == File(opening: path).read("entry/instances/labels", as: Int.self))
    let table = try File(opening: path).group("entry/objects")
    let (classes, sizes) = (try table.read("class", as: Int.self), try table.read("size", as: Double.self))
    #expect(try found["objects"] as? Int == classes.count && table.readStrings("class_names") == ["paste", "void"])
    let voids = try #require((found["classes"] as? [String: Any])?["void"] as? [String: Any])
    let own = classes.indices.filter { classes[$0] == 1 }.map { sizes[$0] }
    #expect(voids["objects"] as? Int == own.count && voids["voxels"] as? Double == own.reduce(0, +))
    let size = try #require(voids["size"] as? [String: Double])
    #expect(size["maximum"] == own.max() && size["minimum"] == own.min())
    #expect(try abs(#require(size["mean"]) - own.reduce(0, +) / Double(own.count)) < 1e-9)
    #expect(found["size_unit"] as? String == "pixels" && (found["table"] as? String)?.hasSuffix(".csv") == true)
    // Labels alone.
    let alone = try #require(
      try figures(["instances", job.results, "--no-measures", "-o", job.folder + "/alone.h5"], ranks: 2)
        as? [String: Any])
    #expect(alone["objects"] as? Int == classes.count && alone["table"] == nil)
    let labels = try File(opening: job.folder + "/alone.h5").read("entry/instances/labels", as: Int.self)
    #expect(try labels == File(opening: path).read("entry/instances/labels", as: Int.self))
    #expect(!FileManager.default.fileExists(atPath: job.folder + "/alone.csv"))
    let told = try #require((try figures(["info", job.folder + "/alone.h5"]) as? [[String: Any]])?.first)
    #expect((told["facts"] as? [String: String])?["objects"] == "\(classes.count)")
    // None at all.
    let none = try #require(
      try figures(["instances", job.results, "--smallest", "100000", "-o", job.folder + "/none.h5"]) as? [String: Any])
    #expect(none["objects"] as? Int == 0)
  }

  @Test("info says what the program's own files are")
  func info() throws {
    let job = try EndToEndJob.tiny("info")
    try job.succeed()
    func told(_ path: String) throws -> [[String: Any]] {
      try #require(try figures(["info", path]) as? [[String: Any]])
    }
    let member = try #require(try told(job.member(1)).first)
    let facts = try #require(member["facts"] as? [String: String])
    #expect(member["kind"] as? String == "a member of an ensemble" && facts["member"] == "1 of 2, seed 1")
    let count = try MemberFile.read(job.member(1)).parameters.count
    #expect(facts["network"]?.hasPrefix("smsnet, \(count) parameters, 1 to 2 channels") == true, "\(facts)")
    #expect(facts["epochs"] == "1 of 1" && facts["last epoch"]?.hasPrefix("loss ") == true, "\(facts)")
    let state = try #require(try told(job.member(0) + ".checkpoint").first)
    #expect(state["kind"] as? String == "a checkpoint of a member's training")
    let known = try #require(try told(job.calibration).first)
    let levels = try #require(known["facts"] as? [String: String])
    #expect(known["kind"] as? String == "the calibration of an ensemble" && levels["method"] == "lac")
    #expect(levels["level 0.8"] != nil, "\(levels)")
    let results = try told(job.results)
    #expect(results.count == 2 && results[0]["kind"] as? String == "the results of a job")
    #expect(results[1]["axes"] as? String == "icyx")
    let text = try EndToEnd.run(["info", job.member(0)])
    #expect(text.output.contains("is          a member of an ensemble"), "\(text.output)")
    // A folder of them.
    let all = try told(job.memberFolder)
    #expect(all.count { $0["kind"] as? String == "a member of an ensemble" } == 2)
  }

  @Test("simulate prints what it found as numbers")
  func simulate() throws {
    var job = try EndToEndJob.tiny("simulate-json")
    job.members = 8
    try job.write()
    let report = try #require(try figures(["simulate", job.path, "--ranks", "4"]) as? [String: Any])
    let (makespan, bound) = (report["makespan_s"] as? Double, report["lower_bound_s"] as? Double)
    #expect(report["ranks"] as? Int == 4 && (report["operations"] as? [Double])?.count == 8)
    #expect(try #require(makespan) >= #require(bound) && #require(bound) > 0)
    #expect(try abs(#require(report["ratio"] as? Double) - #require(makespan) / #require(bound)) < 1e-9)
  }

  @Test("doctor prints its findings as a list")
  func doctor() throws {
    let findings = try #require(
      try figures(["doctor", "--folder", EndToEnd.folder, "--threads", "1"], ranks: 2) as? [[String: String]])
    #expect(findings.contains { $0["subject"] == "ranks" && $0["text"]?.hasPrefix("2 ranks on 1 node") == true })
    #expect(findings.allSatisfy { ["ok", "warning", "problem"].contains($0["state"]) })
  }
}
