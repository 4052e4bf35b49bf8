import CMPI
import Glibc

/// Why a node's shared memory could not be made; thrown on all ranks of the node alike.
public enum SharedWindowError: Error, Equatable, CustomStringConvertible {
  /// The folder that shared memory lives in has too little space.
  case noSpace(directory: String, needed: Int, free: Int)
  /// The ranks of the communicator do not share memory.
  case severalNodes(ranks: Int, local: Int)
  /// The library gave a rank less memory than it was asked for.
  case tooSmall(rank: Int)

  public var description: String {
    switch self {
    case .noSpace(let directory, let needed, let free):
      """
      Shared memory of \(needed) bytes was asked for, but \(directory) has only \(free) bytes free. \
      Make it larger (mount -o remount,size=…; docker run --shm-size=…), or have Open MPI use another folder: \
      --mca osc_sm_backing_directory FOLDER.
      """
    case .severalNodes(let ranks, let local):
      "Only \(local) of \(ranks) ranks share memory with this one; make the window on splitNodeLocal()."
    case .tooSmall(let rank):
      "The MPI library gave rank \(rank) less shared memory than it was asked for."
    }
  }
}

/// Memory that all ranks of a node read and write, one segment a rank (`MPI_Win_allocate_shared`).
///
/// Each rank may load and store in every segment by plain pointers. What a rank wrote is sure to be seen by another
/// after both called `synchronize()`, or after a flag of the caller's own between two calls of `flush()`.
///
/// All ranks must call `free()`, which is collective; a window that is only dropped lives until its process ends.
public final class SharedWindow<Element: MPIScalar>: @unchecked Sendable {
  /// The ranks that share the memory.
  public let communicator: Communicator
  private let segments: [UnsafeMutableBufferPointer<Element>]
  private var window: CMPIWin
  private var isFree = false

  /// Makes the memory, zeroed. Collective over `communicator`, whose ranks must be on one node.
  ///
  /// The folder that Open MPI keeps shared memory in is checked beforehand by all ranks together: when it is too small,
  /// the library itself would give one rank an error and leave the others waiting.
  ///
  /// - Parameter count: the elements of this rank's segment; may differ between ranks, and be 0.
  /// - Throws: `SharedWindowError` on all ranks, `MPIError`.
  public init(count: Int, on communicator: Communicator) throws {
    precondition(count >= 0, "a segment of \(count) elements")
    self.communicator = communicator
    let counts = try communicator.allGather(count)
    let local = try communicator.splitNodeLocal().size
    let fewest = try communicator.allReduce(local, .minimum)
    guard fewest == communicator.size else {
      throw SharedWindowError.severalNodes(ranks: communicator.size, local: fewest)
    }
    // A page more for each rank: some libraries fail on windows of no bytes, and Open MPI lays segments on any
    // multiple of eight. The file is mapped to pages, so that an address is aligned on all ranks or on none.
    let page = SharedMemory.pageSize
    let bytes = counts.map { ($0 * MemoryLayout<Element>.stride + page - 1) / page * page + page }
    try SharedMemory.requireSpace(bytes: bytes.reduce(page * (counts.count + 1), +), on: communicator)

    var base: UnsafeMutableRawPointer?
    window = cmpi_win_null()
    try check(
      "MPI_Win_allocate_shared",
      cmpi_win_allocate_shared(
        Int64(bytes[communicator.rank]), CInt(MemoryLayout<Element>.stride), communicator.handle, &base, &window))
    try check("MPI_Win_set_errhandler", cmpi_win_return_errors(window))
    var segments: [UnsafeMutableBufferPointer<Element>] = []
    for (rank, count) in counts.enumerated() {
      var size: Int64 = 0
      var start: UnsafeMutableRawPointer?
      try check("MPI_Win_shared_query", cmpi_win_shared_query(window, CInt(rank), &size, &start))
      let aligned = start?.alignedUp(toMultipleOf: page)
      guard let start, let aligned, aligned + count * MemoryLayout<Element>.stride <= start + Int(size) else {
        throw SharedWindowError.tooSmall(rank: rank)
      }
      segments.append(
        UnsafeMutableBufferPointer(start: aligned.bindMemory(to: Element.self, capacity: count), count: count))
    }
    self.segments = segments
    // Touched first by its owner, a page lies in the memory next to it.
    if let base { memset(base, 0, bytes[communicator.rank]) }
    try check("MPI_Win_lock_all", cmpi_win_lock_all(window))
    try synchronize()
  }

  /// The memory of a rank; it starts on a page.
  ///
  /// - Precondition: the window is not freed.
  public subscript(rank: Int) -> UnsafeMutableBufferPointer<Element> {
    precondition(!isFree, "the window is freed")
    return segments[rank]
  }

  /// This rank's own memory.
  public var own: UnsafeMutableBufferPointer<Element> { self[communicator.rank] }

  /// Waits for all ranks; what any of them wrote before is seen by all after. Collective (`MPI_Win_sync`,
  /// `MPI_Barrier`).
  ///
  /// - Throws: `MPIError`.
  public func synchronize() throws {
    try flush()
    try communicator.barrier()
    try flush()
  }

  /// Orders this rank's reads and writes before those after it (`MPI_Win_sync`). Not collective.
  ///
  /// - Throws: `MPIError`.
  public func flush() throws {
    precondition(!isFree, "the window is freed")
    try check("MPI_Win_sync", MPI_Win_sync(window))
  }

  /// Gives the memory back; no pointer into it may be used any more. Collective (`MPI_Win_free`). Once is enough.
  ///
  /// - Throws: `MPIError`.
  public func free() throws {
    guard !isFree else { return }
    isFree = true
    try check("MPI_Win_unlock_all", MPI_Win_unlock_all(window))
    try check("MPI_Win_free", cmpi_win_free(&window))
  }
}
