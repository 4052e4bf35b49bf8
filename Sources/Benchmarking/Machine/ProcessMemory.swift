import Foundation

/// The memory of this process.
enum ProcessMemory {
  /// The most that was resident at a time since the process began (`VmHWM`), in MiB.
  ///
  /// - Throws: `BenchmarkError.noMemoryFigure` when the system does not tell.
  static func peakMiB() throws -> Double {
    let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    for line in (status ?? "").split(separator: "\n") where line.hasPrefix("VmHWM:") {
      if let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) }) {
        return kilobytes / 1024
      }
    }
    throw BenchmarkError.noMemoryFigure
  }
}
