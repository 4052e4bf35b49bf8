import Foundation
import HDF5
import TestSupport
import Testing

/// One job, its data in the files that users have.
@Suite("End to end: formats")
struct EndToEndFormatTests {
  private static let data = Repository.path("Tests/Fixtures/formats/job")

  private static func job(_ images: String, _ labels: String, axes: String? = nil) throws -> EndToEndJob {
    var job = EndToEndJob(
      folder: try EndToEnd.makeFolder("formats"), images: "'\(data)/\(images)'", labels: "'\(data)/\(labels)'",
      split: "{train: 0.5, calibrate: 0.25, test: 0.25, seed: 1}", patch: [8, 8],
      network: "{family: smsnet, nodes: 2}", members: 2, epochs: 1)
    if let axes { job.split += "\n  axes: \(axes)" }
    try job.write()
    return job
  }

  private static let reference: Result<EndToEndJob, any Error> = Result {
    let job = try EndToEndFormatTests.job("job.h5:/images", "job.h5:/labels")
    try job.succeed(ranks: nil)
    return job
  }

  @Test("a job tells the numbers that are missing in its folders")
  func gaps() throws {
    let job = try EndToEndJob.tiny("gaps")
    let numbers = [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14]
    for (name, folder) in [("images", "scan"), ("labels", "marks")] {
      try FileManager.default.createDirectory(atPath: job.folder + "/" + folder, withIntermediateDirectories: true)
      for (slice, number) in numbers.enumerated() {
        let ended = try EndToEnd.run(
          ["export", job.folder + "/data.h5:/\(name)[\(slice)]", "--to", job.folder + "/\(folder)/s\(number).npy"])
        try #require(ended.status == 0, "\(ended.errors)")
      }
    }
    var other = job
    (other.images, other.labels) = ("scan", "marks/s*.npy")
    try other.write()
    let checked = try EndToEnd.run(["check", other.path, "--threads", "1"], ranks: 2)
    for name in ["scan", "marks/s*.npy"] {
      let line = "\(name): the numbers of the files have gaps: 6, 13 are not there."
      #expect(checked.errors.components(separatedBy: line).count == 2, "\(checked.errors)")
    }
    #expect(checked.output.contains("images [image 12, y 16, x 16]"))
  }

  @Test(
    "the same images and labels give the same bits, whatever file they are in",
    arguments: [
      ("images.tif", "labels.tif"), ("images.npy", "labels.npy"), ("images.mrc", "labels.mrc"),
      ("images.zarr", "labels.zarr"), ("images-last.npy", "labels-last.npy"),
    ])
  func sameBits(images: String, labels: String) throws {
    let reference = try Self.reference.get()
    let isLast = images.contains("last")
    let job = try Self.job(images, labels, axes: isLast ? "yxi" : nil)
    try job.succeed(ranks: isLast ? 2 : nil)
    let (own, other) = (try File(opening: job.results), try File(opening: reference.results))
    for name in ["mean", "mean_errors"] {
      let path = "entry/prediction/\(name)"
      #expect(try own.read(path, as: Float.self) == other.read(path, as: Float.self))
    }
    #expect(
      try own.read("entry/prediction/set", as: UInt8.self) == other.read("entry/prediction/set", as: UInt8.self))
  }

  @Test("the voxel size of the job stands in the results, with its unit")
  func voxelSize() throws {
    var job = try Self.job("images.tif", "labels.tif")
    job.split += "\n  voxel-size: [8 nm, 4 nm]"
    try job.write()
    try job.succeed(ranks: nil)
    let prediction = try File(opening: job.results).group("entry/prediction")
    #expect(try prediction.read("y", as: Double.self).prefix(3) == [0, 8, 16])
    #expect(try prediction.dataset("x").attribute("units", as: String.self) == "nm")
  }

  @Test("labels are the likeliest classes, and are exported with the axes of their images")
  func labels() throws {
    let job = try Self.reference.get()
    let prediction = try File(opening: job.results).group("entry/prediction")
    let labels = try prediction.read("labels", as: UInt8.self)
    let (mean, shape) = (try prediction.read("mean", as: Float.self), try prediction.dataset("mean").shape)
    let pixels = shape[2] * shape[3]
    #expect(try prediction.dataset("labels").shape == [shape[0], shape[2], shape[3]])
    for (index, label) in labels.enumerated() {
      let first = index / pixels * shape[1] * pixels + index % pixels
      #expect(label == (mean[first + pixels] > mean[first] ? 1 : 0))
    }
    let output = job.folder + "/labels.npy"
    let ended = try EndToEnd.run(["export", job.results, "--what", "labels", "--to", output])
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(Array(try EndToEnd.bytes(output).suffix(labels.count)) == labels)
    let set = try EndToEnd.run(["export", job.results, "--what", "set", "--to", output, "--overwrite"])
    #expect(set.messages.first?.contains("holds sets or intervals of the coverages 0.8, 0.9, 0.95") == true)
    let one = try EndToEnd.run(
      [
        "export", job.results, "--what", "set", "--coverage", "0.9", "--class", "void", "--to",
        job.folder + "/set.zarr",
      ],
      ranks: 2)
    #expect(one.status == 0, "\(one.errors)")
    let told = try EndToEnd.run(["info", job.folder + "/set.zarr"])
    #expect(told.output.contains("[3, 16, 16] (z 3, y 16, x 16)"), "\(told.output)")
  }
}
