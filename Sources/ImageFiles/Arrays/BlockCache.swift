import Host
import Synchronization

/// The blocks of a file that were unpacked last, so that one that neighbouring tiles share is unpacked once. The last one is
/// kept however large it is.
final class BlockCache: Sendable {
  /// Which block: a chunk's place, or a page and a number in it.
  typealias Key = [Int]

  private struct State {
    var blocks: [Key: (bytes: AlignedBuffer<UInt8>, use: Int)] = [:]
    var total = 0
    /// How often a block was asked for.
    var uses = 0
    /// Storage of blocks that are kept no more, for others of their size.
    var spare: [AlignedBuffer<UInt8>] = []
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: bytes that are kept.
  init(limit: Int) { self.limit = limit }

  /// A block that is kept; nil when it is not.
  func block(_ key: Key) -> AlignedBuffer<UInt8>? {
    state.withLock { state in
      guard let found = state.blocks[key]?.bytes else { return nil }
      state.uses += 1
      state.blocks[key]?.use = state.uses
      return found
    }
  }

  /// Storage for a block that is unpacked next; its bytes are anything.
  func room(_ count: Int) -> AlignedBuffer<UInt8> {
    let spare = state.withLock { state -> AlignedBuffer<UInt8>? in
      state.spare.last?.count == count ? state.spare.popLast() : nil
    }
    return spare ?? AlignedBuffer(unfilled: count)
  }

  /// Keeps a block, in place of those that were not asked for the longest time.
  ///
  /// - Parameter bytes: not changed any more.
  func keep(_ bytes: AlignedBuffer<UInt8>, as key: Key) {
    state.withLock { state in
      state.uses += 1
      if let old = state.blocks.updateValue((bytes, state.uses), forKey: key) { state.total -= old.bytes.count }
      state.total += bytes.count
      while state.total > limit, state.blocks.count > 1,
        let oldest = state.blocks.min(by: { $0.value.use < $1.value.use })?.key
      {
        guard var old = state.blocks.removeValue(forKey: oldest)?.bytes else { return }
        state.total -= old.count
        // One that is still read from is left to its reader.
        if isKnownUniquelyReferenced(&old) {
          if state.spare.first?.count != old.count { state.spare = [] }
          if state.spare.count < 8 { state.spare.append(old) }
        }
      }
    }
  }
}
