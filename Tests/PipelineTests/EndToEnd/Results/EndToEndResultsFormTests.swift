import Foundation
import HDF5
import TestSupport
import Testing

/// What of a prediction is written, in which form, and who reads it.
@Suite("End to end: the form of results")
struct EndToEndResultsFormTests {
  /// A job with masks and objects, run with results as they are by default, which are kept in another file.
  private static func job(_ name: String) throws -> (job: EndToEndJob, plain: String) {
    let job = try EndToEndJob.tiny(name)
    _ = try run(job, "")
    let plain = job.folder + "/plain.h5"
    try FileManager.default.copyItem(atPath: job.results, toPath: plain)
    return (job, plain)
  }

  /// Runs the job with another section; members stay.
  @discardableResult
  private static func run(_ job: EndToEndJob, _ section: String, ranks: Int = 1) throws -> Ended {
    let more = """
      instances: {}
      uncertainty: {coverage: [0.8, 0.9], unit: image, masks: [{class: void, kind: outer}]}

      """
    let kept = job.text.split(separator: "\n").filter { !$0.hasPrefix("uncertainty:") }.joined(separator: "\n")
    try (kept + "\n" + more + section + "\n").write(toFile: job.path, atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"], ranks: ranks)
    try #require(ended.status == 0, "\(section): \(ended.errors)")
    return ended
  }

  private static func numbers(_ file: File, _ name: String) throws -> [Float] {
    try file.read("entry/\(name)", as: Float.self)
  }

  /// Whether two files have the same group.
  private static func difference(_ a: String, _ b: String, _ group: String) throws -> String {
    let h5diff = try #require(program("h5diff"), "there is no h5diff in PATH (apt install hdf5-tools)")
    let ended = try EndToEnd.execute([h5diff, "-c", a, b, group])
    return ended.status == 0 ? ended.errors : "status \(ended.status): " + ended.output + ended.errors
  }

  @Test("figures, masks and objects are those of exact results, whatever the form, on 1 and 2 ranks")
  func forms() throws {
    let (job, plain) = try Self.job("forms")
    let exact = try File(opening: plain)
    let (mean, spread) = (
      try Self.numbers(exact, "prediction/mean"), try Self.numbers(exact, "prediction/mean_errors")
    )
    for (section, ranks) in [
      ("results: {number-type: float16, compression: none}", 1), ("results: {number-type: uint8}", 2),
      ("results: {write: [labels], compression: 9}", 2), ("results: {write: [mean, set-size]}\n", 1),
    ] {
      if section.contains("set-size") {
        // Without labels objects cannot be told apart, which the job's check says.
        continue
      }
      try Self.run(job, section, ranks: ranks)
      let file = try File(opening: job.results)
      for group in ["/entry/evaluation", "/entry/masks"] {
        #expect(try Self.difference(plain, job.results, group).isEmpty, "\(section): \(group)")
      }
      #expect(
        try file.read("entry/prediction/labels", as: UInt8.self)
          == exact.read("entry/prediction/labels", as: UInt8.self))
      // What evaluation needed is gone.
      let names = try EndToEnd.contents((job.results as NSString).deletingLastPathComponent)
      #expect(!names.contains { $0.contains("exact") || $0.hasSuffix(".part") }, "\(names)")
      let prediction = try file.group("entry/prediction")
      if section.contains("float16") {
        #expect(try prediction.dataset("mean").elementType == .float(bits: 16))
        #expect(try prediction.dataset("mean").filters == ["fletcher32"])
        #expect(try Self.numbers(file, "prediction/mean") == mean.map { Float(Float16($0)) })
        #expect(try Self.numbers(file, "prediction/mean_errors") == spread.map { Float(Float16($0)) })
      } else if section.contains("uint8") {
        for (name, values) in [("mean", mean), ("mean_errors", spread)] {
          let dataset = try prediction.dataset(name)
          let (scale, offset) = (
            try dataset.attribute("scale_factor", as: Double.self), try dataset.attribute("add_offset", as: Double.self)
          )
          #expect(try dataset.attribute("_FillValue", as: UInt8.self) == 255 && offset == 0)
          let codes = try dataset.read(as: UInt8.self)
          let most = zip(codes, values).reduce(0.0) { max($0, abs(Double($1.0) * scale + offset - Double($1.1))) }
          #expect(most <= 0.5000001 * scale && codes.max() ?? 255 < 255, "\(name): \(most)")
          #expect(try prediction.read("\(name)_scaling_factor", as: Double.self) == [scale])
        }
      } else {
        #expect(try prediction.attribute("signal", as: String.self) == "labels")
        #expect(try prediction.attributes("axes", as: String.self) == ["image", "y", "x"])
        #expect(try !["mean", "mean_errors", "set"].contains { try prediction.exists($0) })
      }
    }
  }

