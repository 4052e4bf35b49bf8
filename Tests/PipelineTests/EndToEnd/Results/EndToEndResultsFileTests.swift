import Foundation
import HDF5
import TestSupport
import Testing

/// The results file is opened by programs that know nothing of this one.
@Suite("End to end: the results file")
struct EndToEndResultsFileTests {
  /// Follows the file as a viewer does, checks what must hold, and prints a few numbers.
  static let script = #"""
    import sys
    import h5py
    import numpy as np

    def check(holds, what):
        if not holds:
            sys.exit("wrong: " + what)

    volume = sys.argv[2] == "volume"
    levels = [0.8, 0.9, 0.95]
    with h5py.File(sys.argv[1], "r") as f:
        group = f
        while "default" in group.attrs:
            group = group[group.attrs["default"]]
        check(group.name == "/entry/prediction", "default chain ends at " + group.name)
        check(f["entry"].attrs["NX_class"] == "NXentry", "NXentry")
        check(group.attrs["NX_class"] == "NXdata", "NXdata")
        mean = group[group.attrs["signal"]]
        check(mean.name == "/entry/prediction/mean" and mean.dtype == np.float32, "signal")
        axes = list(group.attrs["axes"])
        check(axes == ["image", "class"] + (["z"] if volume else []) + ["y", "x"], "axes %s" % axes)
        check(mean.ndim == len(axes), "an axis for each dimension")
        for place, name in enumerate(axes):
            check(group[name].shape == (mean.shape[place],), "extent of axis " + name)
            check(group.attrs[name + "_indices"] == place, name + "_indices")
            check(mean.dims[place][0] == group[name], "dimension scale " + name)
        things = group["z"] if volume else group["image"]
        check(np.array_equal(group["indices"][:], things[:]), "indices")
        check([c.decode() for c in group["class_names"][:]] == ["paste", "void"], "class names")
        m, e = mean[:], group["mean_errors"][:]
        check(e.shape == m.shape and e.dtype == np.float32, "shape of mean_errors")
        check(np.isfinite(m).all() and m.min() >= 0 and m.max() <= 1, "probabilities")
        check(np.abs(m.sum(axis=1, dtype=np.float64) - 1).max() < 1e-5, "the classes' means sum to 1")
        check(m.std() > 0.01, "the prediction is not constant")
        check((e >= 0).all() and e.max() > 0, "mean_errors")
        s, size = group["set"][:], group["set_size"][:]
        check(s.shape == (len(levels),) + m.shape and set(np.unique(s)) <= {0, 1}, "set")
        check(np.array_equal(s.sum(axis=2), size), "set_size is the sum of set")
        calibration = f["entry/calibration"]
        check(np.array_equal(calibration["coverage"][:], levels), "levels")
        threshold = calibration["threshold"][:]
        check(threshold.dtype == np.float32 and (np.diff(threshold) >= 0).all(), "thresholds rise")
        check((calibration["infeasible"][:] == 0).all(), "feasible")
        for level in range(len(levels)):
            expected = np.float32(1) - m <= threshold[level]
            check(np.array_equal(s[level], expected), "set of level %d" % level)
        evaluation = f["entry/evaluation"]
        confusion = evaluation["confusion"][:]
        check(confusion.sum() == m[:, 0].size, "every test pixel is counted")
        predicted = m.argmax(axis=1)
        check(np.array_equal(np.bincount(predicted.ravel(), minlength=2), confusion.sum(axis=0)), "predicted classes")
        labels = f["entry/prediction"].file
        with h5py.File(sys.argv[3], "r") as data:
            truth = data["labels"][:][np.asarray(things[:])]
        if volume:
            truth = truth[None]
        check(np.array_equal(np.bincount(truth.ravel(), minlength=2), confusion.sum(axis=1)), "true classes")
        dice = [2 * ((predicted == c) & (truth == c)).sum() / ((predicted == c).sum() + (truth == c).sum()) for c in (0, 1)]
        check(np.allclose(evaluation["dice"][:], dice, rtol=1e-12, atol=0), "dice")
        covered = [np.take_along_axis(s[l], truth[:, None], axis=1).mean() for l in range(len(levels))]
        check(np.allclose(evaluation["coverage"][:], covered, rtol=1e-12, atol=0), "coverage")
        check(np.allclose(evaluation["mean_set_size"][:], size.mean(axis=tuple(range(1, size.ndim))), rtol=1e-12), "sizes")
        check(f["entry/members/member"][:].tolist() == [0, 1, 2, 3], "members")
        check(f["entry/provenance"].attrs["NX_class"] == "NXprocess", "provenance")
        print(" ".join("%.9g" % v for v in m[(0, slice(None)) + ((1,) if volume else ()) + (10, slice(20, 23))].ravel()))
    """#

  @Test(
    "h5py follows the default chain to the mean, finds what must hold, and reads what h5dump shows",
    arguments: [true, false])
  func h5py(isVolume: Bool) throws {
    guard Requirement.python.holds(python != nil, "reading the results with h5py"), let python else {
      return
    }
    let job = try (isVolume ? EndToEndSameBitsTests.Reference.volume : EndToEndSameBitsTests.Reference.stack).get().job
    let script = job.folder + "/look.py"
    try Self.script.write(toFile: script, atomically: true, encoding: .utf8)
    let looked = try EndToEnd.execute(
      [python, script, job.results, isVolume ? "volume" : "stack", EndToEnd.cement])
    try #require(looked.status == 0, "\(looked.errors)")
    let read = looked.output.split(separator: " ").compactMap { Float($0.trimmingCharacters(in: .newlines)) }
    #expect(read.count == 6)
    #expect(try dumped(job.results, isVolume: isVolume) == read)
  }

  @Test("h5dump shows the values that the library reads", arguments: [true, false])
  func h5dump(isVolume: Bool) throws {
    let job = try (isVolume ? EndToEndSameBitsTests.Reference.volume : EndToEndSameBitsTests.Reference.stack).get().job
    let mean = try File(opening: job.results).dataset("entry/prediction/mean")
    let slab =
      isVolume
      ? Hyperslab(start: [0, 0, 1, 10, 20], count: [1, 2, 1, 1, 3])
      : Hyperslab(start: [0, 0, 10, 20], count: [1, 2, 1, 3])
    #expect(try dumped(job.results, isVolume: isVolume) == mean.read(as: Float.self, slab))
  }

  @Test("a run ends with a page of its scores, curves and pictures, which the command report makes anew")
  func report() throws {
    for isVolume in [true, false] {
      let job = try (isVolume ? EndToEndSameBitsTests.Reference.volume : EndToEndSameBitsTests.Reference.stack).get()
        .job
      let path = job.folder + "/results/result.report.html"
      let html = try String(contentsOfFile: path, encoding: .utf8)
      let dice = try File(opening: job.results).read("entry/evaluation/f1_macro", as: Double.self)[0]
      #expect(html.contains("<td>\(String(format: "%.4f", dice))</td>"))
      // Four members and the ensemble; losses and the rate as drawings.
      #expect(html.contains(">member 3</th>") && html.contains(">ensemble</th>") && html.contains("Learning rate"))
      let pictures = html.components(separatedBy: "data:image/png;base64,").count - 1
      #expect(pictures >= 12 && pictures % 6 == 0)
      #expect(html.contains("type=\"range\"") == isVolume)
      #expect(html.utf8.count < 5_000_000)
      guard !isVolume else { continue }
      try FileManager.default.removeItem(atPath: path)
      let ended = try EndToEnd.run(["report", job.path])
      #expect(ended.status == 0 && ended.output.hasPrefix("Report: \(path)\n"), "\(ended.errors)")
      #expect(try String(contentsOfFile: path, encoding: .utf8) == html)
    }
  }

  /// Six values of the mean as h5dump prints them.
  private func dumped(_ path: String, isVolume: Bool) throws -> [Float] {
    let h5dump = try #require(program("h5dump"), "there is no h5dump in PATH (apt install hdf5-tools)")
    let (start, count) = isVolume ? ("0,0,1,10,20", "1,2,1,1,3") : ("0,0,10,20", "1,2,1,3")
    let ended = try EndToEnd.execute([
      h5dump, "-d", "/entry/prediction/mean", "-s", start, "-c", count, "-m", "%.9g", "-y", "-w", "0", path,
    ])
    try #require(ended.status == 0, "\(ended.errors)")
    // Without indices (-y) the values stand alone between the innermost braces.
    let data = try #require(ended.output.range(of: "DATA {"))
    let end = try #require(ended.output.range(of: "}", range: data.upperBound..<ended.output.endIndex))
    let text = ended.output[data.upperBound..<end.lowerBound]
    return text.split { ", \n".contains($0) }.compactMap { Float($0) }
  }
}
