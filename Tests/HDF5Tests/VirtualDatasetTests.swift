import CHDF5
import Foundation
import TestSupport
import Testing

@testable import HDF5

@Suite struct VirtualDatasetTests {
  /// A virtual dataset `[2, 3]` at `/all`, of `/part` in two files beside it.
  private func write(_ folder: String, sources: [String] = ["one.h5", "two.h5"]) throws -> String {
    let path = "\(folder)/all.h5"
    let file = try File(creating: path)
    let place = Place(file: path)
    try file.object.use { raw in
      let space = try Layout.space([2, 3], at: place)
      let part = try Layout.space([3], at: place)
      let list = try Identifier.properties(chdf5_dataset_create(), at: place)
      for (row, source) in sources.enumerated() {
        let (start, count): ([hsize_t], [hsize_t]) = ([hsize_t(row), 0], [1, 3])
        H5Sselect_hyperslab(space.raw, H5S_SELECT_SET, start, nil, count, nil)
        try place.check(H5Pset_virtual(list.raw, space.raw, source, "/part", part.raw), "H5Pset_virtual", "map")
      }
      let whole = try Layout.space([2, 3], at: place)
      _ = try place.own(
        H5Dcreate2(raw, "all", chdf5_float(), whole.raw, chdf5_default(), list.raw, chdf5_default()), .dataset,
        "H5Dcreate2", "make it")
    }
    try file.close()
    return path
  }

  private func part(_ path: String, _ name: String = "/part") throws {
    let file = try File(creating: path)
    try file.write([Float](repeating: 1, count: 3), to: name)
    try file.close()
  }

  private func problem(_ path: String) throws -> String {
    let file = try File(opening: path)
    defer { try? file.close() }
    do {
      try file.dataset("all").requireSources()
      return ""
    } catch {
      return "\(error)".replacingOccurrences(of: (path as NSString).deletingLastPathComponent, with: "FOLDER")
    }
  }

  @Test func `a virtual dataset with a source that is gone is refused, and the source is named`() throws {
    try TemporaryFolder.with { folder in
      let path = try write(folder)
      try part("\(folder)/one.h5")
      try part("\(folder)/two.h5")
      #expect(try problem(path) == "")
      try FileManager.default.removeItem(atPath: "\(folder)/two.h5")
      #expect(
        try problem(path)
          == "FOLDER/all.h5:/all: part of this virtual dataset is in the file two.h5, which is missing; put it into FOLDER, "
          + "or make the dataset without it")
      try part("\(folder)/two.h5", "/other")
      #expect(
        try problem(path)
          == "FOLDER/all.h5:/all: part of this virtual dataset is in /part of two.h5, which is missing; mend that file, or "
          + "make the dataset without it")
    }
  }

  @Test func `other datasets have no sources`() throws {
    try TemporaryFolder.with { folder in
      let file = try File(creating: "\(folder)/a.h5")
      try file.write([Float](repeating: 1, count: 3), to: "/all")
      #expect(throws: Never.self) { try file.dataset("all").requireSources() }
      try file.close()
    }
  }

  @Test func `a link into nowhere is named with what it leads to`() throws {
    try TemporaryFolder.with { folder in
      let file = try File(creating: "\(folder)/a.h5")
      try file.createSoftLink("dangling", to: "/nowhere")
      try file.object.use { raw in
        _ = H5Lcreate_external("lost.h5", "/images", raw, "external", chdf5_default(), chdf5_default())
      }
      func message(_ name: String) -> String {
        do {
          _ = try file.dataset(name)
          return ""
        } catch {
          return "\(error)".replacingOccurrences(of: folder, with: "FOLDER")
        }
      }
      #expect(message("dangling") == "FOLDER/a.h5:/dangling: this is a link to /nowhere, which is not there")
      #expect(
        message("/external")
          == "FOLDER/a.h5:/external: this is a link to /images in the file lost.h5, of which one is not there")
      #expect(message("danglin").hasSuffix("there is no such dataset; did you mean ‘dangling’?"))
      try file.close()
    }
  }
}

@Suite struct MissingFilterTests {
  @Test func `chunks packed with a filter that the library lacks name where its plugin is looked for`() throws {
    try TemporaryFolder.with { folder in
      let path = "\(folder)/a.h5"
      try "own".withCString { name in
        try Library.locked {
          try Library.open()
          var filter = H5Z_class2_t()
          (filter.version, filter.id, filter.name) = (1, 300, name)
          (filter.encoder_present, filter.decoder_present) = (1, 1)
          filter.filter = { _, _, _, bytes, _, _ in bytes }
          #expect(H5Zregister(&filter) >= 0)
        }
        let file = try File(creating: path)
        let place = Place(file: path)
        try file.object.use { raw in
          let space = try Layout.space([4], at: place)
          let list = try Identifier.properties(chdf5_dataset_create(), at: place)
          let chunk: [hsize_t] = [4]
          #expect(H5Pset_chunk(list.raw, 1, chunk) >= 0 && H5Pset_filter(list.raw, 300, 0, 0, nil) >= 0)
          let dataset = try place.own(
            H5Dcreate2(raw, "packed", chdf5_float(), space.raw, chdf5_default(), list.raw, chdf5_default()), .dataset,
            "H5Dcreate2", "make it")
          let values: [Float] = [1, 2, 3, 4]
          #expect(H5Dwrite(dataset.raw, chdf5_float(), chdf5_all(), chdf5_all(), chdf5_default(), values) >= 0)
        }
        try file.close()
        Library.locked { #expect(H5Zunregister(300) >= 0) }
      }
      let file = try File(opening: path)
      let dataset = try file.dataset("packed")
      #expect {
        try dataset.read(as: Float.self)
      } throws: { "\($0)".contains("which this HDF5 library does not have; set HDF5_PLUGIN_PATH to the folder") }
      try file.close()
    }
  }
}
