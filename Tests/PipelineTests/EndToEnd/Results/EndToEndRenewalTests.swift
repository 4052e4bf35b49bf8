import Foundation
import HDF5
import TestSupport
import Testing

/// Jobs whose files change when all is done: what depends on the change is made again, which `check` tells, and no more.
@Suite("End to end: changes in a finished job", .serialized)
struct EndToEndRenewalTests {
  /// A job that ran, with more of its file.
  ///
  /// - Parameter learns: whether its networks are trained until they find objects.
  private func ran(_ name: String, _ more: String = "", learns: Bool = false) throws -> EndToEndJob {
    var job = try EndToEndJob.tiny(name)
    if learns { (job.epochs, job.rate) = (30, "0.02") }
    try write(job, more)
    try job.succeed(ranks: nil)
    return job
  }

  private func write(_ job: EndToEndJob, _ more: String) throws {
    try (job.text + more).write(toFile: job.path, atomically: true, encoding: .utf8)
  }

  private func check(_ job: EndToEndJob) throws -> String {
    let ended = try EndToEnd.run(["check", job.path, "--threads", "1"])
    try #require(ended.status == 0, "\(ended.errors)")
    return ended.output
  }

  private func path(_ job: EndToEndJob, _ ending: String) -> String { job.folder + "/results/result.\(ending)" }

  private func text(_ job: EndToEndJob, _ ending: String) throws -> String {
    try String(contentsOfFile: path(job, ending), encoding: .utf8)
  }

  private func endings(_ job: EndToEndJob) throws -> [String] {
    try EndToEnd.contents(job.folder + "/results").filter { !$0.contains("members") && $0 != "result.log" }.map {
      String($0.dropFirst("result.".count))
    }
  }

  /// A run that has nothing to do changes no file.
  private func expectSettled(_ job: EndToEndJob) throws {
    #expect(try !check(job).contains(" again: "))
    func states() throws -> [String: Data] {
      try Dictionary(uniqueKeysWithValues: endings(job).map { ($0, try EndToEnd.bytes(path(job, $0))) })
    }
    let before = try states()
    let ended = try job.succeed(ranks: nil)
    #expect(ended.errors.contains("The results are there already"))
    #expect(try states() == before, "\(ended.errors)")
  }

  // MARK: Objects

