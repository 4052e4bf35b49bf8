import CMPI
import Glibc

/// A number in memory that several ranks of a node share, by which one tells the others how far it is.
///
/// What a rank wrote to shared memory before it set the counter is seen by those that read the counter's value.
public struct SharedCounter: @unchecked Sendable {
  private let pointer: UnsafeMutablePointer<Int64>

  /// - Parameter memory: eight bytes, aligned to as many, that nothing else uses.
  public init(_ memory: UnsafeMutableRawPointer) {
    pointer = memory.bindMemory(to: Int64.self, capacity: 1)
  }

  /// Reading sees all that was written before the value was set; only one rank sets a counter.
  public var value: Int {
    get { Int(cmpi_load_acquire(pointer)) }
    nonmutating set { cmpi_store_release(pointer, Int64(newValue)) }
  }
}

/// How a rank waits for another without a message: it spins for some microseconds, then gives its core to others, then sleeps.
public struct Patience {
  private var looks = 0

  public init() {}

  /// Between two looks.
  public mutating func wait() {
    looks += 1
    if looks < 2000 {
      cmpi_pause()
    } else if looks < 2200 {
      sched_yield()
    } else {
      usleep(50)
    }
  }
}
