import CMPI
import Testing

@testable import MessagePassing

@MainActor @Suite struct MPIPointToPointTests {
  /// Runs `body` on rank 0 as sender and the last rank as receiver; with one rank there is no one to send to.
  private func pair(_ all: Communicator, send: (Int) throws -> Void, receive: (Int) throws -> Void) throws {
    guard all.size > 1 else { return }
    let last = all.size - 1
    if all.rank == 0 { try send(last) }
    if all.rank == last { try receive(0) }
    try all.barrier()
  }

  @Test("a message arrives whole, with its source, tag and count", arguments: bytesPerCall)
  func sendAndReceive(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    let message = (0..<23).map { Double($0) / 7 }
    try pair(all) {
      try all.send(message, to: $0, tag: 9)
    } receive: { source in
      var values = [Double](repeating: -1, count: 40)
      let status = try values.withUnsafeMutableBufferPointer { try all.receive(into: $0, from: source, tag: 9) }
      #expect(status.source == source)
      #expect(status.tag == 9)
      #expect(status.count == 23)
      #expect(values == message + Array(repeating: -1, count: 17))
    }
  }

  @Test("messages of unknown source, tag and length are probed and received", arguments: bytesPerCall)
  func probe(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    if all.rank > 0 { try all.send((0..<(10 * all.rank)).map { Int32($0) }, to: 0, tag: all.rank) }
    if all.rank == 0 {
      var seen: Set<Int> = []
      for _ in 1..<max(1, all.size) {
        let (values, status) = try all.receive(Int32.self)
        #expect(status.source == status.tag)
        #expect(values == (0..<(10 * Int32(status.source))).map { $0 })
        seen.insert(status.source)
      }
      #expect(seen == Set(1..<max(1, all.size)))
      #expect(try all.probeNow(Int32.self) == nil)
    }
    try all.barrier()
  }

  @Test("messages of one source and tag keep their order")
  func order() throws {
    let all = try everyone()
    try pair(all) { last in
      for i in 0..<100 { try all.send([i], to: last) }
    } receive: { source in
      let received = try (0..<100).map { _ in try all.receive(Int.self, from: source).values }
      #expect(received == (0..<100).map { [$0] })
    }
  }

  @Test("a message longer than the buffer is an error that says so", arguments: bytesPerCall)
  func truncation(bytes: Int) throws {
    let all = try everyone(bytesPerCall: bytes)
    try pair(all) {
      try all.send([1, 2, 3, 4, 5, 6, 7, 8, 9], to: $0)
    } receive: { source in
      var values = [0, 0, 0, 0]
      let error = #expect(throws: MPIError.self) {
        try values.withUnsafeMutableBufferPointer { _ = try all.receive(into: $0, from: source) }
      }
      #expect(error?.call == "MPI_Recv")
      #expect(error?.errorClass == MPI_ERR_TRUNCATE)
    }
  }

  @Test("an empty message is a message")
  func emptyMessage() throws {
    let all = try everyone()
    try pair(all) {
      try all.send([Float](), to: $0, tag: 4)
    } receive: { source in
      let (values, status) = try all.receive(Float.self, from: source, tag: 4)
      #expect(values.isEmpty)
      #expect(status.count == 0)
    }
  }
}
