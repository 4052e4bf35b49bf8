import Host

/// Guards allocations whose size comes out of a file.
enum Room {
  /// Throws when what is read at once would not fit in the memory that is there.
  static func require(_ bytes: Int, for place: some CustomStringConvertible) throws(ImageFileError) {
    // Small parts are not worth asking the system.
    guard bytes > 1 << 30, let room = HostFacts.detect().memory.least, bytes > room else { return }
    throw ImageFileError(
      .wrongShape, place,
      "stores \(bytes >> 20) MB in one piece, but \(Int(clamping: room) >> 20) MB of memory are free; store it in "
        + "smaller chunks, strips or tiles, or without compression")
  }
}
