import Testing

@testable import MessagePassing

@MainActor @Suite struct MPIRequestTests {
  @Test("rings of non-blocking messages go around", arguments: bytesPerCall)
  func ring(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    let next = (all.rank + 1) % all.size
    let previous = (all.rank + all.size - 1) % all.size
    let out = (0..<31).map { Float(all.rank * 100 + $0) }
    var into = [Float](repeating: -1, count: 31)
    try out.withUnsafeBufferPointer { out in
      try into.withUnsafeMutableBufferPointer { into in
        let receive = try all.startReceive(into: into, from: previous, tag: 2)
        let send = try all.startSend(out, to: next, tag: 2)
        let status = try receive.wait()
        #expect(status == MessageStatus(source: previous, tag: 2, count: 31))
        try send.wait()
      }
    }
    #expect(into == (0..<31).map { Float(previous * 100 + $0) })
  }

  @Test("non-blocking collective operations give what the blocking ones give", arguments: bytesPerCall)
  func collectives(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    var sums = (0..<13).map { $0 + all.rank }
    var text = all.rank == 0 ? [UInt8](1...50) : [UInt8](repeating: 0, count: 50)
    try sums.withUnsafeMutableBufferPointer { sums in
      try text.withUnsafeMutableBufferPointer { text in
        let reduction = try all.startAllReduce(sums, .sum)
        let broadcast = try all.startBroadcast(text, from: 0)
        let barrier = try all.startBarrier()
        try barrier.wait()
        try broadcast.wait()
        try reduction.wait()
      }
    }
    #expect(sums == (0..<13).map { i in (0..<all.size).reduce(0) { $0 + i + $1 } })
    #expect(text == [UInt8](1...50))
  }

  @Test("test finds an operation finished only when all its pieces are", arguments: bytesPerCall)
  func test(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    var values = (0..<13).map { $0 * all.rank }
    try values.withUnsafeMutableBufferPointer { values in
      var request = try all.startAllReduce(values, .maximum)
      while !(try request.test()) {}
      let isFinished = request.isFinished
      #expect(isFinished)
      #expect(try request.test(), "once finished, it stays so")
    }
    #expect(values == (0..<13).map { $0 * (all.size - 1) })
  }

  @Test("a receive is not finished before its message is sent")
  func unfinished() throws {
    let all = try everyone()
    var value = [0]
    try value.withUnsafeMutableBufferPointer { value in
      var request = try all.startReceive(into: value, from: all.rank, tag: 6)
      #expect(try !request.test())
      let isFinished = request.isFinished
      #expect(!isFinished)
      try all.send([42], to: all.rank, tag: 6)
      try request.wait()
    }
    #expect(value == [42])
  }

  @Test("a request that goes out of scope has finished then", arguments: bytesPerCall)
  func dropped(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    var values = (0..<200).map { Int32($0) &* Int32(all.rank + 1) }
    values.withUnsafeMutableBufferPointer { values in
      struct Interruption: Error {}
      #expect(throws: Interruption.self) {
        let request = try all.startAllReduce(values, .sum)
        _ = request.isFinished
        throw Interruption()
      }
    }
    let factor = Int32((1...all.size).reduce(0, +))
    #expect(values == (0..<200).map { $0 * factor })
  }

  @Test("a receive that nobody answers can be called off")
  func cancelled() throws {
    let all = try everyone()
    var value = [7]
    try value.withUnsafeMutableBufferPointer { value in
      try all.startReceive(into: value, from: all.rank, tag: 8).cancel()
    }
    try all.barrier()
    #expect(value == [7])
  }

  @Test("an empty operation is finished at once")
  func empty() throws {
    let all = try everyone()
    let none = UnsafeMutableBufferPointer<Double>(start: nil, count: 0)
    var request = try all.startAllReduce(none, .minimum)
    #expect(try request.test())
  }
}
