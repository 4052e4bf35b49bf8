import Foundation
import HDF5
import TestSupport
import Testing

/// The jobs that the repository carries, shortened: fewer and smaller members, less data, few epochs. They still learn: each
/// reaches a score that neither a network that learns nothing nor the best simple rule would.
@Suite("Example jobs")
struct ExampleJobTests {
  private static let jobs = Repository.path("jobs")

  /// A job with the score that it must reach.
  struct Example: Sendable, CustomTestStringConvertible {
    var name: String
    var epochs: Int
    var images = 40
    var score: String
    var floor: Double

    var testDescription: String { "\(name): \(score) above \(floor)" }
  }

  @Test(
    "each runs to its results and learns",
    arguments: [
      // The noisy slices themselves correlate by 0.49 with the clean ones.
      Example(name: "denoising", epochs: 3, score: "correlation", floor: 0.85),
      Example(name: "quantiles", epochs: 3, score: "correlation", floor: 0.85),
      Example(name: "self-supervised", epochs: 3, score: "correlation", floor: 0.85),
      // The best threshold of the intensity reaches 0.71, one class everywhere 0.45.
      Example(name: "voids", epochs: 3, score: "f1_macro", floor: 0.8),
      Example(name: "cement-planes", epochs: 4, score: "f1_macro", floor: 0.8),
      Example(name: "shapes-autoencoder", epochs: 40, score: "correlation", floor: 0.6),
      // One kind for all reaches 0.1.
      Example(name: "shapes-classification", epochs: 40, images: 160, score: "f1_macro", floor: 0.5),
      Example(name: "shapes-labels", epochs: 40, images: 80, score: "classification/f1_macro", floor: 0.5),
      // The background everywhere reaches 0.2.
      Example(name: "shapes-segmentation", epochs: 30, score: "f1_macro", floor: 0.33),
    ])
  func runs(example: Example) throws {
    let name = example.name
    let folder = try EndToEnd.makeFolder(name)
    var text = try String(contentsOfFile: "\(Self.jobs)/\(name).yaml", encoding: .utf8)
    for (pattern, replacement) in [
      ("epochs: [0-9]+", "epochs: \(example.epochs)"), ("members: [0-9]+", "members: 2"),
      ("base-channels: [0-9]+", "base-channels: 4"),
      ("depth: [0-9]+", "depth: 2"), ("shapes-many", "shapes"), ("nodes: [0-9]+", "nodes: 3"), ("\\.\\./results/", ""),
      ("split: \\{dataset: data/cement[^}]*\\}", "split: {train: 0.25, calibrate: 0.05, test: 0.05}"),
      // Planes need as many slices as a patch has rows.
      ("patch: \\[24, 48\\]", "patch: [6, 48]"),
    ] {
      text = text.replacingOccurrences(of: pattern, with: replacement, options: .regularExpression)
    }
    try FileManager.default.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/data/cement.h5", withDestinationPath: Self.jobs + "/data/cement.h5")
    let made = try EndToEnd.run([
      "synthesize", "shapes", "-o", folder + "/data/shapes.h5", "--images", "\(example.images)",
    ])
    try #require(made.status == 0, "\(made.errors)")
    try text.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    let checked = try EndToEnd.run(["check", folder + "/job.yaml"])
    #expect(checked.status == 0 && checked.output.hasPrefix("\(name): "), "\(checked.errors)")
    let ended = try EndToEnd.run(["run", folder + "/job.yaml", "--threads", "1"])
    try #require(ended.status == 0, "\(ended.errors)")
    let evaluation = try File(opening: "\(folder)/\(name).h5").group("entry/evaluation")
    let coverage = try evaluation.read("coverage", as: Double.self)
    #expect(coverage.allSatisfy { (0...1).contains($0) } && !coverage.isEmpty)
    let score = try evaluation.read(example.score, as: Double.self)[0]
    #expect(score > example.floor, "\(example.score) is \(score)")
    guard name == "shapes-autoencoder" else { return }
    // Of two members and the test part's eight images.
    #expect(try evaluation.dataset("latent/map").shape == [2, 8, 2])
    #expect(try evaluation.read("latent/silhouette", as: Double.self).allSatisfy { (-1...1).contains($0) })
    let page = try String(contentsOfFile: "\(folder)/\(name).report.html", encoding: .utf8)
    // Each image in both maps of a member.
    #expect(page.components(separatedBy: "<g class=\"thumb\"").count == 17 && page.contains("kind 3"))
  }
}
