#if canImport(Glibc)
  import Glibc
#endif

/// The running program's own file.
enum Program {
  /// A number of its bytes, for ranks to see that they run the same; 0 when the file cannot be read.
  static func hash() -> UInt64 {
    let descriptor = open("/proc/self/exe", O_RDONLY)
    guard descriptor >= 0 else { return 0 }
    defer { _ = close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size > 0,
      let memory = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED
    else { return 0 }
    defer { munmap(memory, Int(status.st_size)) }
    // FNV-1a, eight bytes at a time; the pages beyond the file's end hold zeros.
    let words = UnsafeRawBufferPointer(start: memory, count: (Int(status.st_size) + 7) / 8 * 8).bindMemory(
      to: UInt64.self)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for word in words { hash = (hash ^ word) &* 0x100_0000_01b3 }
    return hash
  }
}
