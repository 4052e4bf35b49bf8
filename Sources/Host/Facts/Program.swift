import Glibc

/// The file of the running program.
public enum Program {
  /// A hash of its bytes, by which ranks see that they run the same program; 0 when the file cannot be read.
  ///
  /// - Complexity: O(*bytes*).
  public static func hash() -> UInt64 {
    let descriptor = open("/proc/self/exe", O_RDONLY)
    guard descriptor >= 0 else { return 0 }
    defer { _ = close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size > 0,
      let memory = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED
    else { return 0 }
    defer { munmap(memory, Int(status.st_size)) }
    // Eight bytes at a time; the pages beyond the file's end hold zeros.
    var hash = FNV1a()
    hash.add(
      UnsafeRawBufferPointer(start: memory, count: (Int(status.st_size) + 7) / 8 * 8).bindMemory(to: UInt64.self))
    return hash.value
  }
}
