import Host

/// Sums over the shards of a global batch, wherever they are held.
///
/// The global batch is a fixed sequence of shards. What must be known of the whole batch in the middle of a step (moments for batch
/// normalization, a loss's sums) is combined along one binary tree over the shards, so that the result does not depend on who holds
/// which shard. `Engine` and `Training` see only this protocol; alone, a process holds all shards (`LocalShards`).
public protocol ShardReduction: AnyObject {
  /// Begins a batch of `count` shards and tells which of them are held here; perhaps none of a short batch.
  func begin(shards count: Int) -> Range<Int>

  /// The most shards that are held here of a batch of `count` or fewer; at least one.
  func largestShare(of count: Int) -> Int

  /// Combines one operand of `width` doubles for each shard held here into the operand of the whole batch, in place: it stands in the
  /// first `width` values afterwards.
  ///
  /// - Parameters:
  ///   - operands: `shards × width` values, a shard after another; room for one operand where there is no shard.
  ///   - shards: those held here of the batch at work.
  ///   - combine: merges the operand at the second pointer, which stands right of the first in shard order, into the first.
  func reduce(
    _ operands: UnsafeMutablePointer<Double>, shards: Int, width: Int,
    combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void)

  /// Sums the gradients of weights with those of other processes; nil when all shards are held here.
  var gradientExchange: (any GradientExchange)? { get }
}

/// Sums the gradients of weights over the processes that hold a batch's shards, while the backward pass goes on.
public protocol GradientExchange: AnyObject {
  /// Memory for the gradients of all parameters: that of subtree k for parameter p stands at k · `count` + p. The whole batch's
  /// stands in the place of the first subtree after `finish`.
  ///
  /// Called once for a network. Others may write to it between `add` and the end of `finish`, in the ranges that were added.
  func storage(count: Int) -> UnsafeMutablePointer<Float>

  /// The largest subtrees of the tree over the batch's shards that are held here.
  var subtreeCount: Int { get }
  /// The shards of a subtree, counted among those held here.
  func subtree(_ index: Int) -> Range<Int>

  /// Takes the gradients of some weights, which stand in the places of all subtrees; all processes add the same ranges in the same
  /// order in every step.
  func add(_ range: Range<Int>)

  /// Lets the exchange go on; called between the steps of a pass.
  func progress(team: ThreadTeam)

  /// Waits until the whole batch's gradient stands in `storage`.
  func finish(team: ThreadTeam)

  /// The parameters that this process moves, where each moves a part and keeps the optimizer's state of that part alone; nil: every
  /// process moves all.
  func moved(of count: Int) -> Range<Int>?

  /// Gives all processes the parameters that the others have moved.
  func share(_ parameters: UnsafeMutablePointer<Float>, team: ThreadTeam)
}

extension GradientExchange {
  public func moved(of count: Int) -> Range<Int>? { nil }
  public func share(_ parameters: UnsafeMutablePointer<Float>, team: ThreadTeam) {}
}

/// All shards of the batch are held by this process.
public final class LocalShards: ShardReduction {
  public init() {}

  public func begin(shards count: Int) -> Range<Int> { 0..<count }

  public func largestShare(of count: Int) -> Int { count }

  public func reduce(
    _ operands: UnsafeMutablePointer<Double>, shards: Int, width: Int,
    combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void
  ) {
    foldShards(count: shards) { left, right in
      combine(operands + left * width, UnsafePointer(operands + right * width))
    }
  }

  public var gradientExchange: (any GradientExchange)? { nil }
}

/// Visits the joins of the binary tree over `count` shards, lowest first: the operand at `right` is merged into that at `left`.
/// Shards absent from a short batch are skipped, not counted as zero.
public func foldShards(count: Int, join: (_ left: Int, _ right: Int) -> Void) {
  foldShards(count: count, held: 0..<count, join: join)
}

/// Visits those joins of the tree over `count` shards whose two operands are made of shards in `held` alone.
public func foldShards(count: Int, held: Range<Int>, join: (_ left: Int, _ right: Int) -> Void) {
  var stride = 1
  while stride < count {
    var left = (held.lowerBound + 2 * stride - 1) / (2 * stride) * (2 * stride)
    while left + stride < held.upperBound, min(left + 2 * stride, count) <= held.upperBound {
      join(left, left + stride)
      left += 2 * stride
    }
    stride *= 2
  }
}

/// The first shards of the largest subtrees of the tree over `count` shards that lie within `held`, ascending: what is left of `held`
/// after its own joins.
public func shardSubtrees(count: Int, held: Range<Int>) -> [Int] {
  var result: [Int] = []
  var first = held.lowerBound
  while first < held.upperBound {
    result.append(first)
    var stride = 1
    while stride < count, first % (2 * stride) == 0, min(first + 2 * stride, count) <= held.upperBound { stride *= 2 }
    first += stride
  }
  return result
}

/// Visits the same tree depth first, so that few operands are held at a time: `leaf` makes a shard's operand at a place of a stack,
/// `join` merges the operand at `right` into that at `left` = `right` − 1; `isLeaf` says that both are single shards. The result is
/// left at place 0; the highest place is below the number of bits of `count`.
func foldShardsDepthFirst(
  count: Int, leaf: (_ shard: Int, _ place: Int) -> Void, join: (_ left: Int, _ right: Int, _ isLeaf: Bool) -> Void
) {
  for shard in 0..<count {
    // The operands on the stack are the complete subtrees before this shard: a bit each.
    var place = shard.nonzeroBitCount
    leaf(shard, place)
    for level in 0..<(~shard).trailingZeroBitCount {
      join(place - 1, place, level == 0)
      place -= 1
    }
  }
  var place = count.nonzeroBitCount - 1
  while place > 0 {
    join(place - 1, place, false)
    place -= 1
  }
}
