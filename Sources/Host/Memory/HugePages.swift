import Glibc

/// Bytes of a huge page.
let hugePage = 2 << 20

/// Asks for huge pages in whole ones of them that nothing has touched yet. A kernel without them refuses it, and nothing is lost.
func adviseHugePages(_ start: UnsafeMutableRawPointer, _ size: Int) { _ = madvise(start, size, MADV_HUGEPAGE) }

extension UnsafeMutableBufferPointer {
  /// Asks for huge pages in memory that nothing has touched yet, as that of a new array: each comes at one page fault instead of
  /// 512. In memory of less than 4 MiB it does nothing.
  public func useHugePages() {
    let bytes = UnsafeMutableRawBufferPointer(self)
    guard bytes.count >= 2 * hugePage, let base = bytes.baseAddress else { return }
    let start = base.alignedUp(toMultipleOf: hugePage)
    let size = (base + bytes.count - start) / hugePage * hugePage
    if size > 0 { adviseHugePages(start, size) }
  }
}
