import Foundation
import HDF5
import TestSupport
import Testing

@Suite("HDF5 files")
struct FileTests {
  /// Fills a file with one of everything.
  private func fill(_ file: File) throws {
    let entry = try file.createGroup("entry/data")
    try file.setAttribute("default", "entry")
    try entry.setAttribute("axes", ["y", "x"])
    try entry.setAttribute("flag", true)
    try entry.setAttribute("rate", 0.01)
    let values = try entry.write(
      (0..<600).map { Float($0) / 4 }, shape: [20, 30], to: "values", layout: .chunked([5, 30], deflate: 6))
    let x = try entry.write((0..<30).map { Double($0) * 0.5 }, to: "x")
    try x.makeScale("x")
    try values.attach(x, toAxis: 1)
    try values.setLabel("row", ofAxis: 0)
    try entry.write([true, false, true], to: "mask")
    try entry.write(["paste", "void µ"], to: "classes")
    try entry.write(["ab", "µ"], to: "fixed", fixedBytes: 4)
    try entry.createSoftLink("signal", to: "values")
    try file.createSoftLink("nowhere", to: "/not/there")
  }

  @Test("the same calls give the same bytes, on disk and in memory")
  func bytes() throws {
    try TemporaryFolder.with { folder in
      var files: [Data] = []
      for name in ["a.h5", "b.h5"] {
        let file = try File(creating: folder + "/" + name)
        try fill(file)
        try file.close()
        files.append(try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
        // Times have whole seconds.
        Thread.sleep(forTimeInterval: 1.1)
      }
      #expect(files[0] == files[1])
      let images = try ["c", "d"].map { name in
        let image = try File(creatingImage: name)
        try fill(image)
        return try image.image()
      }
      #expect(images[0] == images[1])
    }
  }

  @Test("an image in memory is a file, on disk and read back from memory")
  func images() throws {
    let image = try File(creatingImage: "checkpoint")
    try fill(image)
    let bytes = try image.image()
    // It can go on afterwards.
    try image.write([1], to: "later")
    let back = try File(image: bytes)
    #expect(try back.read("entry/data/values", as: Float.self) == (0..<600).map { Float($0) / 4 })
    #expect(try back.readStrings("entry/data/classes") == ["paste", "void µ"])
    #expect(try back.exists("later") == false)
    #expect(try image.exists("later"))
    try TemporaryFolder.with { folder in
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/image.h5"))
      let file = try File(opening: folder + "/image.h5")
      #expect(try file.read("entry/data/x", as: Double.self).last == 14.5)
    }
    #expect(throws: HDF5Error.self) { try File(image: Array(bytes.prefix(700))) }
    #expect(throws: HDF5Error.self) { try File(image: []) }
  }

  @Test("groups are listed, found and removed; links lead on")
  func groups() throws {
    let image = try File(creatingImage: "groups")
    try fill(image)
    #expect(try image.names() == ["entry", "nowhere"])
    #expect(try image.group("/entry").group("data").path == "/entry/data")
    #expect(try image.kind(of: "entry") == .group)
    #expect(try image.kind(of: "entry/data/signal") == .dataset)
    #expect(try image.kind(of: "nowhere") == nil)
    #expect(try image.exists("entry/data/signal"))
    #expect(try image.exists("nowhere/on") == false)
    #expect(try image.exists("entry/data/values/more") == false)
    #expect(try image.exists("/"))
    #expect(try image.read("entry/data/signal", as: Float.self).count == 600)
    #expect(try image.requireGroup("entry").path == "/entry")
    #expect(try image.requireGroup("fresh/group").names() == [])
    try image.remove("entry/data/signal")
    #expect(try image.exists("entry/data/signal") == false)
    #expect(try image.exists("entry/data/values"))
  }

  @Test("scales and labels stand at their axes")
  func scales() throws {
    let image = try File(creatingImage: "scales")
    try fill(image)
    let values = try image.dataset("entry/data/values")
    #expect(try values.scales(ofAxis: 1) == ["/entry/data/x"])
    #expect(try values.scales(ofAxis: 0) == [])
    #expect(try values.label(ofAxis: 0) == "row")
    #expect(try values.label(ofAxis: 1) == "")
    #expect(try image.dataset("entry/data/x").isScale)
    #expect(try values.isScale == false)
    #expect(throws: HDF5Error.self) { try values.label(ofAxis: 2) }
  }

  @Test("files of several threads do not disturb each other")
  func threads() throws {
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      do {
        let image = try File(creatingImage: "same name")
        for step in 0..<20 {
          try image.write([index, step], to: "g\(step)/values")
          #expect(throws: HDF5Error.self) { try image.dataset("g\(step)/valeus") }
        }
        #expect(try image.names().count == 20)
        #expect(try image.read("g7/values", as: Int.self) == [index, 7])
      } catch {
        Issue.record(error)
      }
    }
  }

