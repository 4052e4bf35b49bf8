import Engine
import Ensembles
import Host
import MessagePassing

/// Sums gradients by the MPI library's own non-blocking all-reduce, in the same buckets as `GroupReduction`: what the
/// exact tree is compared with.
final class LibraryReduction: ShardReduction, GradientExchange {
  private let group: GroupReduction
  private let communicator: Communicator
  private let bucket: Int
  private var memory = AlignedBuffer<Float>(count: 0)
  private var held = 0
  /// What is added and not on its way.
  private var waiting: [Range<Int>] = []
  private var started: [Transfer] = []
  private(set) var failure: (any Error)?

  private final class Transfer {
    var request: Request
    init(_ request: consuming Request) { self.request = request }
  }

  init(_ group: GroupReduction, over communicator: Communicator, bucket: Int = 1 << 18) {
    self.group = group
    self.communicator = communicator
    self.bucket = bucket
  }

  func begin(shards count: Int) -> Range<Int> {
    let range = group.begin(shards: count)
    held = range.count
    return range
  }

  func largestShare(of count: Int) -> Int { group.largestShare(of: count) }

  func reduce(
    _ operands: UnsafeMutablePointer<Double>, shards: Int, width: Int,
    combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void
  ) {
    group.reduce(operands, shards: shards, width: width, combine: combine)
  }

  var gradientExchange: (any GradientExchange)? { self }

  func storage(count: Int) -> UnsafeMutablePointer<Float> {
    memory = AlignedBuffer(count: count)
    return memory.pointer
  }

  var subtreeCount: Int { held > 0 ? 1 : 0 }

  func subtree(_ index: Int) -> Range<Int> { 0..<held }

  func add(_ range: Range<Int>) {
    waiting.append(range)
    if waiting.reduce(0, { $0 + $1.count }) >= bucket { start() }
  }

  /// Sends what waits, layers that are neighbours as one message.
  private func start() {
    waiting.sort { $0.lowerBound < $1.lowerBound }
    var bucket: [Range<Int>] = []
    for range in waiting {
      if let last = bucket.last, last.upperBound == range.lowerBound {
        bucket[bucket.count - 1] = last.lowerBound..<range.upperBound
      } else {
        bucket.append(range)
      }
    }
    for range in bucket {
      let buffer = UnsafeMutableBufferPointer(start: memory.pointer + range.lowerBound, count: range.count)
      do {
        started.append(Transfer(try communicator.startAllReduce(buffer, .sumInAnyOrder)))
      } catch {
        failure = failure ?? error
      }
    }
    waiting.removeAll(keepingCapacity: true)
  }

  func progress(team: ThreadTeam) {
    do {
      for transfer in started where try !transfer.request.test() { return }
    } catch {
      failure = failure ?? error
    }
  }

  func finish(team: ThreadTeam) {
    start()
    do {
      for transfer in started { while try !transfer.request.test() {} }
    } catch {
      failure = failure ?? error
    }
    started.removeAll(keepingCapacity: true)
  }
}
