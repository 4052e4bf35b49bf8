import CHDF5

/// A chunk as a file holds it, after the filters of its layout.
struct PackedChunk: Sendable {
  /// Its first element along every axis.
  var start: [Int]
  var bytes: [UInt8]
  /// The filters that were left out, a bit each: deflate, where it saves nothing.
  var skippedFilters: UInt32
}

/// Applies the filters of a layout to chunks, by means of a dataset of one chunk in memory. A checksum alone needs none.
struct ChunkPacker {
  private let file: File
  /// The name of the file in errors.
  var fileName: String { file.name }
  private let dataset: Dataset
  /// Whether chunks are stored as they are in memory, but for a checksum after them.
  private let isPlain: Bool
  private let hasChecksum: Bool

  /// - Throws: `HDF5Error` of kind `wrongShape` when the layout has no chunks or cannot be.
  init<Scalar: HDF5Scalar>(_ type: Scalar.Type, layout: Layout, name: String) throws {
    file = try File(creatingImage: name)
    var layout = layout
    layout.maximumShape = nil
    dataset = try file.createDataset("chunk", of: type, shape: layout.chunk ?? [], layout: layout)
    isPlain = try layout.deflate == nil && !layout.shuffle && dataset.storesNumbersOfMemory(type)
    hasChecksum = layout.checksum
  }

  /// - Parameter values: all elements of the chunk, in row order.
  func pack<Scalar: HDF5Scalar>(_ values: [Scalar], start: [Int]) throws -> PackedChunk {
    if isPlain { return PackedChunk(start: start, bytes: values.withUnsafeBytes(stored), skippedFilters: 0) }
    try dataset.write(values)
    return try dataset.object.use { raw in
      let place = dataset.object.place
      let origin = start.map { _ in hsize_t(0) }
      try place.check(H5Dflush(raw), "H5Dflush", "pack a chunk")
      var size: hsize_t = 0
      try place.check(H5Dget_chunk_storage_size(raw, origin, &size), "H5Dget_chunk_storage_size", "pack a chunk")
      var bytes = [UInt8](repeating: 0, count: Int(size))
      var skipped: UInt32 = 0
      let code = H5Dread_chunk(raw, chdf5_default(), origin, &skipped, &bytes)
      try place.check(code, "H5Dread_chunk", "pack a chunk")
      return PackedChunk(start: start, bytes: bytes, skippedFilters: skipped)
    }
  }

  /// Bytes with their checksum, as a file holds them.
  private func stored(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let size = bytes.count + (hasChecksum ? 4 : 0)
    return [UInt8](unsafeUninitializedCapacity: size) { target, count in
      let target = UnsafeMutableRawBufferPointer(target)
      target.copyMemory(from: bytes)
      if hasChecksum {
        let checksum = Fletcher32.value(of: bytes)
        target.storeBytes(of: checksum.littleEndian, toByteOffset: bytes.count, as: UInt32.self)
      }
      count = size
    }
  }
}

extension Dataset {
  /// Gives a packed chunk its place in the file without writing it (`H5Dwrite_chunk`).
  ///
  /// - Parameter bytes: the size of the packed chunk.
  /// - Returns: the offset in the file, where whoever has the chunk writes it.
  /// - Throws: `HDF5Error`.
  func place(chunkAt start: [Int], bytes: Int, skippedFilters: UInt32) throws -> Int {
    try object.use { raw in
      guard let record = object.context.record?.pointer else {
        throw object.place.error(.call, "the file is not open for writing")
      }
      record.pointee.placing = true
      record.pointee.place_bytes = 0
      defer { record.pointee.placing = false }
      // The driver does not look at the data; the library wants an address.
      let code = withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 1) { nothing in
        H5Dwrite_chunk(raw, chdf5_default(), skippedFilters, start.map { hsize_t($0) }, bytes, nothing.baseAddress)
      }
      try object.place.check(code, "H5Dwrite_chunk", "find room for a chunk")
      guard record.pointee.place_bytes == UInt64(bytes) else {
        throw object.place.error(.call, "the library did not say where a chunk goes; this is a fault of the program")
      }
      return Int(record.pointee.place_offset)
    }
  }
}
