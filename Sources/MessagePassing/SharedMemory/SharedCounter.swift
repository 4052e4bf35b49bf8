import CMPI
import Glibc

/// A number in memory that the ranks of a node share. One rank sets it, and so tells the others how far it is.
///
/// A rank that reads a value also sees what the setting rank wrote to shared memory before (release and acquire).
public struct SharedCounter: @unchecked Sendable {
  private let pointer: UnsafeMutablePointer<Int64>

  /// A counter at `memory`.
  ///
  /// - Parameter memory: eight bytes, aligned to as many, that nothing else uses.
  public init(_ memory: UnsafeMutableRawPointer) {
    pointer = memory.bindMemory(to: Int64.self, capacity: 1)
  }

  /// The number; only one rank may set it.
  public var value: Int {
    get { Int(cmpi_load_acquire(pointer)) }
    nonmutating set { cmpi_store_release(pointer, Int64(newValue)) }
  }
}

/// Waiting for a change in shared memory: spins for some microseconds, then yields the core, then sleeps.
public struct Patience {
  private var looks = 0

  /// A wait that begins now.
  public init() {}

  /// Pauses; to be called between two looks at the memory.
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
