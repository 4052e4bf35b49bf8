import Host
import MessagePassing

/// Memory that the ranks of a node share, made once for all groups of ranks that will train members together.
///
/// Every rank has a part of its own: counters, then floats for gradients. A node without room for it has none, and its
/// ranks exchange gradients by messages.
public final class NodeMemory {
  /// A rank's part, as another rank of its node sees it.
  struct Part {
    /// Buckets of gradients that the rank has written, and slices that it has summed for all, in whatever group.
    let written: SharedCounter
    let summed: SharedCounter
    let floats: UnsafeMutablePointer<Float>
  }

  /// Bytes before the floats; a line of the cache for each counter.
  private static let header = 256

  /// Floats of each rank's part.
  let count: Int
  private let window: SharedWindow<Float>?
  /// Parts by world rank, of the ranks on this node.
  private var parts: [Int: Part] = [:]
  /// Why ranks of this node exchange gradients by messages; nil when they need not.
  public let remark: String?

  /// Makes the memory. Collective over `world`.
  ///
  /// - Parameter floats: for each rank, the same on all ranks; with 0, or where a node has no room, there is no shared
  ///   memory.
  /// - Throws: `MPIError`. A node without room is no error but has a `remark`.
  public init(floats: Int, over world: Communicator) throws {
    count = floats
    let node = try world.splitNodeLocal()
    guard floats > 0, node.size > 1 else {
      window = nil
      remark = nil
      return
    }
    let ranks = try node.allGather(world.rank)
    do {
      let window = try SharedWindow<Float>(count: Self.header / 4 + floats, on: node)
      self.window = window
      remark = nil
      for (place, rank) in ranks.enumerated() {
        guard let base = window[place].baseAddress else { continue }
        let raw = UnsafeMutableRawPointer(base)
        parts[rank] = Part(
          written: SharedCounter(raw), summed: SharedCounter(raw + 64), floats: base + Self.header / 4)
      }
    } catch let error as SharedWindowError {
      // Thrown on all ranks of the node alike.
      window = nil
      remark = "\(error)"
    }
  }

  /// Whether this rank shares memory with others.
  public var isShared: Bool { window != nil }

  /// The part of a rank of the world; nil on another node, or when there is no shared memory.
  func part(of rank: Int) -> Part? { parts[rank] }

  /// Gives the memory back. Collective over the ranks of the node.
  ///
  /// - Throws: `MPIError`.
  public func free() throws {
    parts = [:]
    try window?.free()
  }
}
