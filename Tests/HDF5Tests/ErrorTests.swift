import Foundation
import HDF5
import TestSupport
import Testing

@Suite("Errors of HDF5 files")
struct ErrorTests {
  private func failure(_ body: () throws -> Void) -> HDF5Error? {
    #expect(throws: HDF5Error.self) { try body() }
  }

  @Test("a missing file is named, and one of a like name suggested")
  func missingFile() throws {
    try TemporaryFolder.with { folder in
      try File(creating: folder + "/cement.h5").close()
      let error = failure { _ = try File(opening: folder + "/cemnet.h5") }
      #expect(error?.kind == .missingFile)
      #expect(error?.description == "\(folder)/cemnet.h5: there is no such file; did you mean ‘cement.h5’?")
      let folderless = failure { _ = try File(opening: folder + "/data/cement.h5") }
      #expect(folderless?.message.contains("the folder \(folder)/data does not exist") == true)
      #expect(failure { _ = try File(opening: folder) }?.message == "this is a folder, not an HDF5 file")
    }
  }

  @Test("a file of another form is told from a cut off one")
  func notHDF5() throws {
    try TemporaryFolder.with { folder in
      func put(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = folder + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
      }
      let image = try put("a.tif", [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0])
      let error = failure { _ = try File(opening: image) }
      #expect(error?.kind == .notHDF5)
      #expect(error?.message.hasSuffix("it looks like a TIFF image") == true)
      let empty = try put("empty.h5", [])
      #expect(failure { _ = try File(opening: empty) }?.message.hasSuffix("it is empty") == true)

      let whole = try File(creatingImage: "whole")
      try whole.write([Float](repeating: 1, count: 10_000), to: "values")
      let cut = try put("cut.h5", Array(try whole.image().prefix(9000)))
      let truncated = failure { _ = try File(opening: cut) }
      #expect(truncated?.kind == .notHDF5)
      #expect(truncated?.message.contains("cut off") == true)
      #expect(truncated?.call == "H5Fopen")
      #expect(truncated?.stack.isEmpty == false)
    }
  }

