import Engine
import Host
import MessagePassing

/// Sums over the shards of a batch that the ranks of a group hold: each a contiguous range of them.
///
/// A rank reduces the largest subtrees of the tree over all shards that lie within its range, the ranks exchange these,
/// and the rest of the tree is joined in its fixed order. So the bits are those of one rank that holds all shards.
public final class GroupReduction: ShardReduction {
  /// Who holds what of a batch, and what is left to be joined between ranks.
  struct Layout {
    /// For each rank the shards that it holds.
    var held: [Range<Int>]
    /// For each rank the first shards of its subtrees.
    var subtrees: [[Int]]
    /// The place of each rank's first subtree among those of all ranks, which stand in the order of shards.
    var firstRoot: [Int]
    var roots: Int
    /// Joins between subtrees of different ranks, by their places, in the order of the tree.
    var joins: [(left: Int, right: Int)]

    init(shards: Int, ranks: Int) {
      held = Shares(of: shards, among: ranks).all
      subtrees = held.map { shardSubtrees(count: shards, held: $0) }
      firstRoot = []
      roots = 0
      for trees in subtrees {
        firstRoot.append(roots)
        roots += trees.count
      }
      var place: [Int: Int] = [:]
      for shard in subtrees.joined() { place[shard] = place.count }
      joins = []
      // A shard that a local join took in is no root; its join is not seen here.
      foldShards(count: shards) { left, right in
        if let left = place[left], let right = place[right] { joins.append((left, right)) }
      }
    }
  }

  let communicator: Communicator
  /// The world ranks of the group, in its order.
  let ranks: [Int]
  let memory: NodeMemory?
  /// Called again and again while this rank waits for others, with the time at which the wait began.
  let whileWaiting: (ContinuousClock.Instant) throws -> Void
  private var layouts: [Int: Layout] = [:]
  private(set) var shards = 0
  private(set) var layout: Layout
  private var sent = AlignedBuffer<Double>(count: 0)
  private var received = AlignedBuffer<Double>(count: 0)
  private var counts: [Int] = []
  private let transfers = TransferList()
  private lazy var gradients = GroupGradients(self)
  /// The first error of a message; the sums after it mean nothing.
  public private(set) var failure: (any Error)?
  /// The most shards of a batch.
  let mostShards: Int
  /// Floats of a bucket of gradients.
  let bucket: Int
  /// Whether each rank moves a part of the parameters.
  let dividesState: Bool

  /// Sums over the ranks of a communicator, on all of which it is made.
  ///
  /// - Parameters:
  ///   - ranks: the world ranks of the communicator's ranks.
  ///   - shards: of a full batch.
  ///   - memory: nil: messages only.
  ///   - bucket: floats of gradients that are exchanged together.
  ///   - dividesState: each rank keeps the optimizer's state of a part of the parameters and moves these alone, as the
  ///     first stage of ZeRO (Rajbhandari et al., arXiv 1910.02054) and
  ///     `torch.distributed.optim.ZeroRedundancyOptimizer`.
  public init(
    _ communicator: Communicator, ranks: [Int], shards: Int, memory: NodeMemory?, bucket: Int = 1 << 18,
    dividesState: Bool = false,
    whileWaiting: @escaping (ContinuousClock.Instant) throws -> Void = { _ in }
  ) {
    precondition(ranks.count == communicator.size, "\(ranks.count) names for \(communicator.size) ranks")
    self.communicator = communicator
    self.ranks = ranks
    self.memory = memory
    self.whileWaiting = whileWaiting
    self.bucket = bucket
    self.dividesState = dividesState
    mostShards = shards
    layout = Layout(shards: shards, ranks: communicator.size)
    layouts[shards] = layout
    self.shards = shards
  }

  /// How fast ranks of these speeds are together, each with its share of the shards: they wait for the last. A rank
  /// alone is as fast as it is.
  static func speed(of speeds: [Double], shards: Int) -> Double {
    let longest = zip(Shares(of: shards, among: speeds.count).all, speeds).map { Double($0.count) / $1 }.max()
    return Double(shards) / (longest ?? 1)
  }

  /// The parameters that each rank moves where each moves a part: whole lines of the cache.
  static func moved(of count: Int, ranks: Int) -> Shares { Shares(of: count, among: ranks, unit: 16) }