  @Test("another rule of objects makes them again, with the files of a fresh run, and nothing else but the page")
  func otherRule() throws {
    let job = try ran("rule", "instances: {smallest: 1}\n", learns: true)
    let results = try EndToEnd.bytes(job.results)
    let count = try text(job, "instances.csv").split(separator: "\n").count
    try expectSettled(job)
    let other = "instances: {smallest: 4, connectivity: 4}\n"
    try write(job, other)
    let plan = try check(job)
    #expect(
      plan.contains(
        "Objects would be told apart again: instances.connectivity is 4 and was not set; instances.smallest is 4 and was 1."
      ),
      "\(plan)")
    #expect(plan.contains("The page would be written again: "), "\(plan)")
    let ended = try job.succeed(ranks: 2)
    #expect(ended.errors.contains("Objects are told apart again: instances.connectivity is 4"), "\(ended.errors)")
    let fresh = try ran("fresh", other, learns: true)
    #expect(try EndToEnd.difference(path(job, "instances.h5"), path(fresh, "instances.h5")) == "")
    #expect(try text(job, "instances.csv") == text(fresh, "instances.csv"))
    let left = try text(job, "instances.csv").split(separator: "\n").count
    #expect(left > 10 && left < count, "\(left) lines of \(count)")
    #expect(try text(job, "report.html").contains("smallest: 4"))
    #expect(try EndToEnd.bytes(job.results) == results)
    try expectSettled(job)
  }

  @Test("objects that a job begins to ask for are found, and those that it asks for no more are removed")
  func addedAndRemoved() throws {
    let job = try ran("added")
    let before = try endings(job)
    #expect(try !text(job, "report.html").contains("Objects of each class"))
    try write(job, "instances: {}\n")
    #expect(try check(job).contains("Objects would be told apart again: \(path(job, "instances.h5")) is not there."))
    try job.succeed(ranks: nil)
    #expect(try endings(job) == (before + ["instances.csv", "instances.h5"]).sorted())
    #expect(try text(job, "report.html").contains("Objects of each class"))
    try expectSettled(job)
    // A table that is gone comes again.
    let table = try text(job, "instances.csv")
    try FileManager.default.removeItem(atPath: path(job, "instances.csv"))
    try job.succeed(ranks: nil)
    #expect(try text(job, "instances.csv") == table)
    try write(job, "")
    #expect(try check(job).contains("\(path(job, "instances.h5")) would be removed, with its table"))
    let ended = try job.succeed(ranks: 2)
    #expect(ended.errors.contains("result.instances.h5 is removed, with its table"), "\(ended.errors)")
    #expect(try endings(job) == before)
    #expect(try !text(job, "report.html").contains("Objects of each class"))
    try expectSettled(job)
  }

  @Test("objects that a user asked for stay as long as their results, and the page shows them")
  func ownObjects() throws {
    let job = try ran("own")
    let found = try EndToEnd.run(["instances", job.results, "--smallest", "2"])
    try #require(found.status == 0, "\(found.errors)")
    let objects = try EndToEnd.bytes(path(job, "instances.h5"))
    try job.succeed(ranks: nil)
    #expect(try EndToEnd.bytes(path(job, "instances.h5")) == objects)
    #expect(try text(job, "report.html").contains("Objects of each class"))
    try expectSettled(job)
    // Of the results that follow they are not.
    var other = job
    other.coverage = [0.7]
    try other.write()
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"])
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(try !endings(job).contains { $0.hasPrefix("instances") })
    #expect(try !text(job, "report.html").contains("Objects of each class"))
  }

  @Test("a picture of directions that nobody asks for any more goes with the search that drew it")
  func picture() throws {
    let job = try EndToEndSameBitsTests.Reference.volume.get().job
    let output = try EndToEnd.makeFolder("picture") + "/objects"
    for (options, isThere) in [(["--autocorrelation", "3"], true), (["--overwrite"], false)] {
      let ended = try EndToEnd.run(["instances", job.results, "-o", output + ".h5"] + options)
      #expect(ended.status == 0, "\(ended.errors)")
      #expect(FileManager.default.fileExists(atPath: output + ".svg") == isThere)
    }
  }

  // MARK: What the results tell

  @Test("another name is in the results and on the page, and nothing is predicted again")
  func name() throws {
    let job = try ran("name")
    let old = try job.copyWithFiles("before")
    let text = job.text.replacing("name: end to end", with: "name: renamed")
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    let plan = try check(job)
    #expect(plan.contains("given their title again: name is renamed, and it is ‘end to end: ensemble prediction’."))
    try job.succeed(ranks: 2)
    let file = try File(opening: job.results)
    #expect(try file.readStrings("entry/title") == ["renamed: ensemble prediction"])
    #expect(try file.readStrings("entry/provenance/job_file") == [text])
    try file.close()
    #expect(try self.text(job, "report.html").contains("<h1>renamed</h1>"))
    // All else is as it was.
    let edited = try File(opening: old.results, mode: .readWrite)
    try edited.group("entry").remove("title")
    try edited.group("entry").write("renamed: ensemble prediction", to: "title")
    try edited.close()
    #expect(try EndToEnd.difference(job.results, old.results) == "")
    try expectSettled(job)
  }

  @Test("other kinds of images evaluate latent values again, to the figures of a fresh run")
  func kinds() throws {
    let folder = try EndToEnd.makeFolder("kinds")
    try EndToEnd.writeImages(in: folder, numbers: ["halves": { $0 % 2 }, "thirds": { $0 % 3 }])
    func write(_ job: EndToEndJob, _ kinds: String) throws {
      try EndToEnd.writeLatentJob(
        "kinds", prediction: kinds, "results: {number-type: float16}", output: "results/result.h5", to: job.path)
    }
    var job = try EndToEndJob.tiny("kinds-none")
    job.folder = folder
    try write(job, "")
    try job.succeed(ranks: nil)
    for kinds in [", kinds: data.h5:/halves", ", kinds: data.h5:/thirds", ""] {
      try write(job, kinds)
      let plan = try check(job)
      #expect(plan.contains("Latent values would be evaluated again: prediction.kinds "), "\(plan)")
      let ended = try job.succeed(ranks: 2)
      let fresh = try job.copy("fresh")
      try FileManager.default.copyItem(atPath: folder + "/data.h5", toPath: fresh.folder + "/data.h5")
      try write(fresh, kinds)
      let whole = try fresh.succeed(ranks: nil)
      #expect(try EndToEnd.difference(job.results, fresh.results) == "", "\(kinds)")
      func tables(_ ended: Ended) -> Substring? { ended.output.components(separatedBy: "\n\nResults: ").first?[...] }
      #expect(tables(ended) == tables(whole))
      try expectSettled(job)
    }
  }

  @Test("OME-Zarr of results with other settings is written again")
  func zarr() throws {
    var job = try EndToEndJob.tiny("zarr-renewed")
    job.output = "results/result.zarr"
    try job.write()
    try job.succeed(ranks: nil)
    let (zarr, kept) = (job.folder + "/results/result.zarr", job.folder + "/kept.zarr")
    try FileManager.default.copyItem(atPath: zarr, toPath: kept)
    try write(job, "results: {number-type: uint8}\n")
    let replaced = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"])
    try #require(replaced.status == 0, "\(replaced.errors)")
    let wanted = try EndToEnd.bytes(zarr + "/.zattrs")
    // As a run leaves it that is killed before it writes the folder.
    try FileManager.default.removeItem(atPath: zarr)
    try FileManager.default.moveItem(atPath: kept, toPath: zarr)
    #expect(try check(job).contains("OME-Zarr would be written again: \(zarr) is of another prediction."))
    try job.succeed(ranks: 2)
    #expect(try EndToEnd.bytes(zarr + "/.zattrs") == wanted)
  }

  // MARK: What is more than that

  @Test("statistics over members keep the calibration; what a run would replace is told with its reason")
  func statistics() throws {
    let job = try ran("statistics")
    let calibration = try EndToEnd.bytes(job.calibration)
    let more = "prediction: {statistics: {maps: [entropy]}}\n"
    try write(job, more)
    let plan = try check(job)
    #expect(plan.contains("The calibration is there already."), "\(plan)")
    #expect(
      plan.contains("\(job.results) was made by another job: prediction.statistics.")
        && plan.contains("prediction.statistics.maps is [entropy] and was not set")
        && plan.contains("; a run replaces it with --overwrite."), "\(plan)")
    #expect(try EndToEnd.run(["run", job.path, "--threads", "1"]).status != 0)
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"], ranks: 2)
    #expect(ended.status == 0 && ended.errors.contains("The calibration is there already."), "\(ended.errors)")
    #expect(try EndToEnd.bytes(job.calibration) == calibration)
    #expect(try EndToEnd.difference(job.results, ran("statistics-fresh", more).results) == "")
    try expectSettled(job)
  }

  @Test("other groups of the calibration images are other data, and so is the test part")
  func groups() throws {
    var job = try EndToEndJob.tiny("groups")
    let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
    try file.write([0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7] as [Int32], to: "person")
    try file.close()
    job.labels = "data.h5:/labels\n  groups: data.h5:/person"
    try job.write()
    try job.succeed(ranks: nil)
    try expectSettled(job)
    func change(_ numbers: [Int32]) throws {
      let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
      try file.dataset("person").write(numbers)
      try file.close()
    }
    try change([0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 5, 7])
    #expect(
      try check(job).contains("from other data: changed is data.h5:/labels or data.h5:/person in the test part"))
    try change([0, 0, 0, 1, 1, 1, 2, 2, 4, 5, 6, 7])
    #expect(try check(job).contains("changed is data.h5:/labels or data.h5:/person in the calibration part"))
    // The split is the same, and so are the members.
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"])
    #expect(ended.status == 0 && ended.errors.contains("2 of 2 members are trained already."), "\(ended.errors)")
  }

  @Test(
    "another voxel size in the images' file is other data of calibration and test, by which members are not trained anew"
  )
  func voxelSize() throws {
    let job = try EndToEndJob.tiny("spacing")
    func say(_ size: Double, _ unit: String) throws {
      let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
      let root = file.root
      try root.setAttribute("NX_class", "NXdata")
      try root.setAttribute("signal", "images")
      try root.setAttribute("axes", ["image", "y", "x"])
      for axis in ["y", "x"] {
        if try root.exists(axis) { try root.remove(axis) }
        try root.write((0..<16).map { Double($0) * size }, to: axis).setAttribute("units", unit)
      }
      try file.close()
    }
    func told() throws -> [Double] {
      try File(opening: job.results).group("entry/prediction").dataset("x").read(as: Double.self)
    }
    try say(2, "nm")
    try job.succeed(ranks: nil)
    try expectSettled(job)
    #expect(try told()[1] == 2)
    for (size, unit) in [(3.0, "nm"), (3.0, "mm")] {
      try say(size, unit)
      #expect(try check(job).contains("from other data: changed is data.h5:/images in the test part"))
      let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"])
      #expect(ended.status == 0 && ended.errors.contains("2 of 2 members are trained already."), "\(ended.errors)")
      #expect(try told()[1] == 3)
      try expectSettled(job)
    }
  }
}
