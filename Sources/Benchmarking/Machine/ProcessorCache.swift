import Foundation

/// A cache that a core sees.
public struct ProcessorCache: Hashable, Sendable, Encodable, CustomStringConvertible {
  /// 1 for the cache nearest to the core.
  public let level: Int
  /// `Data`, `Instruction` or `Unified`.
  public let type: String
  /// As the system writes it, such as `32K`.
  public let size: String
  /// Bytes of a cache line, if the system tells.
  public let lineBytes: Int?
  /// The cores that share it, such as `0-3`.
  public let sharedBy: String

  private enum CodingKeys: String, CodingKey {
    case level, type, size
    case lineBytes = "line_bytes"
    case sharedBy = "shared_by_cores"
  }

  public var description: String { "L\(level) \(type.lowercased()) \(size), shared by cores \(sharedBy)" }

  /// The caches listed in a folder of the form of `/sys/devices/system/cpu/cpu0/cache`, in its order; none when there
  /// is no such folder (some virtual machines hide it).
  public static func all(in folder: String = "/sys/devices/system/cpu/cpu0/cache") -> [ProcessorCache] {
    func text(_ path: String) -> String? {
      try? String(contentsOfFile: folder + "/" + path, encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    var caches: [ProcessorCache] = []
    while let level = text("index\(caches.count)/level").flatMap({ Int($0) }) {
      let index = "index\(caches.count)/"
      caches.append(
        ProcessorCache(
          level: level, type: text(index + "type") ?? "unknown", size: text(index + "size") ?? "unknown",
          lineBytes: text(index + "coherency_line_size").flatMap { Int($0) },
          sharedBy: text(index + "shared_cpu_list") ?? "unknown"))
    }
    return caches
  }
}
