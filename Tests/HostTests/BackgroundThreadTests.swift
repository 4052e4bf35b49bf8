import Dispatch
import Host
import Synchronization
import Testing

@Suite struct BackgroundThreadTests {
  private struct Sad: Error, Equatable { var number: Int }

  /// Waits on a semaphore that the other side signals; false when it never does.
  private func comes(_ semaphore: DispatchSemaphore) -> Bool { semaphore.wait(timeout: .now() + 60) == .success }

  @Test("its owner goes on while it works, and learns of every failure once")
  func work() throws {
    let thread = BackgroundThread()
    try thread.finish()
    #expect(!thread.isBusy)
    let (mayEnd, hasBegun) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let done = Mutex(0)
    thread.start {
      hasBegun.signal()
      mayEnd.wait()
      done.withLock { $0 += 1 }
    }
    #expect(comes(hasBegun))
    #expect(thread.isBusy && done.withLock { $0 } == 0)
    mayEnd.signal()
    try thread.finish()
    #expect(!thread.isBusy && done.withLock { $0 } == 1)
    for number in 0..<100 {
      thread.start { if !number.isMultiple(of: 3) { throw Sad(number: number) } }
      if number.isMultiple(of: 3) {
        try thread.finish()
      } else {
        #expect(throws: Sad(number: number)) { try thread.finish() }
      }
      try thread.finish()
    }
  }

  @Test("who lets go of it waits for its work")
  func end() {
    let done = Mutex(false)
    let mayEnd = DispatchSemaphore(value: 0)
    do {
      let thread = BackgroundThread()
      thread.start {
        mayEnd.wait()
        done.withLock { $0 = true }
      }
      mayEnd.signal()
    }
    #expect(done.withLock { $0 })
  }
}
