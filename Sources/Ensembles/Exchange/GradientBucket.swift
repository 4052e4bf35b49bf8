import Host
import MessagePassing

/// Some weights whose gradients are exchanged together, cut into one slice a rank, with the messages of those on other
/// nodes.
final class GradientBucket {
  /// A part of this rank's slice that one thread sums: parameters from `offset`, which stand at `place` in the slice.
  struct Chunk {
    var offset: Int
    var place: Int
    var count: Int
  }

  /// Floats that stay in a core's nearest cache while several subtrees are joined.
  private static let chunk = 4096

  let ranges: [Range<Int>]
  let chunks: [Chunk]
  private let tag: Int
  private let rank: Int
  /// For each rank its slice: ranges of parameters, in order.
  private let slices: [[Range<Int>]]
  private let lengths: [Int]
  /// Ranks on other nodes.
  private let far: [Int]
  private var outgoing: [AlignedBuffer<Float>]
  private var incoming: [AlignedBuffer<Float>]
  private let result: AlignedBuffer<Float>
  private let results: [AlignedBuffer<Float>]
  private let subtrees = TransferList()
  private let sumsComing = TransferList()
  private let sent = TransferList()

  /// - Parameter isNear: for each rank whether its memory is seen from here.
  init(_ ranges: [Range<Int>], index: Int, rank: Int, isNear: [Bool]) {
    self.ranges = ranges
    self.rank = rank
    tag = index % 8192 * 2
    let total = ranges.reduce(0) { $0 + $1.count }
    let size = isNear.count
    slices = GroupReduction.moved(of: total, ranks: size).all.map {
      Self.part(of: ranges, from: $0.lowerBound, to: $0.upperBound)
    }
    lengths = slices.map { $0.reduce(0) { $0 + $1.count } }
    var chunks: [Chunk] = []
    var place = 0
    for range in slices[rank] {
      for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.chunk) {
        let count = min(Self.chunk, range.upperBound - first)
        chunks.append(Chunk(offset: first, place: place, count: count))
        place += count
      }
    }
    self.chunks = chunks
    let far = isNear.indices.filter { !isNear[$0] }
    self.far = far
    outgoing = isNear.map { _ in AlignedBuffer(count: 0) }
    incoming = outgoing
    result = AlignedBuffer(count: far.isEmpty ? 0 : lengths[rank])
    let lengths = lengths
    results = isNear.indices.map { AlignedBuffer(count: isNear[$0] ? 0 : lengths[$0]) }
  }

  /// The ranges between two places of their concatenation.
  private static func part(of ranges: [Range<Int>], from: Int, to: Int) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var place = 0
    for range in ranges {
      let first = max(from, place) - place
      let last = min(to, place + range.count) - place
      if first < last { result.append(range.lowerBound + first..<range.lowerBound + last) }
      place += range.count
    }
    return result
  }

  // MARK: Messages

  /// Starts to send this rank's partial sums to the slice owners on other nodes, and posts receives for their partial
  /// sums and for the finished slices.
  ///
  /// - Parameters:
  ///   - subtrees: how many each rank has.
  ///   - memory: subtree k of parameter p stands at k · `stride` + p.
  func start(
    over communicator: Communicator, subtrees counts: [Int], from memory: UnsafeMutablePointer<Float>, stride: Int
  ) throws {
    subtrees.removeAll()
    sumsComing.removeAll()
    sent.removeAll()
    for other in far {
      if lengths[rank] > 0, counts[other] > 0 {
        let count = counts[other] * lengths[rank]
        if incoming[other].count < count { incoming[other] = AlignedBuffer(count: count) }
        let buffer = UnsafeMutableBufferPointer(start: incoming[other].pointer, count: count)
        subtrees.append(try communicator.startReceive(into: buffer, from: other, tag: tag))
      }
      guard lengths[other] > 0 else { continue }
      sumsComing.append(try communicator.startReceive(into: results[other].buffer, from: other, tag: tag + 1))
      guard counts[rank] > 0 else { continue }
      let count = counts[rank] * lengths[other]
      if outgoing[other].count < count { outgoing[other] = AlignedBuffer(count: count) }
      var target = outgoing[other].pointer
      for slot in 0..<counts[rank] {
        for range in slices[other] {
          target.update(from: memory + slot * stride + range.lowerBound, count: range.count)
          target += range.count
        }
      }
      let buffer = UnsafeBufferPointer(start: UnsafePointer(outgoing[other].pointer), count: count)
      sent.append(try communicator.startSend(buffer, to: other, tag: tag))
    }
  }

  /// Whether the subtrees of all ranks on other nodes are here.
  func hasSubtrees() throws -> Bool {
    try subtrees.test()
  }

  /// A subtree of this rank's slice that came from a rank on another node.
  func received(from rank: Int, slot: Int) -> UnsafeMutablePointer<Float> {
    incoming[rank].pointer + slot * lengths[self.rank]
  }

  /// Where the sum of this rank's slice goes to be sent; nil when all ranks are on this node.
  var sums: UnsafeMutablePointer<Float>? { far.isEmpty ? nil : result.pointer }

  func sendSums(over communicator: Communicator) throws {
    guard lengths[rank] > 0 else { return }
    for other in far {
      sent.append(
        try communicator.startSend(UnsafeBufferPointer(result.buffer), to: other, tag: tag + 1))
    }
  }

  /// Puts the sums of owners on other nodes into this rank's gradient; false while they are on their way.
  func takeSums(to memory: UnsafeMutablePointer<Float>) throws -> Bool {
    guard try sumsComing.test() else { return false }
    for other in far {
      var source = results[other].pointer
      for range in slices[other] {
        (memory + range.lowerBound).update(from: source, count: range.count)
        source += range.count
      }
    }
    return true
  }

  /// Whether the buffers of all messages are free again.
  func isSent() throws -> Bool {
    try sent.test()
  }
}
