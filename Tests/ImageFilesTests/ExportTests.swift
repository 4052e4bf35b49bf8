import Foundation
import HDF5
import Testing

@testable import ImageFiles

@Suite("Export")
struct ExportTests {
  /// Writes a fixture in another format and opens what was written.
  private func written(_ source: String, as name: String) throws -> (any StoredArray, Scratch) {
    let scratch = try Scratch()
    _ = try ArrayExport.write(try fixture(source), named: "a & b", to: "\(scratch.folder)/\(name)")
    try ArrayExport.finish("\(scratch.folder)/\(name)")
    let left = try FileManager.default.contentsOfDirectory(atPath: scratch.folder)
    #expect(left == [name])
    return (try ArrayFile.open(scratch.location(name)).1, scratch)
  }

  @Test(
    "what is written is read back with its values, axes and voxel size",
    arguments: [
      ("nxdata.h5", "a.tif", ["50 nm", "4 nm", "4 nm"]), ("nxdata.h5", "a.ome.tif", ["50 nm", "4 nm", "4 nm"]),
      ("nxdata.h5", "a.mrc", ["500 Å", "40 Å", "40 Å"]), ("nxdata.h5", "a.nii", ["0.05 µm", "0.004 µm", "0.004 µm"]),
      ("nxdata.h5", "a.nii.gz", ["0.05 µm", "0.004 µm", "0.004 µm"]),
      ("nxdata.h5", "a.zarr", ["50 nm", "4 nm", "4 nm"]),
      ("i16.nii", "a.ome.tif", ["2 mm", "0.5 mm", "0.4 mm"]), ("i16.nii", "a.tif", ["-", "-", "-"]),
      ("mode2.mrc", "a.ome.tif", ["50 Å", "4 Å", "4 Å"]),
      ("v05.zarr:0", "a.tif", ["0.05 µm", "0.004 µm", "0.004 µm"]),
    ])
  func volumes(source: String, target: String, spacing: [String]) throws {
    let (array, scratch) = try written(source, as: target)
    let original = try fixture(source)
    #expect(array.shape == original.shape)
    #expect(try array.read(as: Double.self) == original.read(as: Double.self))
    #expect(array.facts.axes == "zyx")
    #expect(array.facts.spacing.map { $0?.description ?? "-" } == spacing)
    withExtendedLifetime(scratch) {}
  }

  @Test("channels, times and slices keep their places", arguments: ["a.tif", "a.ome.tif", "a.npy", "a.nii", "a.zarr"])
  func hyperstacks(target: String) throws {
    let (array, scratch) = try written("ome.ome.tif", as: target)
    let original = try fixture("ome.ome.tif")
    let axes = try #require(target == "a.npy" ? "tczyx" : array.facts.axes)
    let order = try "tzcyx".map { try #require(axes.firstIndex(of: $0)) }.map {
      axes.distance(from: axes.startIndex, to: $0)
    }
    let back = PermutedArray(array, order: order, axes: "tzcyx")
    #expect(back.shape == original.shape)
    #expect(try back.read(as: Int.self) == original.read(as: Int.self))
    withExtendedLifetime(scratch) {}
  }

  @Test("a pyramid's scales halve until a plane is one chunk")
  func pyramid() throws {
    let scratch = try Scratch()
    let file = try File(creating: "\(scratch.folder)/a.h5")
    try file.write((0..<3 * 600 * 300).map { Int32($0) }, shape: [3, 600, 300], to: "/x")
    try file.close()
    let array = try ArrayFile.open(scratch.location("a.h5")).1
    let path = "\(scratch.folder)/a.zarr"
    // Two ranks, one after the other.
    for rank in [1, 0] {
      _ = try ArrayExport.write(array, named: "x", to: path, share: ArrayExport.Share(rank: rank, count: 2))
    }
    try ArrayExport.finish(path)
    #expect(try ArrayFile.arrays(in: scratch.location("a.zarr")) == ["0", "1", "2"])
    #expect(try ArrayFile.open(scratch.location("a.zarr:0")).1.read(as: Int.self) == array.read(as: Int.self))
    let small = try ArrayFile.open(scratch.location("a.zarr:2")).1
    #expect(small.shape == [1, 150, 75])
    #expect(
      try small.read(as: Int.self) == ArrayFile.open(scratch.location("a.h5[::4, ::4, ::4]")).1.read(as: Int.self))
  }

  @Test("slices are PNG images of their own, numbers that are no bytes scaled alike")
  func slices() throws {
    let scratch = try Scratch()
    let notes = try ArrayExport.write(
      try fixture("mode2.mrc"), named: "x", to: "\(scratch.folder)/s%03d.png")
    #expect(notes == ["scaled to 16 bits: 0 is -7.5, 65535 is 82.25"])
    let array = try ArrayFile.open(scratch.location("s*.png")).1
    #expect(array.shape == [3, 10, 12])
    let values = try array.read(as: Int.self)
    #expect(values.first == 0 && values.last == 65535)
    #expect(
      message { _ = try ArrayExport.write(try fixture("u8.tif"), named: "x", to: "\(scratch.folder)/a.png") }
        .hasSuffix("a.png is one image, but 3 are exported; write a pattern, such as slices/%04d.png."))
  }

  @Test("what a format cannot hold is refused")
  func refused() throws {
    let scratch = try Scratch()
    func said(_ source: String, _ target: String) -> String {
      message { _ = try ArrayExport.write(try fixture(source), named: "x", to: "\(scratch.folder)/\(target)") }
    }
    #expect(
      said("ome.ome.tif", "a.mrc")
        == "x has the axes [t 2, z 3, c 2, y 4, x 5], but MRC holds zyx alone; take one class or image of it (--class, --image)."
    )
    #expect(said("u8.tif", "a.jpg").contains("has an ending that is not known"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder) == [])
  }
}
