import Foundation
import HDF5
import Testing

/// The jobs that the repository carries, shortened: fewer and smaller members, one epoch.
@Suite("Example jobs")
struct ExampleJobTests {
  private static let jobs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("jobs").path

  @Test(
    "each runs to its results",
    arguments: ["denoising", "self-supervised", "shapes-classification", "shapes-segmentation"])
  func runs(name: String) throws {
    let folder = try EndToEnd.makeFolder(name)
    var text = try String(contentsOfFile: "\(Self.jobs)/\(name).yaml", encoding: .utf8)
    for (pattern, replacement) in [
      ("epochs: [0-9]+", "epochs: 1"), ("members: [0-9]+", "members: 2"), ("base-channels: [0-9]+", "base-channels: 2"),
      ("depth: [0-9]+", "depth: 2"), ("\\.\\./results/", ""),
      ("split: \\{dataset: data/cement[^}]*\\}", "split: {train: 0.1, calibrate: 0.05, test: 0.05}"),
    ] {
      text = text.replacingOccurrences(of: pattern, with: replacement, options: .regularExpression)
    }
    try FileManager.default.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/data/cement.h5", withDestinationPath: Self.jobs + "/data/cement.h5")
    let made = try EndToEnd.run(["synthesize", "shapes", "-o", folder + "/data/shapes.h5", "--images", "40"])
    try #require(made.status == 0, "\(made.errors)")
    try text.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    let checked = try EndToEnd.run(["check", folder + "/job.yaml"])
    #expect(checked.status == 0 && checked.output.hasPrefix("\(name): "), "\(checked.errors)")
    let ended = try EndToEnd.run(["run", folder + "/job.yaml", "--threads", "1"])
    try #require(ended.status == 0, "\(ended.errors)")
    let coverage = try File(opening: "\(folder)/\(name).h5").read("entry/evaluation/coverage", as: Double.self)
    #expect(coverage.allSatisfy { (0...1).contains($0) } && !coverage.isEmpty)
  }
}
