import MessagePassing

/// Messages under way that are waited for together. Its storage is kept, so that it does not allocate in every step.
final class TransferList {
  private var requests = UnsafeMutablePointer<Request>.allocate(capacity: 8)
  private var capacity = 8
  private var count = 0
  /// Those before it are finished.
  private var next = 0

  func append(_ request: consuming Request) {
    if count == capacity {
      let larger = UnsafeMutablePointer<Request>.allocate(capacity: 2 * capacity)
      larger.moveInitialize(from: requests, count: count)
      requests.deallocate()
      requests = larger
      capacity *= 2
    }
    (requests + count).initialize(to: request)
    count += 1
  }

  /// Whether all are finished; lets them go on.
  func test() throws -> Bool {
    while next < count {
      guard try requests[next].test() else { return false }
      next += 1
    }
    return true
  }

  /// Forgets all; waits for those that are not finished.
  func removeAll() {
    requests.deinitialize(count: count)
    (count, next) = (0, 0)
  }

  deinit {
    requests.deinitialize(count: count)
    requests.deallocate()
  }
}
