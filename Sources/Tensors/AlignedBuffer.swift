import Glibc

/// Zeroed storage for vector loops: aligned to a cache line, and from 2 MiB on in huge pages, which halve the time of
/// kernels that walk many planes (the TLB covers 512 times as much).
///
/// The buffer hands out raw memory. Threads that share it must agree on who writes where.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  /// The first element.
  public let pointer: UnsafeMutablePointer<Element>
  /// The number of elements.
  public let count: Int
  private let isOwned: Bool

  /// Storage for `count` elements, all bytes zero. Stops the program when the system has no such memory, as `Array` does:
  /// what a job needs is compared with `HostFacts.memory` beforehand.
  public init(count: Int) {
    precondition(count >= 0, "a buffer's count is negative")
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    precondition(!overflow && bytes <= Int.max - 2 * hugePage, "a buffer of \(count) elements is too large")
    let isHuge = bytes >= hugePage
    let alignment = isHuge ? hugePage : 64
    let size = max(bytes + alignment - 1, alignment) / alignment * alignment
    guard let memory = aligned_alloc(alignment, size) else {
      preconditionFailure("no memory for a buffer of \(size) bytes")
    }
    // Advice before the first touch; a kernel without huge pages refuses it and nothing is lost.
    if isHuge { _ = madvise(memory, size, MADV_HUGEPAGE) }
    memset(memory, 0, size)
    self.pointer = memory.bindMemory(to: Element.self, capacity: count)
    self.count = count
    isOwned = true
  }

  /// Someone else's memory, which must outlive the buffer.
  public init(borrowing pointer: UnsafeMutablePointer<Element>, count: Int) {
    self.pointer = pointer
    self.count = count
    isOwned = false
  }

  deinit { if isOwned { free(pointer) } }

  /// All elements.
  public var buffer: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }
}

private let hugePage = 2 << 20
