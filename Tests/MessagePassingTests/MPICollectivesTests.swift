import Testing

@testable import MessagePassing

@MainActor @Suite struct MPICollectivesTests {
  @Test("a broadcast gives all ranks the root's elements", arguments: bytesPerCall)
  func broadcast(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    for root in 0..<all.size {
      var values = (0..<17).map { Float(all.rank * 100 + $0) }
      try values.withUnsafeMutableBufferPointer { try all.broadcast($0, from: root) }
      #expect(values == (0..<17).map { Float(root * 100 + $0) })
    }
  }

  @Test("arrays and texts are broadcast to ranks that do not know their length", arguments: bytesPerCall)
  func broadcastOfUnknownLength(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    let root = all.size - 1
    let isRoot = all.rank == root
    #expect(try all.broadcast(isRoot ? [UInt8](0...200) : [1], from: root) == [UInt8](0...200))
    #expect(try all.broadcast(isRoot ? "žlutý kůň 🐎" : "", from: root) == "žlutý kůň 🐎")
    #expect(try all.broadcast([Double](), from: root) == [])
    #expect(try all.broadcast(isRoot ? "" : "rest", from: root) == "")
  }

  @Test("every scalar type comes through with its extremes")
  func scalarTypes() throws {
    let all = try everyone()
    func comesThrough<T: MPIScalar & Equatable>(_ values: T...) throws {
      #expect(try all.broadcast(all.rank == 0 ? values : [], from: 0) == values)
      for value in values { #expect(try all.allGather(value) == Array(repeating: value, count: all.size)) }
    }
    try comesThrough(Float.leastNonzeroMagnitude, -.greatestFiniteMagnitude, .infinity)
    try comesThrough(Double.leastNonzeroMagnitude, -.greatestFiniteMagnitude, .infinity)
    try comesThrough(Int8.min, .max)
    try comesThrough(UInt8.min, .max)
    try comesThrough(Int16.min, .max)
    try comesThrough(UInt16.min, .max)
    try comesThrough(Int32.min, .max)
    try comesThrough(UInt32.min, .max)
    try comesThrough(Int64.min, .max)
    try comesThrough(UInt64.min, .max)
    try comesThrough(Int.min, .max)
  }

  @Test("an all-reduction combines element by element on all ranks", arguments: bytesPerCall)
  func allReduce(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    let ranks = 0..<all.size
    let values = (0..<11).map { $0 * (all.rank + 1) }
    #expect(try all.allReduce(values, .sum) == (0..<11).map { i in ranks.reduce(0) { $0 + i * ($1 + 1) } })
    #expect(try all.allReduce(values, .maximum) == (0..<11).map { $0 * all.size })
    #expect(try all.allReduce(values, .minimum) == Array(0..<11))
    #expect(try all.allReduce(values.map { -Float($0) }, .minimum) == (0..<11).map { -Float($0 * all.size) })
  }

  @Test("bits and truth values are combined")
  func bits() throws {
    let all = try everyone()
    let one = UInt32(1) << UInt32(all.rank)
    let mask: UInt32 = (1 << UInt32(all.size)) - 1
    #expect(try all.allReduce(one, .bitwiseOr) == mask)
    #expect(try all.allReduce(~one, .bitwiseAnd) == ~mask)
    #expect(try all.allReduce(one, .bitwiseXor) == mask)
    #expect(try all.allReduce(all.rank == 0 ? 1 : 0, .logicalOr) == 1)
    #expect(try all.allReduce(all.rank == 0 ? 0 : 1, .logicalAnd) == 0)
    #expect(try all.allReduce(all.rank + 1, .logicalAnd) == 1)
  }

  @Test("a reduction changes the root's buffer only", arguments: bytesPerCall)
  func reduce(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    for root in 0..<all.size {
      let before = (0..<9).map { Int32($0 + all.rank) }
      var values = before
      try values.withUnsafeMutableBufferPointer { try all.reduce($0, .sum, to: root) }
      let sums = (0..<9).map { i in (0..<all.size).reduce(Int32(0)) { $0 + Int32(i + $1) } }
      #expect(values == (all.rank == root ? sums : before))
    }
  }

  @Test("empty buffers are fine in every collective operation")
  func empty() throws {
    let all = try everyone()
    let none = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    try all.broadcast(none, from: 0)
    try all.reduce(none, .maximum, to: 0)
    try all.allReduce(none, .maximum)
    try all.allGather(UnsafeBufferPointer(none), into: none)
    #expect(try all.allGather([Float]()) == Array(repeating: [], count: all.size))
    try all.barrier()
  }

  @Test("arrays of different lengths are gathered in the order of ranks", arguments: bytesPerCall)
  func gatherArrays(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    // Rank 1 has nothing.
    func part(_ rank: Int) -> [Double] { rank == 1 ? [] : (0..<(5 + rank)).map { Double(rank * 1000 + $0) } }
    let expected = (0..<all.size).map(part)
    #expect(try all.allGather(part(all.rank)) == expected)
    for root in 0..<all.size {
      #expect(try all.gather(part(all.rank), to: root) == (all.rank == root ? expected : nil))
      #expect(try all.scatter(all.rank == root ? expected : [], from: root) == part(all.rank))
    }
    #expect(try all.allGather("rank \(all.rank)") == (0..<all.size).map { "rank \($0)" })
  }

  @Test("buffers of one length are gathered and scattered back", arguments: bytesPerCall)
  func gatherBuffers(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    let part = (0..<7).map { Int16(all.rank * 10 + $0) }
    let expected = (0..<all.size).flatMap { rank in (0..<7).map { Int16(rank * 10 + $0) } }
    let root = all.size - 1
    var whole = [Int16](repeating: -1, count: 7 * all.size)
    try part.withUnsafeBufferPointer { part in
      try whole.withUnsafeMutableBufferPointer { try all.gather(part, into: all.rank == root ? $0 : nil, to: root) }
    }
    #expect(whole == (all.rank == root ? expected : Array(repeating: -1, count: 7 * all.size)))
    try part.withUnsafeBufferPointer { part in
      try whole.withUnsafeMutableBufferPointer { try all.allGather(part, into: $0) }
    }
    #expect(whole == expected)
    var back = [Int16](repeating: 0, count: 7)
    try whole.withUnsafeBufferPointer { whole in
      try back.withUnsafeMutableBufferPointer { try all.scatter(all.rank == 0 ? whole : nil, into: $0, from: 0) }
    }
    #expect(back == part)
  }
}