  @Test("what is not written is named with how to have it, and what is rounded is turned back, by every reader")
  func readers() throws {
    let (job, plain) = try Self.job("readers")
    func tutti(_ arguments: [String]) throws -> Ended { try EndToEnd.run(arguments) }
    try Self.run(job, "results: {number-type: uint8}")
    let copy = job.folder + "/mean.npy"
    #expect(try tutti(["export", job.results, "--what", "mean", "--to", copy, "--overwrite"]).status == 0)
    let exported = [UInt8](try EndToEnd.bytes(copy)).suffix(4 * 3 * 2 * 256)
    let mean = try Self.numbers(File(opening: plain), "prediction/mean")
    let read = exported.withUnsafeBytes { bytes in
      (0..<mean.count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
    // The file's axes are classes, then images.
    let turned = (0..<mean.count).map { index -> Float in
      let (kind, image, pixel) = (index / 768, index / 256 % 3, index % 256)
      return mean[(image * 2 + kind) * 256 + pixel]
    }
    #expect(zip(read, turned).allSatisfy { abs($0 - $1) <= 0.5001 / 254 })
    let told = try tutti(["evaluate", job.path])
    #expect(told.status == 0 && told.output.contains("stored in fewer bits (results.number-type)"), "\(told.errors)")
    #expect(
      try File(opening: job.results).read("entry/evaluation/confusion", as: Int.self)
        == File(opening: plain).read("entry/evaluation/confusion", as: Int.self))
    #expect(try tutti(["show", job.results]).output.contains("; mean and spread as uint8"))
    let checked = try tutti(["check", job.path])
    #expect(checked.output.contains("result.h5 (mean and spread as uint8)"), "\(checked.output)")
    #expect(checked.output.contains("the exact mean, spread stand beside them"))
    // New images get the same form.
    let new = job.folder + "/new.h5"
    let predicted = try tutti(["predict", job.results, job.folder + "/data.h5:/images", "-o", new])
    #expect(predicted.status == 0, "\(predicted.errors)")
    let group = try File(opening: new).group("entry/prediction")
    #expect(try group.dataset("mean").elementType == .integer(bits: 8, signed: false))
    #expect(try File(opening: new).exists("entry/masks/outer-void"))
    #expect(try !EndToEnd.contents(job.folder).contains { $0.contains(".exact") })

    let labelled = try Self.run(job, "results: {write: [labels, set-size]}")
    #expect(
      labelled.output.contains(#"labels = h5py.File"#) && labelled.output.contains("[\"entry/prediction/labels\"]"))
    let export = try tutti(["export", job.results, "--what", "spread", "--to", job.folder + "/spread.npy"])
    #expect(
      export.status != 0 && export.messages.joined().contains("holds no spread; what is there: labels, set-size")
        && export.messages.joined().contains("results.write"), "\(export.errors)")
    #expect(try tutti(["export", job.results, "--what", "labels", "--to", job.folder + "/labels.npy"]).status == 0)
    let sizes = ["export", job.results, "--what", "set-size", "--coverage", "0.9", "--to", job.folder + "/size.npy"]
    #expect(try tutti(sizes).status == 0)
    let evaluated = try tutti(["evaluate", job.path])
    #expect(evaluated.status != 0 && evaluated.messages.joined().contains("holds no mean"), "\(evaluated.errors)")
    let calibrated = try tutti(["calibrate", job.results, "--coverage", "0.7"])
    #expect(
      calibrated.status != 0 && calibrated.messages.joined().contains("found from the exact mean"),
      "\(calibrated.errors)")
    let shown = try tutti(["show", job.results])
    #expect(shown.output.contains("; labels, set-size alone") && shown.output.contains("F1"), "\(shown.output)")
    let page = try String(contentsOfFile: job.folder + "/results/result.report.html", encoding: .utf8)
    #expect(page.contains("The results hold no mean, no spread"))
    #expect(try tutti(["picture", job.path, "-o", job.folder + "/picture.png"]).status == 0)
    // The same command finds its results and tells their figures.
    let again = try tutti(["run", job.path])
    #expect(again.status == 0 && again.errors.contains("The results are there already"), "\(again.errors)")
  }

