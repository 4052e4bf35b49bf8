import Foundation
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
