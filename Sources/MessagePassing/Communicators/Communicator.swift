import CMPI

/// A set of ranks that speak to each other, apart from all other sets (`MPI_Comm`).
///
/// An operation marked *collective* must be called by all ranks of the communicator, in the same order. Every MPI
/// error is thrown as `MPIError` (`MPI_ERRORS_RETURN`). All calls belong on the main thread, which is why this class
/// may be handed around freely.
///
/// A communicator made here is freed (`MPI_Comm_free`) with its last reference, unless MPI ended before; drop it at
/// the same place on all its ranks.
public final class Communicator: @unchecked Sendable {
  /// MPI's own handle, for libraries that take one (HDF5). Valid as long as this object.
  public let handle: CMPIComm
  /// This process's place in the communicator, 0 ..< `size`.
  public let rank: Int
  /// The number of ranks.
  public let size: Int
  private let isOwned: Bool

  /// The most bytes that one call of MPI is given; longer buffers are split. Counts of MPI are 32 bits, and bytes per
  /// call below 2³¹ avoid the overflows of libraries within. All ranks must have the same; tests make it small.
  var bytesPerCall = 1 << 30

  /// Takes over `handle`, which must not be the null communicator.
  init(adopting handle: CMPIComm, isOwned: Bool) throws {
    precondition(cmpi_is_comm_null(handle) == 0, "the null communicator has no ranks")
    self.handle = handle
    self.isOwned = isOwned
    try check("MPI_Comm_set_errhandler", cmpi_comm_return_errors(handle))
    var rank: CInt = 0
    try check("MPI_Comm_rank", MPI_Comm_rank(handle, &rank))
    var size: CInt = 0
    try check("MPI_Comm_size", MPI_Comm_size(handle, &size))
    self.rank = Int(rank)
    self.size = Int(size)
  }

  deinit {
    // A deinitializer cannot throw, and nothing depends on the communicator any more: the code is dropped.
    if isOwned && MPI.isInitialized { _ = cmpi_comm_free(handle) }
  }

  /// The elements that one call takes.
  func elementsPerCall<Element>(_ type: Element.Type) -> Int {
    max(1, min(bytesPerCall / MemoryLayout<Element>.stride, Int(CInt.max)))
  }

  private func child(_ handle: CMPIComm) throws -> Communicator {
    let child = try Communicator(adopting: handle, isOwned: true)
    child.bytesPerCall = bytesPerCall
    return child
  }
}

extension Communicator {
  /// The same ranks, with messages of their own. Collective (`MPI_Comm_dup`).
  ///
  /// - Throws: `MPIError`.
  public func duplicate() throws -> Communicator {
    var result = cmpi_comm_null()
    try check("MPI_Comm_dup", cmpi_comm_dup(handle, &result))
    return try child(result)
  }

  /// One communicator for each color, its ranks ordered by `key`, then by their rank here. Collective
  /// (`MPI_Comm_split`).
  ///
  /// - Parameter color: not negative; nil: this rank joins none.
  /// - Returns: nil for the color nil.
  /// - Throws: `MPIError`.
  public func split(color: Int?, key: Int = 0) throws -> Communicator? {
    var result = cmpi_comm_null()
    let color = color.map { CInt(clamping: $0) } ?? cmpi_undefined()
    try check("MPI_Comm_split", cmpi_comm_split(handle, color, CInt(clamping: key), &result))
    return cmpi_is_comm_null(result) != 0 ? nil : try child(result)
  }

  /// The ranks that share memory with this one, in their order here. Collective (`MPI_Comm_split_type`).
  ///
  /// - Throws: `MPIError`.
  public func splitNodeLocal() throws -> Communicator {
    var result = cmpi_comm_null()
    try check("MPI_Comm_split_type", cmpi_comm_split_node(handle, CInt(rank), &result))
    return try child(result)
  }

  /// A communicator of the listed ranks, in the order of the list. Collective over these ranks only, so that the
  /// others may go on with their work (`MPI_Comm_create_group`).
  ///
  /// - Parameters:
  ///   - ranks: ranks of this communicator, each once, this rank among them; the same on all of them.
  ///   - tag: tells groups that are made at the same time apart.
  /// - Throws: `MPIError`.
  public func createGroup(ranks: [Int], tag: Int = 0) throws -> Communicator {
    precondition(ranks.contains(rank), "rank \(rank) is not in the group \(ranks) that it makes")
    var result = cmpi_comm_null()
    let members = ranks.map { CInt(clamping: $0) }
    try check(
      "MPI_Comm_create_group",
      cmpi_comm_create_group(handle, CInt(members.count), members, CInt(clamping: tag), &result))
    return try child(result)
  }

  /// How the ranks of two communicators relate.
  public enum Likeness: Sendable {
    /// One and the same communicator.
    case identical
    /// The same ranks in the same order.
    case congruent
    /// The same ranks in another order.
    case similar
    /// Not the same ranks.
    case unequal
  }

  /// Compares the ranks of two communicators (`MPI_Comm_compare`).
  ///
  /// - Throws: `MPIError`.
  public func compare(_ other: Communicator) throws -> Likeness {
    var result: CInt = 0
    try check("MPI_Comm_compare", MPI_Comm_compare(handle, other.handle, &result))
    switch result {
    case cmpi_ident(): return .identical
    case cmpi_congruent(): return .congruent
    case cmpi_similar(): return .similar
    default: return .unequal
    }
  }
}
