import Host
import MessagePassing
import Training

// The state of an optimizer that is divided over the ranks of a crew, as a whole.

extension Crew {
  /// The whole arrays of the optimizer, by name, on the leader. Collective over the crew.
  func optimizerState(of loop: TrainingLoop) throws -> [String: [Float]] {
    var arrays: [String: [Float]] = [:]
    for buffer in loop.buffers where buffer.isOptimizerState {
      let array = try whole(buffer)
      if isLeader { arrays[buffer.name] = array }
    }
    return arrays
  }

  /// Has the leader store the state of all ranks, one array at a time. Collective over the crew where the state is
  /// divided.
  ///
  /// - Parameter write: called on the leader; it asks for the arrays in their order.
  func save(
    _ loop: TrainingLoop, _ write: (_ whole: (TrainingLoop.Buffer) throws -> [Float]) throws -> Void
  ) throws {
    var left = loop.buffers.filter(\.isDivided)
    guard isLeader else {
      for buffer in left { _ = try whole(buffer) }
      return
    }
    do {
      try write { buffer in
        if buffer.isDivided { left.removeFirst() }
        return try whole(buffer)
      }
    } catch {
      // The others send all that they have.
      for buffer in left { _ = try whole(buffer) }
      throw error
    }
  }

  /// A whole array on the leader; on the other ranks nothing. Collective over the crew where the array is divided.
  private func whole(_ buffer: TrainingLoop.Buffer) throws -> [Float] {
    guard buffer.isDivided, let communicator else { return isLeader ? Array(buffer.values.buffer) : [] }
    let counts = Self.parts(of: buffer, ranks: communicator.size).map(\.count)
    try meet()
    return try [Float](unsafeUninitializedCapacity: isLeader ? buffer.count : 0) { whole, count in
      count = isLeader ? buffer.count : 0
      try communicator.gather(
        UnsafeBufferPointer(buffer.values.buffer), counts: counts,
        into: isLeader ? UnsafeMutableBufferPointer(rebasing: whole.prefix(count)) : nil, to: 0)
    }
  }

  /// Gives each rank its part of an array that the leader has; where it has none, nothing happens. Collective.
  ///
  /// - Throws: `EnsembleError.stateLost` on all ranks when one has got another part than was sent.
  func scatter(_ whole: [Float]?, to buffer: TrainingLoop.Buffer, over communicator: Communicator) throws {
    guard try broadcast(whole != nil) else { return }
    let parts = Self.parts(of: buffer, ranks: communicator.size)
    let whole = whole ?? []
    try meet()
    try whole.withUnsafeBufferPointer {
      try communicator.scatter($0, counts: parts.map(\.count), into: buffer.values.buffer, from: 0)
    }
    let sums = try communicator.broadcast(isLeader ? parts.map { Self.hash(whole[$0]) } : [], from: 0)
    let isLost = sums[communicator.rank] != Self.hash(buffer.values.buffer)
    guard try communicator.allReduce(isLost ? 1 : 0, .maximum) == 0 else { throw EnsembleError.stateLost }
  }

  private static func parts(of buffer: TrainingLoop.Buffer, ranks: Int) -> [Range<Int>] {
    GroupReduction.moved(of: buffer.count, ranks: ranks).all
  }

  private static func hash(_ values: some Sequence<Float>) -> UInt64 {
    var hash = FNV1a()
    for value in values { hash.add(UInt64(value.bitPattern)) }
    return hash.value
  }
}