  @Test("a file is not overwritten unasked, nor made in a folder that is not there")
  func creation() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try File(creating: path).close()
      #expect(failure { _ = try File(creating: path) }?.kind == .alreadyExists)
      try File(creating: path, overwriting: true).close()
      let lost = folder + "/b/a.h5"
      let error = failure { _ = try File(creating: lost) }
      #expect(error?.file == lost)
      #expect(error?.kind == .missingFile)
      #expect(error?.message == "the folder \(folder)/b does not exist; make it first")
    }
  }

  @Test("a path where nothing stands says what is there")
  func missingObject() throws {
    let image = try File(creatingImage: "data.h5")
    try image.write([1], to: "entry/images")
    try image.write([1], to: "entry/labels")
    let near = failure { _ = try image.dataset("entry/imagse") }
    #expect(near?.description == "data.h5:/entry/imagse: there is no such dataset; did you mean ‘images’?")
    let far = failure { _ = try image.dataset("entry/x") }
    #expect(far?.description == "data.h5:/entry/x: there is no such dataset; what is there: ‘images’, ‘labels’")
    let group = failure { _ = try image.group("entyr/images") }
    #expect(group?.message == "there is no such group; did you mean ‘entry’?")
    let through = failure { _ = try image.dataset("entry/images/0") }
    #expect(through?.kind == .missingObject)
    #expect(
      failure { _ = try image.dataset("entry") }?.message
        == "this is a group, not a dataset; it holds ‘images’, ‘labels’")
    #expect(failure { _ = try image.group("entry/images") }?.kind == .wrongKind)
    #expect(failure { try image.write([1], to: "entry/images") }?.kind == .alreadyExists)
  }

  @Test("a missing attribute and one of another type say what is there")
  func attributes() throws {
    let image = try File(creatingImage: "data.h5")
    try image.setAttribute("kernel", 3)
    try image.setAttribute("mode", "zeros")
    let missing = failure { _ = try image.attribute("kernl", as: Int.self) }
    #expect(missing?.description == "data.h5:/: there is no attribute ‘kernl’; did you mean ‘kernel’?")
    let text = failure { _ = try image.attribute("mode", as: Int.self) }
    #expect(text?.message == "attribute ‘mode’ holds String, which cannot be read as Int")
    #expect(failure { _ = try image.attribute("kernel", as: String.self) }?.kind == .wrongType)
    #expect(failure { _ = try image.attribute("kernel", as: Bool.self) }?.kind == .wrongType)
  }

  @Test("text is not read as numbers, nor numbers as text")
  func types() throws {
    let image = try File(creatingImage: "data.h5")
    try image.write("words", to: "text")
    try image.write([1, 2], to: "numbers")
    #expect(
      failure { _ = try image.read("text", as: Float.self) }?.description
        == "data.h5:/text: it holds String, which cannot be read as Float")
    #expect(failure { _ = try image.readStrings("numbers") }?.kind == .wrongType)
    #expect(failure { _ = try image.read("numbers", as: Bool.self) }?.kind == .wrongType)
  }

  @Test("layouts that cannot be are refused with their reason")
  func layouts() throws {
    let image = try File(creatingImage: "data.h5")
    var unchunked = Layout.contiguous
    unchunked.deflate = 3
    for (layout, part) in [
      (Layout.chunked([2, 2]), "does not fit the shape"), (.chunked([0]), "each 1 or more"),
      (unchunked, "need chunks"),
      (.chunked([2], deflate: 12), "from 0 to 9"), (.chunked([2], maximumShape: [3]), "maximum shape"),
    ] {
      let error = failure { _ = try image.createDataset("a", of: Float.self, shape: [8], layout: layout) }
      #expect(error?.message.contains(part) == true)
    }
    #expect(try image.names() == [])
  }

  @Test("a shape beyond this machine's memory is refused before anything is allocated")
  func petabytes() throws {
    let image = try File(creatingImage: "data.h5")
    for shape in [[1 << 31, 1 << 20], [1 << 60, 1]] {
      let name = "\(shape)"
      try image.createDataset(name, of: Float.self, shape: shape, layout: .chunked([16, 1]))
      let error = failure { _ = try image.read(name, as: Float.self) }
      #expect(error?.kind == .wrongShape)
      #expect(error?.message.contains("more than this machine's memory") == true)
      #expect(try image.dataset(name).read(as: Float.self, Hyperslab(start: [5, 0], count: [3, 1])).count == 3)
    }
  }

  @Test("objects of a closed file throw, and closing twice does nothing")
  func closed() throws {
    try TemporaryFolder.with { folder in
      let file = try File(creating: folder + "/a.h5")
      let dataset = try file.write([1, 2], to: "a")
      try file.close()
      try file.close()
      #expect(failure { _ = try dataset.read(as: Int.self) }?.kind == .closed)
      #expect(failure { _ = try file.names() }?.kind == .closed)
      #expect(try File(opening: folder + "/a.h5").read("a", as: Int.self) == [1, 2])
    }
  }

  @Test("a file opened for reading is not written")
  func readOnly() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      let new = try File(creating: path)
      try new.write([1], to: "a")
      try new.close()
      let file = try File(opening: path)
      #expect(throws: HDF5Error.self) { try file.write([1], to: "b") }
      #expect(throws: HDF5Error.self) { try file.dataset("a").write([2]) }
      try file.close()
      let writable = try File(opening: path, mode: .readWrite)
      try writable.dataset("a").write([2])
      #expect(try writable.read("a", as: Int.self) == [2])
      try writable.close()
    }
  }

  @Test("a failed call carries the library's own words, which are not printed")
  func stack() throws {
    let image = try File(creatingImage: "data.h5")
    // What goes to the error stream meanwhile is caught in a file.
    try TemporaryFolder.with { folder in
      let saved = dup(STDERR_FILENO)
      let caught = open(folder + "/errors", O_CREAT | O_WRONLY, 0o600)
      dup2(caught, STDERR_FILENO)
      let error = failure { try image.remove("nothing") }
      dup2(saved, STDERR_FILENO)
      close(saved)
      close(caught)
      #expect(error?.stack.isEmpty == false)
      #expect(error?.description.contains("(H5Ldelete failed; ") == true)
      let printed = try Data(contentsOf: URL(fileURLWithPath: folder + "/errors"))
      #expect(printed.isEmpty)
    }
  }
}
