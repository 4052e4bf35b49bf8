/// A dataset of a `SharedFile`, cut into chunks, each of which one rank writes.
public struct SharedDataset: Sendable {
  /// The extent of every axis.
  public let shape: [Int]
  /// The shape of a chunk.
  public let chunk: [Int]
  /// Its place in the file's list.
  let index: Int
  private let place: Place
  private let filters: ChunkFilters

  init<Scalar: HDF5Scalar>(
    _ path: String, in file: String, of type: Scalar.Type, shape: [Int], layout: Layout, index: Int
  ) throws(HDF5Error) {
    let place = Place(file: file, path: path)
    guard let chunk = layout.chunk, chunk.count == shape.count, !shape.contains(where: { $0 <= 0 }) else {
      throw place.error(.wrongShape, "ranks can share a dataset of shape \(shape) only in chunks of as many axes")
    }
    self.chunk = zip(chunk, shape).map { min($0, $1) }
    self.shape = shape
    self.place = place
    self.index = index
    filters = ChunkFilters(layout, elementBytes: MemoryLayout<Scalar>.stride)
  }

  /// Part of a dataset that this rank hands to `SharedFile.write`.
  public struct Part: Sendable {
    enum Chunks: Sendable {
      case elements([ChunkElements], ChunkFilters)
      case packed([PackedChunk])
    }

    let dataset: Int
    let chunks: Chunks
  }

  /// Cuts values into chunks for writing, where they get the filters of the layout.
  ///
  /// - Parameters:
  ///   - values: the elements of the selection in row order.
  ///   - slab: whole chunks; at the end of an axis a chunk may be cut off by the dataset's extent, or with `fill` anywhere.
  ///   - fill: what a chunk holds beyond the selection, where nobody else writes; nil: selections end with chunks.
  /// - Throws: `HDF5Error` of kind `wrongShape` when the selection begins or ends within a chunk.
  public func part<Scalar: HDF5Scalar>(
    _ values: [Scalar], _ slab: Hyperslab, fill: Scalar? = nil
  ) throws(HDF5Error) -> Part {
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
    var chunks: [ChunkElements] = []
    var start = slab.start
    while true {
      chunks.append(elements(of: values, slab, chunkAt: start, fill ?? .zero))
      // The next chunk, the last axis first.
      var axis = shape.count - 1
      while axis >= 0 {
        start[axis] += chunk[axis]
        if start[axis] < ends[axis] { break }
        start[axis] = slab.start[axis]
        axis -= 1
      }
      if axis < 0 { return Part(dataset: index, chunks: .elements(chunks, filters)) }
    }
  }

  /// The elements of one chunk; `fill` beyond the selection.
  private func elements<Scalar: HDF5Scalar>(
    of values: [Scalar], _ slab: Hyperslab, chunkAt start: [Int], _ fill: Scalar
  ) -> ChunkElements {
    if slab.count == chunk { return ChunkElements(values, start: start) }
    let bytes = values.withUnsafeBytes { source in
      withUnsafeBytes(of: fill) { elements(of: source, slab, chunkAt: start, fill: $0) }
    }
    return ChunkElements(bytes, start: start)
  }

  /// The same of elements of as many bytes as `fill`.
  private func elements(
    of values: UnsafeRawBufferPointer, _ slab: Hyperslab, chunkAt start: [Int], fill: UnsafeRawBufferPointer
  ) -> [UInt8] {
    let size = fill.count
    let last = shape.count - 1
    let extents = shape.indices.map { min(chunk[$0], slab.start[$0] + slab.count[$0] - start[$0]) }
    let length = chunk.reduce(size, *)
    return [UInt8](unsafeUninitializedCapacity: length) { result, count in
      let result = UnsafeMutableRawBufferPointer(result)
      if extents != chunk { for place in 0..<length { result[place] = fill[place % size] } }
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
        let own = UnsafeRawBufferPointer(rebasing: values[size * source..<size * (source + extents[last])])
        UnsafeMutableRawBufferPointer(rebasing: result[(size * target)...]).copyMemory(from: own)
      }
      count = length
    }
  }
}
