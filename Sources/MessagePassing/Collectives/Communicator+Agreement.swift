/// A failure that all ranks of a communicator have learned of together, each throwing the same.
public struct RemoteFailure: Error, CustomStringConvertible {
  /// The lowest of the ranks that failed.
  public let rank: Int
  /// The description of that rank's error.
  public let message: String
  /// How many ranks failed.
  public let failures: Int
  /// The error itself, on the rank that reports it; nil on all others. So one rank prints:
  /// `if failure.reports { … }`.
  public let underlying: (any Error)?

  /// Whether this rank is the one to print the message.
  public var reports: Bool { underlying != nil }

  public var description: String {
    failures == 1 ? message : "\(message) (rank \(rank), and \(failures - 1) more)"
  }
}

extension Communicator {
  /// Makes one rank's failure the failure of all: returns the value where all succeeded, else throws the same
  /// `RemoteFailure` on all ranks. Collective (`MPI_Allreduce`; after a failure also `MPI_Bcast`).
  ///
  /// Use it after a step that may fail on some ranks only, before the next collective operation, which would hang the
  /// others.
  ///
  /// - Throws: `RemoteFailure` on all ranks alike; `MPIError`.
  public func agree<T>(_ result: Result<T, any Error>) throws -> T {
    let failure: (any Error)? = if case .failure(let error) = result { error } else { nil }
    let first = try allReduce(failure == nil ? Int.max : rank, .minimum)
    guard first != .max else { return try result.get() }
    let failures = try allReduce(failure == nil ? 0 : 1, .sum)
    let own = rank == first ? failure : nil
    let message = try broadcast(own.map { "\($0)" } ?? "", from: first)
    throw RemoteFailure(rank: first, message: message, failures: failures, underlying: own)
  }

  /// Runs `body` on each rank and makes one rank's failure the failure of all, as `agree(_:)`. Collective; `body`
  /// must not call collective operations that the other ranks' failures would leave alone.
  ///
  /// - Throws: `RemoteFailure` on all ranks alike; `MPIError`.
  public func agree<T>(_ body: () throws -> T) throws -> T {
    try agree(Result { try body() })
  }

  /// Runs `body` on the root only; its failure is the failure of all. Collective.
  ///
  /// - Throws: `RemoteFailure` on all ranks alike; `MPIError`.
  public func onRoot(_ root: Int = 0, _ body: () throws -> Void) throws {
    try agree { if rank == root { try body() } }
  }

  /// Decides something on the root only, for all ranks; its failure is the failure of all. Collective.
  ///
  /// - Throws: `RemoteFailure` on all ranks alike; `MPIError`.
  public func decidedOnRoot(_ root: Int = 0, _ body: () throws -> Bool) throws -> Bool {
    try fromRoot(root, of: Int.self) { [try body() ? 1 : 0] } == [1]
  }

  /// Runs `body` on the root only and gives all ranks its bytes; its failure is the failure of all. Collective.
  ///
  /// - Throws: `RemoteFailure` on all ranks alike; `MPIError`.
  public func fromRoot(_ root: Int = 0, _ body: () throws -> [UInt8]) throws -> [UInt8] {
    try fromRoot(root, of: UInt8.self, body)
  }

  /// Runs `body` on the root only and gives all ranks its numbers; its failure is the failure of all. Collective.
  ///
  /// - Throws: `RemoteFailure` on all ranks alike; `MPIError`.
  public func fromRoot<T: MPIScalar>(_ root: Int = 0, of type: T.Type, _ body: () throws -> [T]) throws -> [T] {
    let numbers = try agree { rank == root ? try body() : [] }
    return try broadcast(numbers, from: root)
  }
}
