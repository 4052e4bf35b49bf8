import Foundation
import HDF5
import Testing

@testable import ImageFiles

@Suite("What is not read")
struct RefusalTests {
  @Test(
    "each is told with its file and what to do",
    arguments: [
      (
        "mixed.tif",
        "mixed.tif (page 1) has 5 × 12 pixels (UInt16), but page 0 has 10 × 12 pixels (UInt16); the pages of "
          + "an array are alike. Name one page by its number, as in mixed.tif:0."
      ),
      (
        "palette.tif",
        "palette.tif (page 0) holds colours by their number in a palette; write grey values or red, green "
          + "and blue."
      ),
      (
        "complex.tif",
        "complex.tif (page 0) holds complex numbers; write their magnitude, or real and imaginary part as "
          + "channels."
      ),
      ("two.ome.tif", "two.ome.tif holds 2 images; name one by its number, as in two.ome.tif:0."),
      ("two.ome.tif:7", "two.ome.tif has 2 images, named 0 to 1, not ‘7’."),
      (
        "sizes",
        "sizes/a2.tif has shape [5, 12] (UInt16), but sizes/a1.tif has [10, 12] (UInt16); the files of a series "
          + "are alike."
      ),
      ("nothing*.tif", "nothing*.tif is a pattern that no file fits."),
      ("records.npy", "records.npy holds elements of NumPy's type"),
      ("u16.npy:/x", "u16.npy is a NPY file, which holds one array without a name; leave out ‘:/x’."),
      (
        "palette.png",
        "palette.png holds colours by their number in a palette; write grey values (labels too) or red, "
          + "green and blue."
      ),
      ("v04.zarr", "v04.zarr holds 2 scales of an image (0, 1); name one, as in v04.zarr:0."),
      ("v04.zarr:5", "v04.zarr holds no ‘5’; what is there: 0, 1."),
      (
        "filters.h5:/bitshuffle",
        "filters.h5:/bitshuffle: its chunks are packed with bitshuffle; see https://github.com"
      ),
      ("make.py", "make.py is of no known format; formats that are read: HDF5, TIFF, NPY, MRC, NIfTI, PNG, OME-Zarr."),
    ])
  func refused(text: String, expected: String) {
    let said = message { _ = try fixture(text).read(as: Float.self) }
    #expect(said.replacing(formats + "/", with: "").hasPrefix(expected), "\(said)")
  }

  @Test("slices that are missing in a folder are told")
  func gaps() throws {
    #expect(
      try fixture("gap").facts.notes == ["the numbers of the files have gaps: 3 is not there"])
    #expect(FileNames.gaps(in: ["a2", "a4", "a6"]) == [])
    #expect(FileNames.natural(["s10", "s9", "s1 b", "s01"]) == ["s01", "s1 b", "s9", "s10"])
  }

  @Test(
    "a file that is cut off or damaged anywhere gives a message that names it, and never more",
    arguments: [
      "u8.tif", "f32-tiled.tif", "i16-lzw.tif", "ome.ome.tif", "imagej.tif", "u16.npy", "mode2.mrc", "i16.nii",
      "i16.nii.gz", "u16.png",
    ])
  func damaged(name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(formats)/\(name)")))
    let scratch = try Scratch()
    func open(_ bytes: [UInt8]) throws -> String {
      try scratch.write(bytes, to: name)
      return message {
        let array = try ArrayFile.open(scratch.location(name)).1
        // What claims to be large is not read: a part shows what the file says.
        let count = array.shape.map { min($0, 4) }
        _ = try array.read(as: Double.self, Hyperslab(start: count.map { _ in 0 }, count: count))
      }
    }
    #expect(try open(bytes) == "")
    for cut in [0, 1, 5, 9, 100, bytes.count / 2, bytes.count - 1] where cut < bytes.count {
      let said = try open(Array(bytes[..<cut]))
      #expect(said.contains(name) || said.isEmpty && cut == bytes.count - 1, "\(cut): \(said)")
    }
    // Every byte of the header, changed to one of three others.
    for place in 0..<min(bytes.count, 420) {
      var changed = bytes
      changed[place] = [0, 0x7F, 0xFF][place % 3]
      let said = try open(changed)
      #expect(said.isEmpty || said.contains(name), "byte \(place): \(said)")
    }
  }

  @Test("a shape of petabytes is refused before anything is allocated")
  func petabytes() throws {
    let scratch = try Scratch()
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 32768, 32768), }\n"
    try scratch.write(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8), to: "a.npy")
    #expect(message { _ = try ArrayFile.open(scratch.location("a.npy")) }.hasPrefix("a.npy is cut off or damaged"))
  }

  @Test("a packed file is read forwards and backwards")
  func gzip() throws {
    let array = try fixture("i16.nii.gz")
    for z in [2, 0, 1] {
      let slab = Hyperslab(start: [z, 0, 0], count: [1, 10, 12])
      #expect(try array.read(as: Int.self, slab) == Array(120 * z..<120 * z + 120))
    }
  }
}
