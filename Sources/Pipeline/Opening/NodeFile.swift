import Host
import MessagePassing

/// A file without a name that the ranks of a node map into their memory, of which each fills a part.
struct NodeFile {
  let file: ScratchFile
  private let rank: Int
  private let ranks: Int

  /// Makes a file on every node. Collective.
  ///
  /// - Parameters:
  ///   - folder: where.
  ///   - name: what messages call it.
  /// - Throws: on all ranks, `RemoteFailure` of a `FileError`; `MPIError`.
  init(in folder: String, name: String, over world: Communicator) throws {
    let node = try world.splitNodeLocal()
    (rank, ranks) = (node.rank, node.size)
    let made = try world.agree { node.rank == 0 ? try ScratchFile(in: folder, name: name, isHidden: false) : nil }
    let place = try node.broadcast(made?.openName ?? "", from: 0)
    file = try world.agree { try made ?? ScratchFile(opening: place, path: folder + "/" + name) }
    // Now all have it.
    try world.agree { try made?.hide() }
  }

  /// Whether this rank fills the part of this number.
  func isOwn(_ part: Int) -> Bool { part % ranks == rank }
}
