import HDF5
import Synchronization

/// Files of equal shape, one after the other along a first axis: a folder of slices.
final class FileSeries: StoredArray {
  let facts: ArrayFacts
  private let files: [ArrayLocation]
  /// The file that was read last, open.
  private let open: Mutex<(index: Int, array: any StoredArray)>

  /// - Parameter names: of the files as messages name them, in order.
  /// - Throws: `ImageFileError` when the files differ in shape or type, or one cannot be read.
  init(_ files: [ArrayLocation]) throws {
    self.files = files
    let first = try ArrayFile.openOne(files[0]).1
    for file in files.dropFirst() {
      let other = try ArrayFile.openOne(file).1.facts
      guard other.shape == first.shape, other.elementType == first.facts.elementType else {
        throw ImageFileError(
          .unsupported, file.name,
          "has shape \(other.shape) (\(other.elementType)), but \(files[0].name) has \(first.shape) "
            + "(\(first.facts.elementType)); the files of a series are alike")
      }
    }
    var facts = first.facts
    facts.format = "\(files.count) files, \(facts.format)"
    facts.shape.insert(files.count, at: 0)
    facts.spacing.insert(nil, at: 0)
    facts.chunk = [1] + (facts.chunk ?? first.shape)
    facts.axes = facts.axes.flatMap { inner in
      ["i", "t"].first { !inner.contains($0) }.map { $0 + inner }
    }
    let gaps = FileNames.gaps(in: files.map(\.name))
    if !gaps.isEmpty {
      let shown = gaps.prefix(8).map(String.init).joined(separator: ", ")
      facts.notes.append(
        "the numbers of the files have gaps: \(shown)\(gaps.count > 8 ? " and \(gaps.count - 8) more" : "") "
          + "\(gaps.count == 1 ? "is" : "are") not there")
    }
    self.facts = facts
    open = Mutex((0, first))
  }

  func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    let inner = Hyperslab(
      start: Array(slab.start.dropFirst()), count: Array(slab.count.dropFirst()), stride: Array(slab.stride.dropFirst())
    )
    let size = bytes.count / max(1, slab.count[0])
    for place in 0..<slab.count[0] {
      let part = UnsafeMutableRawBufferPointer(rebasing: bytes[place * size..<(place + 1) * size])
      try array(slab.start[0] + place * slab.stride[0]).read(inner, as: type, into: part)
    }
  }

  private func array(_ index: Int) throws -> any StoredArray {
    if let array = open.withLock({ $0.index == index ? $0.array : nil }) { return array }
    let array = try ArrayFile.openOne(files[index]).1
    guard [facts.shape[0]] + array.shape == facts.shape else {
      throw ImageFileError(.damaged, files[index].name, "has another shape than when it was opened first")
    }
    open.withLock { $0 = (index, array) }
    return array
  }
}
