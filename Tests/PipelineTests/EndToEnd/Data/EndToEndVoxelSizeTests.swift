import Foundation
import HDF5
import TestSupport
import Testing

/// How large the voxels of new images are, by what their files, the model and the command say.
@Suite("End to end: voxel sizes of new images")
struct EndToEndVoxelSizeTests {
  /// A job that measures images whose voxel size it says, and files of new images.
  private struct Trained: Sendable {
    let job: EndToEndJob
    var new: String { job.folder + "/new.h5" }

    init() throws {
      var job = try EndToEndJob.tiny("voxel-size")
      job.split += "\n  voxel-size: [0.05 µm, 0.004 µm]"
      try (job.text + "measurements: [volume]\n").write(toFile: job.path, atomically: true, encoding: .utf8)
      try job.succeed()
      self.job = job
      let images = try File(opening: job.folder + "/data.h5").dataset("images")
      let test = try images.read(as: Float.self, Hyperslab(start: [9, 0, 0], count: [3, 16, 16]))
      let file = try File(creating: new)
      try file.write(test, shape: [3, 16, 16], to: "silent")
      for (name, sizes) in [("alike", [50, 4.0]), ("other", [20, 20])] {
        let group = try file.createGroup(name)
        try group.setAttribute("NX_class", "NXdata")
        try group.setAttribute("signal", "images")
        try group.setAttribute("axes", ["image", "y", "x"])
        try group.write(test, shape: [3, 16, 16], to: "images")
        for (axis, size) in zip(["y", "x"], sizes) {
          try group.write((0..<16).map { Double($0) * size }, to: axis).setAttribute("units", "nm")
        }
      }
      try file.close()
    }
  }

  private static let trained = Result { try Trained() }

  private static func predict(
    _ dataset: String, by model: String? = nil, _ options: [String] = [], ranks: Int? = nil
  ) throws -> (Ended, String) {
    let trained = try trained.get()
    let output = try EndToEnd.makeFolder("voxel-size") + "/out.h5"
    let model = model ?? trained.job.results
    return (
      try EndToEnd.run(
        ["predict", model, "\(trained.new):\(dataset)", "-o", output, "--threads", "1"] + options, ranks: ranks),
      output
    )
  }

  /// What the results say of distances along y and x, and of the first image's class `void`.
  private struct Told: Equatable {
    var sizes: [Double]
    var units: [String]
    var volume: Double
    var unit: String
  }

  private static func told(_ results: String) throws -> Told {
    let entry = try File(opening: results).group("entry")
    let axes = try ["y", "x"].map { try entry.dataset("prediction/\($0)") }
    return Told(
      sizes: try axes.map { try $0.read(as: Double.self)[1] },
      units: try axes.map { try $0.attribute("units", as: String.self) },
      volume: try entry.read("measurements/image/mean", as: Double.self)[0],
      unit: try entry.readStrings("measurements/unit")[0])
  }

  private static let taken = "are taken to be as large as the model's"
  private static let differ = "The files of the new images say voxels of"

  @Test(
    "images whose file does not say how large voxels are have those of the model, which is told once",
    arguments: [nil, 2])
  func silent(ranks: Int?) throws {
    let own = try Self.told(try Self.trained.get().job.results)
    #expect(own.sizes == [0.05, 0.004] && own.units == ["um", "um"] && own.unit == "µm^2")
    let (ended, output) = try Self.predict("/silent", ranks: ranks)
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(try Self.told(output) == own)
    #expect(
      ended.errors.components(separatedBy: "\(Self.taken), 0.05 µm × 0.004 µm (y, x)").count == 2, "\(ended.errors)")
    // Predictions that were made so are no models; their sizes are as said.
    let (again, _) = try Self.predict("/silent", by: output)
    #expect(again.messages.first?.contains("it holds a prediction alone") == true, "\(again.errors)")
  }

  @Test("a size that the file says holds, and one that differs from the model's is told")
  func said() throws {
    let own = try Self.told(try Self.trained.get().job.results)
    let (alike, output) = try Self.predict("/alike/images")
    #expect(
      alike.status == 0 && !alike.errors.contains(Self.differ) && !alike.errors.contains(Self.taken), "\(alike.errors)")
    let told = try Self.told(output)
    #expect(told.sizes == [50, 4] && told.units == ["nm", "nm"] && told.unit == "nm^2")
    let (other, second) = try Self.predict("/other/images")
    #expect(other.status == 0, "\(other.errors)")
    #expect(
      other.errors.contains(
        "\(Self.differ) 20 nm × 20 nm (y, x), which holds; those that the model was trained with have 0.05 µm × 0.004 µm"
      ),
      "\(other.errors)")
    let twice = try Self.told(second)
    #expect(twice.sizes == [20, 20] && twice.unit == "nm^2")
    #expect(abs(twice.volume - told.volume * 2) < 1e-9 * told.volume && own.volume > 0)
  }

  @Test("a size that the command says holds, whatever the file says; a wrong one is refused")
  func asked() throws {
    let (ended, output) = try Self.predict("/other/images", ["--voxel-size", "2 mm, 3 mm"])
    #expect(ended.status == 0 && !ended.errors.contains(Self.differ), "\(ended.errors)")
    let told = try Self.told(output)
    #expect(told.sizes == [2, 3] && told.units == ["mm", "mm"] && told.unit == "mm^2")
    let (many, _) = try Self.predict("/silent", ["--voxel-size", "2 mm, 3 mm, 4 mm"], ranks: 2)
    #expect(many.messages.first?.hasPrefix("--voxel-size names 3 distances, but") == true, "\(many.errors)")
    let (wrong, _) = try Self.predict("/silent", ["--voxel-size", "2, 3"])
    #expect(wrong.status != 0 && wrong.errors.contains("needs lengths with their units"), "\(wrong.errors)")
  }

  @Test("a folder of members knows no voxel size")
  func members() throws {
    let (ended, output) = try Self.predict("/silent", by: try Self.trained.get().job.memberFolder)
    #expect(ended.status == 0 && !ended.errors.contains(Self.taken), "\(ended.errors)")
    #expect(try !File(opening: output).dataset("entry/prediction/y").hasAttribute("units"))
  }
}
