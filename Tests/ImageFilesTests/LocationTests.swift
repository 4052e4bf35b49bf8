import HDF5
import Testing

@testable import ImageFiles

@Suite("Locations")
struct LocationTests {
  private func ramp(_ text: String, shape: [Int] = [4, 5, 6]) throws -> (shape: [Int], values: [Int]) {
    let scratch = try Scratch()
    let file = try File(creating: "\(scratch.folder)/a.h5")
    try file.write((0..<shape.reduce(1, *)).map { Int32($0) }, shape: shape, to: "/x")
    try file.close()
    let array = try ArrayFile.open(scratch.location("a.h5\(text)")).1
    return (array.shape, try array.read(as: Int.self))
  }

  @Test("slices are read from the end of a location")
  func text() {
    let place = ArrayLocation("data/a.h5:/x[0:20, :, 3]")
    #expect(place.file == "data/a.h5" && place.dataset == "/x" && place.slices?.description == "[0:20, :, 3]")
    #expect("\(place)" == "data/a.h5:/x[0:20, :, 3]")
    #expect(ArrayLocation("a.tif[7]").file == "a.tif")
    // What is no slices belongs to the name.
    for name in ["a[b].tif", "a[b]", "slices_[0-9].tif", "a[0-9]"] { #expect(ArrayLocation(name).file == name) }
  }

  @Test("slices keep what NumPy's keep")
  func slices() throws {
    #expect(try ramp("[1]").shape == [5, 6])
    #expect(try ramp("[1]").values.first == 30)
    let part = try ramp("[1:3, ::2, -2:]")
    #expect(part.shape == [2, 3, 2])
    #expect(part.values == [34, 35, 46, 47, 58, 59, 64, 65, 76, 77, 88, 89])
    #expect(try ramp("[..., 2]").values == (0..<20).map { 6 * $0 + 2 })
    #expect(try ramp("[-1, -1, -1]").values == [119])
    #expect(try ramp("[2:100, 0, 0]").values == [60, 90])
  }

  @Test("a part of a part is read with both strides")
  func nested() throws {
    let scratch = try Scratch()
    let file = try File(creating: "\(scratch.folder)/a.h5")
    try file.write((0..<120).map { Int32($0) }, shape: [4, 5, 6], to: "/x")
    try file.close()
    let array = try ArrayFile.open(scratch.location("a.h5[1:, 1::2, 1]")).1
    #expect(array.shape == [3, 2])
    #expect(try array.read(as: Int.self, Hyperslab(start: [0, 1], count: [2, 1], stride: [2, 1])) == [49, 109])
  }

  @Test("slices that do not fit are refused with their place")
  func refused() {
    func said(_ text: String) -> String { message { _ = try ramp(text) } }
    #expect(said("[0, 0, 0, 0]").hasSuffix("[0, 0, 0, 0] names 4 axes, but the array has the shape [4, 5, 6]."))
    #expect(said("[4]").hasSuffix("[4] takes 4 of axis 0, which has 4 elements (shape [4, 5, 6])."))
    #expect(said("[3:3]").hasSuffix("[3:3] takes nothing of an array of shape [4, 5, 6]."))
  }
}
