import Foundation
import TestSupport
import Testing

@testable import MessagePassing

/// Run with 1 to 4 ranks.
@MainActor @Suite(.serialized) struct MPIStopRequestTests {
  @Test("what one rank is asked all ranks know soon, whichever rank it is")
  func oneAsks() throws {
    let all = try MPI.initialize().duplicate()
    for asked in 0..<all.size {
      let request = try StopRequest(over: all)
      #expect(try !request.look())
      try request.check()
      try all.barrier()
      if all.rank == asked { StopSignal.ask() }
      while try !request.look() { usleep(1000) }
      StopSignal.forget()
      #expect(request.isAsked)
      #expect(throws: Interruption.self) { try request.check() }
      try request.settle()
      // Nothing is left to the next one.
      #expect(try !StopRequest(over: all).look())
      try all.barrier()
    }
  }

  @Test("all ranks may be asked at once")
  func allAsked() throws {
    let all = try MPI.initialize().duplicate()
    for seed in 0..<20 {
      var random = TestRandom(UInt64(seed * 16 + all.rank))
      let request = try StopRequest(over: all)
      usleep(UInt32(random.integer(0...3000)))
      StopSignal.ask()
      while try !request.look() { usleep(100) }
      StopSignal.forget()
      for _ in 0..<random.integer(0...30) { try request.look() }
      try request.settle()
    }
  }

  @Test("an interruption that ranks agree on is told from other failures on all of them")
  func cause() throws {
    let all = try MPI.initialize().duplicate()
    struct Other: Error {}
    #expect {
      try all.agree { if all.rank == all.size - 1 { throw Interruption() } }
    } throws: { Interruption.isCause(of: $0) }
    #expect {
      try all.agree { if all.rank == 0 { throw Other() } else { throw Interruption() } }
    } throws: { !Interruption.isCause(of: $0) }
    #expect(Interruption.isCause(of: Interruption()))
  }
}
