import CMPI

// Gather and scatter. All are collective. What is longer in total than MPI's counts goes rank by rank, in pieces.

extension Communicator {
  /// Joins the ranks' parts on the root, in the order of ranks. Collective (`MPI_Gatherv`).
  ///
  /// - Parameters:
  ///   - part: this rank's `counts[rank]` elements; not overlapping `whole`.
  ///   - counts: the ranks' counts, the same on all ranks.
  ///   - whole: the sum of `counts` elements on the root; not used elsewhere.
  /// - Throws: `MPIError`.
  public func gather<T: MPIScalar>(
    _ part: UnsafeBufferPointer<T>, counts: [Int], into whole: UnsafeMutableBufferPointer<T>?, to root: Int
  ) throws {
    let total = requireLayout(counts, part: part.count, whole: rank == root ? (whole?.count ?? 0) : nil)
    try forEachTransfer(of: counts, total: total, T.self) { counts, offsets, partStart, wholeStart in
      try check(
        "MPI_Gatherv",
        MPI_Gatherv(
          part.baseAddress.map { $0 + partStart }, counts[rank], T.datatype,
          whole?.baseAddress.map { $0 + wholeStart }, counts, offsets, T.datatype, CInt(clamping: root), handle))
    }
  }

  /// Joins the ranks' parts on all ranks, in the order of ranks. Collective (`MPI_Allgatherv`).
  ///
  /// - Parameters:
  ///   - part: this rank's `counts[rank]` elements; not overlapping `whole`.
  ///   - counts: the ranks' counts, the same on all ranks.
  ///   - whole: the sum of `counts` elements.
  /// - Throws: `MPIError`.
  public func allGather<T: MPIScalar>(
    _ part: UnsafeBufferPointer<T>, counts: [Int], into whole: UnsafeMutableBufferPointer<T>
  ) throws {
    let total = requireLayout(counts, part: part.count, whole: whole.count)
    try forEachTransfer(of: counts, total: total, T.self) { counts, offsets, partStart, wholeStart in
      try check(
        "MPI_Allgatherv",
        MPI_Allgatherv(
          part.baseAddress.map { $0 + partStart }, counts[rank], T.datatype,
          whole.baseAddress.map { $0 + wholeStart }, counts, offsets, T.datatype, handle))
    }
  }

  /// Gives each rank its part of what the root holds, in the order of ranks. Collective (`MPI_Scatterv`).
  ///
  /// - Parameters:
  ///   - whole: the sum of `counts` elements on the root; not used elsewhere.
  ///   - counts: the ranks' counts, the same on all ranks.
  ///   - part: place for this rank's `counts[rank]` elements; not overlapping `whole`.
  /// - Throws: `MPIError`.
  public func scatter<T: MPIScalar>(
    _ whole: UnsafeBufferPointer<T>?, counts: [Int], into part: UnsafeMutableBufferPointer<T>, from root: Int
  ) throws {
    let total = requireLayout(counts, part: part.count, whole: rank == root ? (whole?.count ?? 0) : nil)
    try forEachTransfer(of: counts, total: total, T.self) { counts, offsets, partStart, wholeStart in
      try check(
        "MPI_Scatterv",
        MPI_Scatterv(
          whole?.baseAddress.map { $0 + wholeStart }, counts, offsets, T.datatype,
          part.baseAddress.map { $0 + partStart }, counts[rank], T.datatype, CInt(clamping: root), handle))
    }
  }

  /// Joins parts of one count on the root, in the order of ranks. Collective (`MPI_Gatherv`).
  ///
  /// - Throws: `MPIError`.
  public func gather<T: MPIScalar>(
    _ part: UnsafeBufferPointer<T>, into whole: UnsafeMutableBufferPointer<T>?, to root: Int
  ) throws {
    try gather(part, counts: Array(repeating: part.count, count: size), into: whole, to: root)
  }

  /// Joins parts of one count on all ranks, in the order of ranks. Collective (`MPI_Allgatherv`).
  ///
  /// - Throws: `MPIError`.
  public func allGather<T: MPIScalar>(
    _ part: UnsafeBufferPointer<T>, into whole: UnsafeMutableBufferPointer<T>
  ) throws {
    try allGather(part, counts: Array(repeating: part.count, count: size), into: whole)
  }

  /// Gives each rank its part, all of one count, in the order of ranks. Collective (`MPI_Scatterv`).
  ///
  /// - Throws: `MPIError`.
  public func scatter<T: MPIScalar>(
    _ whole: UnsafeBufferPointer<T>?, into part: UnsafeMutableBufferPointer<T>, from root: Int
  ) throws {
    try scatter(whole, counts: Array(repeating: part.count, count: size), into: part, from: root)
  }

  // MARK: Arrays

