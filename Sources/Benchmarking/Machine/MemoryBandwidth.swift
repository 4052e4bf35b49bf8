import CKernels
import Host

/// The memory's bandwidth in GB/s (10⁹ bytes), counted as McCalpin's STREAM does: what the loop reads and writes,
/// without what a cache fetches before it is overwritten.
public struct MemoryBandwidth: Hashable, Sendable, Encodable {
  /// Threads that copied.
  public let threads: Int
  /// GB/s of b = a, 8 bytes an element.
  public let copy: Double
  /// GB/s of c = a + factor · b, 12 bytes an element.
  public let triad: Double

  private enum CodingKeys: String, CodingKey {
    case threads
    case copy = "copy_GBs"
    case triad = "triad_GBs"
  }

  /// Measures with all threads of a team, on three arrays of `bytes` each, which should be well beyond the last cache.
  public static func measure(team: ThreadTeam, bytes: Int = 128 << 20) -> MemoryBandwidth {
    let count = max(1, bytes / 4)
    let a = AlignedBuffer<Float>(count: count)
    let b = AlignedBuffer<Float>(count: count)
    let c = AlignedBuffer<Float>(count: count)
    let part = (count + team.size - 1) / team.size
    func gigabytes(perElement: Int, _ body: (_ first: Int, _ count: Int) -> Void) -> Double {
      let times = Stopwatch.sorted(repetitions: 5) {
        team.run(count: team.size) { piece, _ in
          let first = min(count, piece * part)
          body(first, min(count - first, part))
        }
      }
      return Double(perElement * count) / times[0] / 1e9
    }
    return MemoryBandwidth(
      threads: team.size,
      copy: gigabytes(perElement: 8) { b.pointer.advanced(by: $0).update(from: a.pointer + $0, count: $1) },
      triad: gigabytes(perElement: 12) { tutti_triad(a.pointer + $0, b.pointer + $0, 0.5, c.pointer + $0, $1) })
  }
}
