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

  @Test("a folder of several stacks or series means each of them, one of images alone all of them in a row")
  func candidates() throws {
    func names(_ files: [String: [Int]]) throws -> [String] {
      let scratch = try Scratch()
      for (name, shape) in files {
        let path = "\(scratch.folder)/\(name)"
        if name.hasSuffix(".h5") {
          let file = try File(creating: path)
          try file.write([UInt8](repeating: 1, count: shape.reduce(1, *)), shape: shape, to: "/x")
          try file.close()
        } else {
          let header =
            "{'descr': '|u1', 'fortran_order': False, 'shape': (\(shape.map(String.init).joined(separator: ", "))), }"
          let padded = header + String(repeating: " ", count: 117 - header.count) + "\n"
          try scratch.write(
            [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8)
              + [UInt8](repeating: 3, count: shape.reduce(1, *)), to: name)
        }
      }
      try scratch.write(Array("a,b".utf8), to: "table.csv")
      return try ArrayFile.candidates(at: scratch.location(".")).map {
        _ = try ArrayFile.open($0)
        return $0.name
      }
    }
    let (image, stack) = ([4, 5], [3, 4, 5])
    #expect(try names(["a.npy": image, "b.npy": image]) == ["."])
    #expect(try names(["s1.npy": image, "s2.npy": image, "s10.npy": image]) == ["."])
    #expect(try names(["a.npy": stack, "b.npy": stack]) == ["./a.npy", "./b.npy"])
    #expect(try names(["a.npy": stack, "b.npy": [2, 4, 5]]) == ["./a.npy", "./b.npy"])
    #expect(try names(["a.npy": image, "b.h5": stack]) == ["./a.npy", "./b.h5"])
    #expect(
      try names(["mask_1.npy": image, "mask_2.npy": image, "scan_1.npy": image, "scan_02.npy": image, "z.h5": image])
        == ["./mask_[0-9]*.npy", "./scan_[0-9]*.npy", "./z.h5"])
    #expect(try names(["b.h5": stack]) == ["./b.h5"])
    #expect(message { _ = try names([:]) }.contains("is a folder without images"))
  }

  @Test("numbers that are missing in a folder or pattern are told")
  func gaps() throws {
    let scratch = try Scratch()
    for number in [1, 2, 4, 9, 10] { try scratch.write([], to: "s\(number).npy") }
    let expected = ["the numbers of the files have gaps: 3, 5, 6, 7, 8 are not there."]
    #expect(ArrayFile.gaps(in: scratch.location(".")) == expected.map { ".: \($0)" })
    #expect(ArrayFile.gaps(in: scratch.location("s*.npy")) == expected.map { "s*.npy: \($0)" })
    #expect(ArrayFile.gaps(in: scratch.location("s[12].npy")) == [])
    #expect(ArrayFile.gaps(in: scratch.location("s1.npy")) == [])
  }

  @Test("slices that do not fit are refused with their place")
  func refused() {
    func said(_ text: String) -> String { message { _ = try ramp(text) } }
    #expect(said("[0, 0, 0, 0]").hasSuffix("[0, 0, 0, 0] names 4 axes, but the array has the shape [4, 5, 6]."))
    #expect(said("[4]").hasSuffix("[4] takes 4 of axis 0, which has 4 elements (shape [4, 5, 6])."))
    #expect(said("[3:3]").hasSuffix("[3:3] takes nothing of an array of shape [4, 5, 6]."))
  }
}
