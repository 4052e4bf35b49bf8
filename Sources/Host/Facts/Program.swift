/// The file of the running program.
public enum Program {
  /// A hash of its bytes, by which ranks see that they run the same program; 0 when the file cannot be read.
  ///
  /// It is read a piece at a time: as a whole it would be the largest thing that a small job has in memory.
  ///
  /// - Complexity: O(*bytes*).
  public static func hash() -> UInt64 {
    guard let file = try? ReadableFile("/proc/self/exe"), file.size > 0 else { return 0 }
    var hash = FNV1a()
    let piece = 1 << 20
    for start in stride(from: 0, to: file.size, by: piece) {
      guard var bytes = file.bytes(at: start, count: min(piece, file.size - start)) else { return 0 }
      // Eight bytes at a time, the last of them with zeros.
      bytes += [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
      bytes.withUnsafeBytes { hash.add($0.bindMemory(to: UInt64.self)) }
    }
    return hash.value
  }
}