  @Test("h5py and its users read 16 bits as such, and scale 8 bits by the attributes")
  func python() throws {
    let interpreter = TestSupport.python
    guard Requirement.python.holds(interpreter != nil, "reading the results with h5py"), let interpreter else { return }
    let (job, plain) = try Self.job("form-h5py")
    for type in ["float16", "uint8"] {
      try Self.run(job, "results: {number-type: \(type)}")
      let script = """
        import sys, h5py, numpy as np
        plain, other = [h5py.File(p)["entry/prediction"] for p in sys.argv[1:]]
        for name in ("mean", "mean_errors"):
            d = other[name]
            assert d.dtype == np.dtype("\(type)"), d.dtype
            v = d[()].astype(np.float64)
            if d.dtype == np.uint8:
                a, b = d.attrs["scale_factor"], d.attrs["add_offset"]
                nexus = (v + other[name + "_offset"][()]) * other[name + "_scaling_factor"][()]
                v = v * a + b
                assert np.array_equal(nexus, v)
                assert d.attrs["_FillValue"].dtype == np.uint8
                assert np.abs(v - plain[name][()]).max() <= 0.5001 * a
            else:
                assert np.array_equal(d[()], plain[name][()].astype(np.float16))
        """
      let ended = try EndToEnd.execute([interpreter, "-c", script, plain, job.results])
      #expect(ended.status == 0, "\(type): \(ended.errors)")
    }
  }

  @Test("predictions averaged over flips have the same bits on any number of ranks, and for new images too")
  func flips() throws {
    var job = try EndToEndJob.tiny("flips")
    job.output += "\nprediction: {augment: flips}"
    try job.write()
    try job.succeed()
    let two = try job.copy("flips-two")
    for name in ["data.h5"] {
      try FileManager.default.copyItem(atPath: job.folder + "/" + name, toPath: two.folder + "/" + name)
    }
    try two.succeed(ranks: 2)
    let path = "results/result.h5"
    #expect(try EndToEnd.difference(job.folder + "/" + path, two.folder + "/" + path).isEmpty)
    let file = try File(opening: job.folder + "/" + path)
    let tiling = try file.group("entry/prediction").attribute("tiling", as: String.self)
    #expect(tiling.hasSuffix("; the mean over flips"))
    let new = job.folder + "/new.h5"
    let ended = try EndToEnd.run(
      ["predict", job.folder + "/" + path, job.folder + "/data.h5:/images", "--images", "9,10,11", "-o", new])
    #expect(ended.status == 0 && !ended.errors.contains("otherwise"), "\(ended.errors)")
    #expect(
      try File(opening: new).read("entry/prediction/mean", as: Float.self)
        == file.read("entry/prediction/mean", as: Float.self))
  }
}
