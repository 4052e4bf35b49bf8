import CMPI

// Barrier, broadcast and reductions. All are collective; all split what is longer than MPI's counts.

extension Communicator {
  /// Calls `body` with the consecutive ranges of a buffer that one MPI call takes each.
  func forEachPiece<Element>(
    of buffer: UnsafeMutableBufferPointer<Element>, _ body: (UnsafeMutablePointer<Element>, CInt) throws -> Void
  ) throws {
    guard let base = buffer.baseAddress else { return }
    let limit = elementsPerCall(Element.self)
    var start = 0
    while start < buffer.count {
      let count = min(limit, buffer.count - start)
      try body(base + start, CInt(count))
      start += count
    }
  }

  /// Waits until all ranks are here. Collective (`MPI_Barrier`).
  ///
  /// - Throws: `MPIError`.
  public func barrier() throws {
    try check("MPI_Barrier", MPI_Barrier(handle))
  }

  /// Copies the root's elements to all ranks. Collective (`MPI_Bcast`).
  ///
  /// - Parameter buffer: of the same count on all ranks.
  /// - Throws: `MPIError`.
  public func broadcast<T: MPIScalar>(_ buffer: UnsafeMutableBufferPointer<T>, from root: Int) throws {
    try forEachPiece(of: buffer) { data, count in
      try check("MPI_Bcast", MPI_Bcast(data, count, T.datatype, CInt(clamping: root), handle))
    }
  }

  /// The root's value, on all ranks. Collective (`MPI_Bcast`).
  ///
  /// - Throws: `MPIError`.
  public func broadcast<T: MPIScalar>(_ value: T, from root: Int) throws -> T {
    var value = value
    try withUnsafeMutablePointer(to: &value) { pointer in
      try broadcast(UnsafeMutableBufferPointer(start: pointer, count: 1), from: root)
    }
    return value
  }

  /// The root's array, on all ranks; they need not know its length. Collective (`MPI_Bcast`, twice).
  ///
  /// - Parameter values: read on the root only.
  /// - Throws: `MPIError`.
  public func broadcast<T: MPIScalar>(_ values: [T], from root: Int) throws -> [T] {
    let count = try broadcast(values.count, from: root)
    return try [T](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      let buffer = UnsafeMutableBufferPointer(rebasing: buffer.prefix(count))
      if rank == root { _ = buffer.initialize(from: values) }
      try broadcast(buffer, from: root)
      initializedCount = count
    }
  }

  /// The root's text, on all ranks. Collective (`MPI_Bcast`, twice).
  ///
  /// - Parameter text: read on the root only.
  /// - Throws: `MPIError`.
  public func broadcast(_ text: String, from root: Int) throws -> String {
    String(decoding: try broadcast(Array(text.utf8), from: root), as: UTF8.self)
  }

  /// Combines the ranks' buffers element by element into the root's; the others' stay. Collective (`MPI_Reduce`).
  ///
  /// - Parameter buffer: of the same count on all ranks.
  /// - Throws: `MPIError`.
  public func reduce<T: MPIScalar>(
    _ buffer: UnsafeMutableBufferPointer<T>, _ operation: Reduction<T>, to root: Int
  ) throws {
    let op = operation.handle
    try forEachPiece(of: buffer) { data, count in
      let isRoot = rank == root
      try check(
        "MPI_Reduce",
        MPI_Reduce(
          isRoot ? cmpi_in_place() : UnsafeRawPointer(data), isRoot ? data : nil, count, T.datatype, op,
          CInt(clamping: root), handle))
    }
  }

  /// Combines the ranks' buffers element by element, in place on all of them. Collective (`MPI_Allreduce`).
  ///
  /// - Parameter buffer: of the same count on all ranks.
  /// - Throws: `MPIError`.
  public func allReduce<T: MPIScalar>(_ buffer: UnsafeMutableBufferPointer<T>, _ operation: Reduction<T>) throws {
    let op = operation.handle
    try forEachPiece(of: buffer) { data, count in
      try check("MPI_Allreduce", MPI_Allreduce(cmpi_in_place(), data, count, T.datatype, op, handle))
    }
  }

  /// The combination of the ranks' values, on all of them. Collective (`MPI_Allreduce`).
  ///
  /// - Throws: `MPIError`.
  public func allReduce<T: MPIScalar>(_ value: T, _ operation: Reduction<T>) throws -> T {
    var value = value
    try withUnsafeMutablePointer(to: &value) { pointer in
      try allReduce(UnsafeMutableBufferPointer(start: pointer, count: 1), operation)
    }
    return value
  }

  /// The combination of the ranks' arrays element by element, on all of them. Collective (`MPI_Allreduce`).
  ///
  /// - Parameter values: of the same count on all ranks.
  /// - Throws: `MPIError`.
  public func allReduce<T: MPIScalar>(_ values: [T], _ operation: Reduction<T>) throws -> [T] {
    var values = values
    try values.withUnsafeMutableBufferPointer { try allReduce($0, operation) }
    return values
  }
}
