/// Whether the ranks of a run are to stop: asked of any of them by a signal, known to all of them soon after.
///
/// The rank that was asked tells rank 0, which tells the others. Each looks between two steps of its work, and waits for
/// no other.
public final class StopRequest {
  private let ranks: Communicator
  /// Whether this rank knows that the run is to stop.
  public private(set) var isAsked = false
  private var hasTold = false
  /// The ranks whose word this one has received.
  private var heard: Set<Int> = []
  private var lastLook: ContinuousClock.Instant?

  /// Collective over `ranks`, which are duplicated.
  ///
  /// - Throws: `MPIError`.
  public init(over ranks: Communicator) throws { self.ranks = try ranks.duplicate() }

  /// Looks whether this rank was asked, or another has told; to be called between steps, on the main thread.
  ///
  /// - Returns: whether the run is to stop; once true, it stays so.
  /// - Throws: `MPIError`.
  @discardableResult
  public func look() throws -> Bool {
    if isAsked { return true }
    if StopSignal.isAsked {
      isAsked = true
      try tell()
      return true
    }
    guard ranks.size > 1 else { return false }
    let now = ContinuousClock.now
    if let lastLook, now - lastLook < .milliseconds(10) { return false }
    lastLook = now
    guard let source = try ranks.probeNow(UInt8.self)?.source else { return false }
    _ = try ranks.receive(UInt8.self, from: source)
    isAsked = true
    heard.insert(source)
    if ranks.rank == 0 { try tell() }
    return true
  }

  /// As `look`, for work that is given up.
  ///
  /// - Throws: `Interruption` when the run is to stop; `MPIError`.
  public func check() throws {
    if try look() { throw Interruption() }
  }

  private func tell() throws {
    hasTold = true
    guard ranks.rank == 0 else { return try ranks.send([1 as UInt8], to: 0) }
    for rank in 1..<max(1, ranks.size) { try ranks.send([1 as UInt8], to: rank) }
  }

  /// Takes what has been told and nobody has received, before the ranks end. Collective.
  ///
  /// - Throws: `MPIError`.
  public func settle() throws {
    guard ranks.size > 1 else { return }
    let haveTold = try ranks.allGather(hasTold ? 1 : 0).map { $0 == 1 }
    let tellers = ranks.rank == 0 ? 1..<ranks.size : 0..<1
    for rank in tellers where haveTold[rank] && !heard.contains(rank) {
      _ = try ranks.receive(UInt8.self, from: rank)
      heard.insert(rank)
    }
  }
}

/// Work was given up because the run is to stop; what is done is kept.
public struct Interruption: Error, Hashable, Sendable, CustomStringConvertible {
  /// An interruption.
  public init() {}

  public var description: String { Self.text }
  private static let text = "the run was asked to stop"

  /// Whether an error that all ranks throw is an interruption, of this rank or another.
  public static func isCause(of error: any Error) -> Bool {
    error is Interruption || (error as? RemoteFailure)?.message.hasPrefix(text) == true
  }
}
