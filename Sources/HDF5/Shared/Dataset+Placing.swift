import CHDF5

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
