import Glibc
import Testing

@testable import MessagePassing

/// How a process of one rank ends; each test is a process of its own.
@Suite struct EndingTests {
  @Test("an abort prints its message and nothing else, and ends with its code")
  func abort() async throws {
    let result = await #expect(processExitsWith: .exitCode(5), observing: [\.standardErrorContent]) {
      try MPI.initialize()
      MPI.abort("tutti: the disk is full", code: 5)
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.hasSuffix("tutti: the disk is full\n"))
    #expect(!text.contains("MPI_ABORT"))
  }

  @Test("an abort never ends with success, and needs no MPI")
  func abortWithoutMPI() async {
    await #expect(processExitsWith: .exitCode(1)) { MPI.abort("stopped", code: 0) }
  }

  @Test("a crash ends the process at once, without a handler that could wait for ever")
  func crash() async {
    await #expect(processExitsWith: .exitCode(0)) {
      try MPI.initialize()
      for number in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT] {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { exit(2) }
        if action.__sigaction_handler.sa_handler != nil { exit(1) }
      }
      exit(0)
    }
    await #expect(processExitsWith: .signal(SIGSEGV)) {
      try MPI.initialize()
      raise(SIGSEGV)
    }
  }

  @Test("a process may just exit, with success or without")
  func plainExit() async {
    await #expect(processExitsWith: .exitCode(0)) {
      try MPI.initialize().barrier()
      exit(0)
    }
    await #expect(processExitsWith: .exitCode(3)) {
      try MPI.initialize().barrier()
      exit(3)
    }
  }

  @Test("after finalize MPI is not running, communicators are dropped in peace, and a new start is refused")
  func finalize() async {
    await #expect(processExitsWith: .exitCode(0)) {
      var copy: Communicator? = try MPI.initialize().duplicate()
      try copy?.barrier()
      MPI.finalize()
      copy = nil
      MPI.finalize()
      guard !MPI.isInitialized, copy == nil else { exit(1) }
      do {
        try MPI.initialize()
        exit(2)
      } catch LaunchError.alreadyFinalized {
        exit(0)
      }
    }
  }

  @Test("requests that are dropped after the end do not wait")
  func requestAfterFinalize() async {
    await #expect(processExitsWith: .exitCode(0)) {
      let world = try MPI.initialize()
      let request = try world.startBarrier()
      MPI.finalize()
      _ = consume request
      exit(0)
    }
  }
}
