/// A dataset of a `SharedFile`, cut into chunks, each of which one rank writes.
public struct SharedDataset: Sendable {
  /// The extent of every axis.
  public let shape: [Int]
  /// The shape of a chunk.
  public let chunk: [Int]
  /// Its place in the file's list.
  let index: Int
  private let path: String
  private let packer: ChunkPacker

  init<Scalar: HDF5Scalar>(
    _ path: String, in file: String, of type: Scalar.Type, shape: [Int], layout: Layout, index: Int
  ) throws {
    var layout = layout
    let place = Place(file: file, path: path)
    guard let chunk = layout.chunk, chunk.count == shape.count, !shape.contains(where: { $0 <= 0 }) else {
      throw place.error(.wrongShape, "ranks can share a dataset of shape \(shape) only in chunks of as many axes")
    }
    self.chunk = zip(chunk, shape).map { min($0, $1) }
    layout.chunk = self.chunk
    self.shape = shape
    self.path = path
    self.index = index
    packer = try ChunkPacker(type, layout: layout, name: file)
  }

  /// Part of a dataset that this rank hands to `SharedFile.write`.
  public struct Part: Sendable {
    let dataset: Int
    let chunks: [PackedChunk]
  }

  /// Packs values for writing: applies the filters of the layout.
  ///
  /// - Parameters:
  ///   - values: the elements of the selection in row order.
  ///   - slab: whole chunks; at the end of an axis a chunk may be cut off by the dataset's extent, or with `fill` anywhere.
  ///   - fill: what a chunk holds beyond the selection, where nobody else writes; nil: selections end with chunks.
  /// - Throws: `HDF5Error` of kind `wrongShape` when the selection begins or ends within a chunk.
  public func part<Scalar: HDF5Scalar>(
    _ values: [Scalar], _ slab: Hyperslab, fill: Scalar? = nil
  ) throws -> Part {
    let place = Place(file: packer.fileName, path: path)
    if let fault = slab.fault(in: shape) { throw place.error(.wrongShape, fault) }
    guard slab.elements == values.count else {
      throw place.error(
        .wrongShape,
        "the selection has \(slab.elements) elements of shape \(slab.count), but \(values.count) are given")
    }
    let ends = zip(slab.start, slab.count).map { $0 + $1 }
    let isAligned = shape.indices.allSatisfy { axis in
      slab.stride[axis] == 1 && slab.start[axis] % chunk[axis] == 0
        && (fill != nil || ends[axis] % chunk[axis] == 0 || ends[axis] == shape[axis])
    }
    guard isAligned else {
      throw place.error(
        .wrongShape, "the selection from \(slab.start) of \(slab.count) cuts through chunks of \(chunk)")
    }
    var chunks: [PackedChunk] = []
    var start = slab.start
    while true {
      chunks.append(try packer.pack(elements(of: values, slab, chunkAt: start, fill ?? .zero), start: start))
      // The next chunk, the last axis first.
      var axis = shape.count - 1
      while axis >= 0 {
        start[axis] += chunk[axis]
        if start[axis] < ends[axis] { break }
        start[axis] = slab.start[axis]
        axis -= 1
      }
      if axis < 0 { return Part(dataset: index, chunks: chunks) }
    }
  }

  /// The elements of one chunk; `fill` beyond the selection.
  private func elements<Scalar: HDF5Scalar>(
    of values: [Scalar], _ slab: Hyperslab, chunkAt start: [Int], _ fill: Scalar
  ) -> [Scalar] {
    if slab.count == chunk { return values }
    var result = [Scalar](repeating: fill, count: chunk.reduce(1, *))
    let last = shape.count - 1
    let extents = shape.indices.map { min(chunk[$0], slab.start[$0] + slab.count[$0] - start[$0]) }
    // Rows along the last axis.
    for row in 0..<extents[..<last].reduce(1, *) {
      var (rest, source, target) = (row, 0, 0)
      var (sourceStride, targetStride) = (slab.count[last], chunk[last])
      for axis in (0..<last).reversed() {
        let position = rest % extents[axis]
        rest /= extents[axis]
        source += (start[axis] - slab.start[axis] + position) * sourceStride
        target += position * targetStride
        sourceStride *= slab.count[axis]
        targetStride *= chunk[axis]
      }
      source += start[last] - slab.start[last]
      for column in 0..<extents[last] { result[target + column] = values[source + column] }
    }
    return result
  }
}
