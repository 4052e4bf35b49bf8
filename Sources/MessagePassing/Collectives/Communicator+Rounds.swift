/// Runs several steps one after the other even when one fails, and keeps the first failure.
///
/// For collective calls in a row: a rank that left after the first would keep the other ranks waiting in the second.
public struct FirstFailure {
  private var error: (any Error)?

  /// Nothing has failed.
  public init() {}

  /// Runs `body`, whatever failed before; nil when it fails itself.
  @discardableResult
  public mutating func attempt<Value>(_ body: () throws -> Value) -> Value? {
    do {
      return try body()
    } catch {
      if self.error == nil { self.error = error }
      return nil
    }
  }

  /// Throws the first failure, if there is one.
  public func get() throws {
    if let error { throw error }
  }
}

extension Communicator {
  /// Collective work, item by item, where ranks have different numbers of items and each may fail on its own, such as tiles
  /// that every rank predicts and all write into one file. Collective.
  ///
  /// `produce` runs on every rank and hands over its items. For every round all ranks call `together`: with the rank's
  /// next item, or with nil when it has no more. Before each round, and after the last, the ranks agree
  /// (`MPI_Allreduce`): when `produce` or `together` failed on any of them, none begins another round, and all throw the
  /// same `RemoteFailure`.
  ///
  /// - Parameters:
  ///   - rounds: the same on all ranks; at least the number of items of each.
  ///   - produce: calls the function that it is given once for each item, and makes no collective calls of its own. When that
  ///     function throws, the work is over.
  ///   - together: makes collective calls, the same ones for an item and for nil. It goes through all of them even when one
  ///     fails (`FirstFailure`).
  /// - Throws: `RemoteFailure` on all ranks alike; `MPIError`.
  public func inRounds<Item>(
    _ rounds: Int, produce: (_ give: (Item) throws -> Void) throws -> Void, together: (Item?) throws -> Void
  ) throws {
    var done = 0
    /// What failed on this rank in the last round; the others learn of it when they agree on the next.
    var failure: (any Error)?
    /// What `agree` threw: no rank goes on.
    var end: (any Error)?
    func agreeNow() throws {
      do {
        try agree { if let failure { throw failure } }
      } catch {
        end = error
        throw error
      }
    }
    func round(_ item: Item?, _ together: (Item?) throws -> Void) throws {
      if let end { throw end }
      try agreeNow()
      done += 1
      do {
        try together(item)
      } catch {
        failure = error
      }
    }
    do {
      // Swift does not let a non-escaping closure take part in a call of another one without this.
      try withoutActuallyEscaping(together) { together in
        try produce { item in
          precondition(done < rounds, "a rank has more items than there are rounds (\(rounds))")
          try round(item, together)
        }
      }
    } catch {
      if failure == nil { failure = error }
    }
    if let end { throw end }
    while done < rounds { try round(nil, together) }
    try agreeNow()
  }
}
