extension Communicator {
  /// Whether all ranks have the same hash; true on all of them or on none. Collective (`MPI_Allreduce`).
  ///
  /// - Throws: `MPIError`.
  public func allAgree(on hash: UInt64) throws -> Bool {
    // The largest of a number and of its complement are each other's complement only when all numbers are equal.
    let extremes = try allReduce([hash, ~hash], .maximum)
    return extremes[0] == ~extremes[1]
  }
}