  @Test("h5dump sees the chunks, the filters and no fill")
  func h5dump() throws {
    guard let h5dump = program("h5dump") else { return note("skipped: h5dump sees the file (no h5dump)") }
    try TemporaryFolder.with { folder in
      let file = try File(creating: folder + "/a.h5")
      try fill(file)
      try file.close()
      let dump = try run(h5dump, ["-pH", "-d", "/entry/data/values", folder + "/a.h5"])
      #expect(dump.status == 0, "\(dump.errors)")
      for part in [
        "CHUNKED ( 5, 30 )", "PREPROCESSING SHUFFLE", "COMPRESSION DEFLATE { LEVEL 6 }",
        "FILL_TIME H5D_FILL_TIME_NEVER",
        "H5T_IEEE_F32LE", "( 20, 30 ) / ( 20, 30 )",
      ] {
        #expect(dump.output.contains(part), "\(part) is not in\n\(dump.output)")
      }
    }
  }

  @Test("h5py reads what is written here, and its files are read here")
  func h5py() throws {
    guard Requirement.python.holds(python != nil, "exchange with h5py"), let python else { return }
    try TemporaryFolder.with { folder in
      let file = try File(creating: folder + "/ours.h5")
      try fill(file)
      try file.close()
      let script = """
        import h5py, numpy as np, sys
        f = h5py.File(sys.argv[1] + "/ours.h5")
        d = f["entry/data"]
        assert f.attrs["default"] == "entry", f.attrs["default"]
        assert list(d.attrs["axes"]) == ["y", "x"]
        assert d.attrs["flag"] == True and d.attrs["rate"] == 0.01
        v = d["values"]
        assert v.dtype == "<f4" and v.chunks == (5, 30) and v.shuffle and v.compression == "gzip"
        assert np.array_equal(v[:], np.arange(600, dtype="f4").reshape(20, 30) / 4)
        assert np.array_equal(d["signal"][:], v[:])
        assert d["mask"].dtype == bool and list(d["mask"][:]) == [True, False, True]
        assert list(d["classes"].asstr()[:]) == ["paste", "void µ"]
        assert list(d["fixed"].asstr()[:]) == ["ab", "µ"]
        assert v.dims[1][0].name == "/entry/data/x" and v.dims[0].label == "row"
        g = h5py.File(sys.argv[1] + "/theirs.h5", "w")
        g["big"] = np.arange(4, dtype=">i2")
        g["half"] = np.array([0.5, -2, np.inf], "f2")
        g["bigdouble"] = np.array([1.5, np.inf, -np.inf], ">f8")
        g["flags"] = np.array([True, False])
        g["text"] = ["a", "žluť"]
        g["bytes"] = np.array([b"ab", b"c"])
        g.create_dataset("packed", data=np.eye(9), chunks=(2, 9), compression="gzip", fletcher32=True)
        g.attrs["ascii"] = np.bytes_("fixed")
        g.attrs["flag"] = np.True_
        g.attrs["list"] = np.arange(3)
        """
      let ended = try run(python, ["-c", script, folder])
      #expect(ended.status == 0, "\(ended.errors)")
      let theirs = try File(opening: folder + "/theirs.h5")
      #expect(try theirs.read("big", as: Int.self) == [0, 1, 2, 3])
      #expect(try theirs.read("half", as: Float.self) == [0.5, -2, .infinity])
      #expect(try theirs.read("bigdouble", as: Float.self) == [1.5, .infinity, -.infinity])
      #expect(try theirs.read("flags", as: Bool.self) == [true, false])
      #expect(try theirs.readStrings("text") == ["a", "žluť"])
      #expect(try theirs.readStrings("bytes") == ["ab", "c"])
      #expect(try theirs.read("packed", as: Float.self).reduce(0, +) == 9)
      #expect(try theirs.attribute("ascii", as: String.self) == "fixed")
      #expect(try theirs.attribute("flag", as: Bool.self))
      #expect(try theirs.attributes("list", as: Int.self) == [0, 1, 2])
    }
  }
}
