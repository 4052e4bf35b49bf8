import CTestSupport

#if canImport(Glibc)
  import Glibc
#endif

/// Bytes that all threads of the process asked the heap for while the body ran, also for a moment; nil where a sanitizer has
/// replaced the heap.
public func allocatedBytes<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) -> Int? {
  tutti_test_begin_allocations()
  do throws(Failure) {
    try body()
  } catch {
    _ = tutti_test_end_allocations()
    throw error
  }
  let bytes = tutti_test_end_allocations()
  return bytes < 0 ? nil : Int(bytes)
}

/// Takes a block of the heap and gives it back at once: what `allocatedBytes` must see.
///
/// - Returns: where it was, so that the compiler cannot leave it out.
@discardableResult @inline(never)
public func touchHeap(bytes: Int) -> UInt {
  let block = malloc(bytes)
  defer { free(block) }
  return UInt(bitPattern: block)
}