  /// The ranks' values in the order of ranks, on all of them. Collective (`MPI_Allgatherv`).
  ///
  /// - Throws: `MPIError`.
  public func allGather<T: MPIScalar>(_ value: T) throws -> [T] {
    try withUnsafePointer(to: value) { pointer in
      try uninitializedArray(of: T.self, count: size) { whole in
        try allGather(UnsafeBufferPointer(start: pointer, count: 1), into: whole)
      }
    }
  }

  /// The ranks' arrays, which may differ in length, on all ranks. Collective (`MPI_Allgatherv`, twice).
  ///
  /// - Throws: `MPIError`.
  public func allGather<T: MPIScalar>(_ values: [T]) throws -> [[T]] {
    let counts = try allGather(values.count)
    let whole = try uninitializedArray(of: T.self, count: counts.reduce(0, +)) { whole in
      try values.withUnsafeBufferPointer { try allGather($0, counts: counts, into: whole) }
    }
    return split(whole, by: counts)
  }

  /// The ranks' texts, on all ranks. Collective (`MPI_Allgatherv`, twice).
  ///
  /// - Throws: `MPIError`.
  public func allGather(_ text: String) throws -> [String] {
    try allGather(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The ranks' arrays, which may differ in length, on the root. Collective (`MPI_Allgatherv`, `MPI_Gatherv`).
  ///
  /// - Returns: nil on the other ranks.
  /// - Throws: `MPIError`.
  public func gather<T: MPIScalar>(_ values: [T], to root: Int) throws -> [[T]]? {
    let counts = try allGather(values.count)
    let whole = try uninitializedArray(of: T.self, count: rank == root ? counts.reduce(0, +) : 0) { whole in
      try values.withUnsafeBufferPointer { try gather($0, counts: counts, into: whole, to: root) }
    }
    return rank == root ? split(whole, by: counts) : nil
  }

  /// This rank's array of those that the root holds, one for each rank. Collective (`MPI_Bcast`, `MPI_Scatterv`).
  ///
  /// - Parameter parts: one array a rank, read on the root only.
  /// - Throws: `MPIError`.
  public func scatter<T: MPIScalar>(_ parts: [[T]], from root: Int) throws -> [T] {
    precondition(rank != root || parts.count == size, "the root scatters one array to each rank")
    if size == 1 { return parts[0] }
    let counts = try broadcast(rank == root ? parts.map(\.count) : [], from: root)
    var whole: [T] = []
    if rank == root {
      whole.reserveCapacity(counts.reduce(0, +))
      for part in parts { whole += part }
    }
    return try uninitializedArray(of: T.self, count: counts[rank]) { part in
      try whole.withUnsafeBufferPointer { try scatter($0, counts: counts, into: part, from: root) }
    }
  }

  // MARK: Helpers

  /// Checks what the caller must keep, and returns the sum of the counts.
  private func requireLayout(_ counts: [Int], part: Int, whole: Int?) -> Int {
    precondition(counts.count == size, "\(counts.count) counts for \(size) ranks")
    precondition(counts[rank] == part, "rank \(rank) holds \(part) elements, but is counted with \(counts[rank])")
    let total = counts.reduce(0, +)
    if let whole { precondition(whole == total, "room for \(whole) elements, but the ranks have \(total)") }
    return total
  }

  /// Calls `body` once for everything, or, when that is too much for a call, for each piece of each rank's part.
  ///
  /// - Parameter body: takes all ranks' counts and offsets for one MPI call, and where in this rank's part and in the
  ///   whole the call starts.
  private func forEachTransfer<T>(
    of counts: [Int], total: Int, _ type: T.Type, _ body: ([CInt], [CInt], Int, Int) throws -> Void
  ) throws {
    if total == 0 { return }
    let limit = elementsPerCall(T.self)
    if total <= limit {
      var offsets: [CInt] = []
      offsets.reserveCapacity(size)
      var offset = 0
      for count in counts {
        offsets.append(CInt(offset))
        offset += count
      }
      return try body(counts.map { CInt($0) }, offsets, 0, 0)
    }
    let offsets = [CInt](repeating: 0, count: size)
    var wholeStart = 0
    for (owner, count) in counts.enumerated() {
      var start = 0
      while start < count {
        var piece = [CInt](repeating: 0, count: size)
        piece[owner] = CInt(min(limit, count - start))
        try body(piece, offsets, owner == rank ? start : 0, wholeStart + start)
        start += Int(piece[owner])
      }
      wholeStart += count
    }
  }

  private func uninitializedArray<T: MPIScalar>(
    of type: T.Type, count: Int, _ fill: (UnsafeMutableBufferPointer<T>) throws -> Void
  ) throws -> [T] {
    try [T](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      try fill(UnsafeMutableBufferPointer(rebasing: buffer.prefix(count)))
      initializedCount = count
    }
  }

  private func split<T>(_ whole: [T], by counts: [Int]) -> [[T]] {
    var start = 0
    return counts.map { count in
      defer { start += count }
      return Array(whole[start..<start + count])
    }
  }
}
