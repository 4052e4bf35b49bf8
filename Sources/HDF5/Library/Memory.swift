#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Guards allocations whose size comes out of a file.
enum Memory {
  /// The memory of this machine in bytes.
  private static let bytes: Int = {
    let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    let (bytes, overflow) = pages.multipliedReportingOverflow(by: size)
    return pages > 0 && size > 0 && !overflow ? bytes : .max
  }()

  /// The number of elements of a shape.
  ///
  /// - Throws: `HDF5Error` of kind `wrongShape` when the elements do not fit into the memory of this machine.
  static func count(_ shape: [Int], of elementBytes: Int, at place: Place) throws -> Int {
    if shape.contains(0) { return 0 }
    let limit = bytes / max(1, elementBytes)
    var count = 1
    for extent in shape {
      let product = count.multipliedReportingOverflow(by: extent)
      guard extent > 0, !product.overflow, product.partialValue <= limit else {
        throw place.error(
          .wrongShape,
          "it says that \(shape) elements of \(elementBytes) bytes are to be read, more than this machine's memory of"
            + " \(bytes >> 20) MB; the file is damaged, or for a larger machine")
      }
      count = product.partialValue
    }
    return count
  }
}
