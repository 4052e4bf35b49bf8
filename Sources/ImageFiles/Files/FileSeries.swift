import HDF5

/// Files of equal shape, one after the other along a first axis: a folder of slices.
struct FileSeries: StoredArray {
  let facts: ArrayFacts
  private let files: OpenFiles

  /// - Throws: `ImageFileError` when the files differ in shape or type.
  init(_ files: OpenFiles) throws(ImageFileError) {
    self.files = files
    let (names, first) = (files.locations.map(\.name), files.facts[0])
    if let other = files.facts.indices.first(where: { !files.facts[$0].isLike(first) }) {
      throw ImageFileError(
        .unsupported, names[other],
        "has shape \(files.facts[other].shape) (\(files.facts[other].elementType)), but \(names[0]) has \(first.shape) "
          + "(\(first.elementType)); the files of a series are alike")
    }
    var facts = files.imageFacts(0)
    facts.format = "\(names.count) files, \(facts.format)"
    facts.shape[0] = names.count
    if !files.areAlike { facts.channels = nil }
    if let note = FileNames.noteOfGaps(in: names) { facts.notes.append(note) }
    self.facts = facts
  }

  func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    let inner = Hyperslab(
      start: Array(slab.start.dropFirst()), count: Array(slab.count.dropFirst()), stride: Array(slab.stride.dropFirst())
    )
    let size = bytes.count / max(1, slab.count[0])
    for place in 0..<slab.count[0] {
      let part = UnsafeMutableRawBufferPointer(rebasing: bytes[place * size..<(place + 1) * size])
      try files.array(slab.start[0] + place * slab.stride[0]).read(inner, as: type, into: part)
    }
  }
}
