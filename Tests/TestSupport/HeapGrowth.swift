import CKernels

#if canImport(Glibc)
  import Glibc
#endif

/// Bytes that the heap has grown by when the body is done: blocks that it keeps, and blocks of up to 1 KiB that it took
/// and freed.
///
/// The C library keeps a freed block at hand for the thread and counts it as used, so that a block taken for a moment
/// shows as well, when none of its size was at hand before. Only the calling thread's blocks are so prepared.
public func heapGrowth(_ body: () throws -> Void) rethrows -> Int {
  var blocks: [UnsafeMutableRawPointer?] = []
  blocks.reserveCapacity(100_000)
  // Blocks at hand do not show when they are taken: take them until each new one shows, many times in a row.
  for size in stride(from: 24, to: 1048, by: 16) {
    var shown = 0
    while shown < 20 && blocks.count < blocks.capacity {
      let before = tutti_heap_bytes()
      blocks.append(malloc(size))
      shown = tutti_heap_bytes() > before ? shown + 1 : 0
    }
  }
  defer { for block in blocks { free(block) } }
  let before = tutti_heap_bytes()
  try body()
  return Int(tutti_heap_bytes()) - Int(before)
}

/// Takes a block of the heap and gives it back at once: what `heapGrowth` must see.
///
/// - Returns: where it was, so that the compiler cannot leave it out.
@discardableResult @inline(never)
public func touchHeap(bytes: Int) -> UInt {
  let block = malloc(bytes)
  defer { free(block) }
  return UInt(bitPattern: block)
}
