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
