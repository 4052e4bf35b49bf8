import ImageFiles
import MessagePassing

extension Communicator {
  /// Opens arrays on all ranks. Of many files, as of a folder of slices, the first rank opens each; the others take what it
  /// found, and open a file when they read it. Collective.
  ///
  /// - Throws: `RemoteFailure` on all ranks alike; `MPIError`.
  func opened<T>(_ open: () throws -> T) throws -> T {
    var first: T?
    let bytes = try fromRoot {
      let catalog = FileCatalog()
      first = try catalog.used(open)
      return try catalog.bytes
    }
    return try agree { try first ?? FileCatalog(bytes: bytes).used(open) }
  }
}
