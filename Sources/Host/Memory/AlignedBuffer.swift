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
  /// Bytes of pages mapped for this buffer alone; 0 of smaller ones.
  private let mapped: Int
  private let isInFile: Bool

  /// Storage for `count` elements, all bytes zero. When the system has too little memory, the program ends, as with
  /// `Array`; so a job's need is compared with `HostFacts.memory` beforehand.
  public convenience init(count: Int) { self.init(count: count, isZeroed: true) }

  /// Storage for `count` elements that are all written before they are read: their bytes are anything.
  public convenience init(unfilled count: Int) { self.init(count: count, isZeroed: false) }

  private init(count: Int, isZeroed: Bool) {
    precondition(count >= 0, "a buffer's count is negative")
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    precondition(!overflow && bytes <= Int.max - 2 * hugePage, "a buffer of \(count) elements is too large")
    if bytes >= hugePage {
      let memory = mapPages(bytes: bytes)
      self.pointer = memory.bindMemory(to: Element.self, capacity: count)
      mapped = bytes
    } else {
      let size = max(bytes + 63, 64) / 64 * 64
      guard let memory = aligned_alloc(64, size) else {
        preconditionFailure("no memory for a buffer of \(size) bytes")
      }
      if isZeroed { memset(memory, 0, size) }
      self.pointer = memory.bindMemory(to: Element.self, capacity: count)
      mapped = 0
    }
    self.count = count
    (isOwned, isInFile) = (true, false)
  }

  /// Zeroed storage in a file, which the system keeps in memory as far as it has room; nil: in memory.
  ///
  /// - Throws: `FileError` when the disk has no room for it.
  public convenience init(count: Int, in file: ScratchFile?) throws(FileError) {
    guard let file, count > 0 else {
      self.init(count: count)
      return
    }
    let size = (count * MemoryLayout<Element>.stride + page - 1) / page * page
    let memory = try file.map(bytes: size)
    self.init(memory.bindMemory(to: Element.self, capacity: count), count: count, pagesOfFile: size)
  }

  /// Mapped pages of a file.
  private init(_ pointer: UnsafeMutablePointer<Element>, count: Int, pagesOfFile: Int) {
    (self.pointer, self.count, mapped) = (pointer, count, pagesOfFile)
    (isOwned, isInFile) = (true, true)
  }

  /// Of a buffer in a file: lets the system take back the memory of what was written, until it is read again.
  public func release() {
    if isInFile { _ = madvise(pointer, mapped, MADV_DONTNEED) }
  }

  /// Memory that something else owns, which must outlive the buffer.
  public init(borrowing pointer: UnsafeMutablePointer<Element>, count: Int) {
    self.pointer = pointer
    self.count = count
    mapped = 0
    (isOwned, isInFile) = (false, false)
  }

  deinit {
    if mapped > 0 {
      munmap(pointer, isInFile ? mapped : roundedToHugePages(mapped))
    } else if isOwned {
      free(pointer)
    }
  }

  /// All elements.
  public var buffer: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }
}

private let page = Int(sysconf(Int32(_SC_PAGESIZE)))

private func roundedToHugePages(_ bytes: Int) -> Int { (bytes + hugePage - 1) / hugePage * hugePage }

/// Zeroed pages from a huge page's boundary on. None is touched yet: each will lie in the memory next to the core that first
/// writes it.
private func mapPages(bytes: Int) -> UnsafeMutableRawPointer {
  let size = roundedToHugePages(bytes)
  guard
    let all = mmap(nil, size + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), all != MAP_FAILED
  else {
    preconditionFailure("no memory for a buffer of \(size) bytes")
  }
  let start = all.alignedUp(toMultipleOf: hugePage)
  let before = start - all
  if before > 0 { munmap(all, before) }
  if before < hugePage { munmap(start + size, hugePage - before) }
  adviseHugePages(start, size)
  return start
}