  /// The most subtrees that a rank holds of a batch of `shards` or fewer, for groups of up to so many ranks.
  public static func mostSubtrees(shards: Int, ranks: Int) -> Int {
    var most = 1
    for ranks in 1...max(1, ranks) {
      for count in 1...max(1, shards) {
        for held in Shares(of: count, among: ranks).all {
          most = max(most, shardSubtrees(count: count, held: held).count)
        }
      }
    }
    return most
  }

  /// Begins a batch of `count` shards and tells which of them this rank holds.
  public func begin(shards count: Int) -> Range<Int> {
    if count != shards {
      shards = count
      if let known = layouts[count] {
        layout = known
      } else {
        layout = Layout(shards: count, ranks: communicator.size)
        layouts[count] = layout
      }
    }
    return layout.held[communicator.rank]
  }

  /// The most shards of `count` that a rank holds.
  public func largestShare(of count: Int) -> Int { max(1, Shares(of: count, among: communicator.size).largest) }

  /// Combines the operands of all ranks' shards along the tree. Collective; calls `whileWaiting` while it waits.
  public func reduce(
    _ operands: UnsafeMutablePointer<Double>, shards held: Int, width: Int,
    combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void
  ) {
    let rank = communicator.rank
    let own = layout.held[rank]
    precondition(held == own.count, "\(held) shards of the \(own.count) that this rank holds")
    foldShards(count: shards, held: own) { left, right in
      combine(
        operands + (left - own.lowerBound) * width, UnsafePointer(operands + (right - own.lowerBound) * width))
    }
    let subtrees = layout.subtrees[rank]
    if sent.count < subtrees.count * width { sent = AlignedBuffer(count: subtrees.count * width) }
    if received.count < layout.roots * width { received = AlignedBuffer(count: layout.roots * width) }
    for (index, first) in subtrees.enumerated() {
      (sent.pointer + index * width).update(from: operands + (first - own.lowerBound) * width, count: width)
    }
    counts.removeAll(keepingCapacity: true)
    for trees in layout.subtrees { counts.append(trees.count * width) }
    allGather(sent.pointer, counts: counts, into: received.pointer)
    for join in layout.joins {
      combine(received.pointer + join.left * width, UnsafePointer(received.pointer + join.right * width))
    }
    operands.update(from: received.pointer, count: width)
  }

  /// Joins the ranks' parts, in the order of ranks, on all of them. Collective.
  ///
  /// - Parameters:
  ///   - part: this rank's elements; not overlapping `whole`.
  ///   - counts: the ranks' counts, the same on all ranks.
  func allGather<T: MPIScalar>(
    _ part: UnsafeMutablePointer<T>, counts: [Int], into whole: UnsafeMutablePointer<T>
  ) {
    let rank = communicator.rank
    attempt {
      transfers.removeAll()
      var place = 0
      for (other, count) in counts.enumerated() {
        if other == rank {
          (whole + place).update(from: part, count: count)
        } else if count > 0 {
          let target = UnsafeMutableBufferPointer(start: whole + place, count: count)
          transfers.append(try communicator.startReceive(into: target, from: other, tag: Self.gatheringTag))
        }
        place += count
      }
      guard counts[rank] > 0 else { return }
      let source = UnsafeBufferPointer(start: UnsafePointer(part), count: counts[rank])
      for other in counts.indices where other != rank {
        transfers.append(try communicator.startSend(source, to: other, tag: Self.gatheringTag))
      }
    }
    wait { try transfers.test() }
  }

  /// Above those of `GradientBucket`.
  private static let gatheringTag = 16384

  /// Waits for others, but not after a failure.
  func wait(until isDone: () throws -> Bool) {
    func look() -> Bool {
      var result = false
      attempt { result = try isDone() }
      return result || failure != nil
    }
    guard !look() else { return }
    let start = ContinuousClock.now
    var patience = Patience()
    repeat {
      attempt { try whileWaiting(start) }
      patience.wait()
    } while !look()
  }

  /// The sums of weight gradients over the same ranks.
  public var gradientExchange: (any GradientExchange)? { gradients }

  /// Does something that may fail, unless something has failed; keeps the first error.
  func attempt(_ body: () throws -> Void) {
    guard failure == nil else { return }
    do { try body() } catch { failure = error }
  }
}
