import HDF5

/// An array stored as nothing but its elements in row order, from an offset of a file on.
struct FlatArray: ElementArray {
  let location: ArrayLocation
  let file: any ByteSource
  let facts: ArrayFacts
  /// Where the first element is.
  let offset: Int
  let isBigEndian: Bool

  /// - Throws: `ImageFileError` when the file ends before the last element.
  init(_ location: ArrayLocation, _ file: any ByteSource, _ facts: ArrayFacts, offset: Int, isBigEndian: Bool)
    throws(ImageFileError)
  {
    self.location = location
    self.file = file
    self.facts = facts
    self.offset = offset
    self.isBigEndian = isBigEndian
    let (elements, overflow) = facts.shape.reduce((1, false)) { sum, extent in
      let (product, overflow) = sum.0.multipliedReportingOverflow(by: extent)
      return (product, overflow || sum.1)
    }
    guard offset >= 0, !overflow, elements >= 0,
      elements <= max(0, file.count - offset) / max(1, facts.elementType.bytes)
    else {
      throw ImageFileError(
        .damaged, location.name,
        "is cut off or damaged: it says that it holds \(facts.elementType) of shape \(facts.shape), but it has only "
          + "\(file.count) bytes")
    }
  }

  func readElements(_ slab: Hyperslab, into bytes: UnsafeMutableRawBufferPointer) throws {
    let size = facts.elementType.bytes
    let strides = StridedCopy.steps(of: shape, size: size)
    // The last axes that are read whole are one run of bytes, with a range of the axis before them.
    var inner = shape.count
    var run = size
    while inner > 0, slab.stride[inner - 1] == 1 || slab.count[inner - 1] == 1 {
      inner -= 1
      run *= slab.count[inner]
      if slab.count[inner] != shape[inner] { break }
    }
    var index = [Int](repeating: 0, count: inner)
    var to = 0
    let first = shape.indices.reduce(offset) { $0 + slab.start[$1] * strides[$1] }
    while to < bytes.count {
      let from = index.indices.reduce(first) { $0 + index[$1] * slab.stride[$1] * strides[$1] }
      try file.read(at: from, into: UnsafeMutableRawBufferPointer(rebasing: bytes[to..<to + run]))
      to += run
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < slab.count[axis] { break }
        index[axis] = 0
      }
    }
    if isBigEndian { ElementConversion.swap(bytes, size: size) }
  }
}
