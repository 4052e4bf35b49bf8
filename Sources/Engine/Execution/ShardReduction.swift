import Host

/// Reductions over the shards of a global batch, which several processes may compute.
///
/// The global batch is a fixed sequence of shards. Moments of batch normalization and sums of a loss are reduced along
/// one binary tree over the shards, so that the result does not depend on which process computes which shard. `Engine`
/// and `Training` know this protocol only; `LocalShards` is the implementation for a single process.
public protocol ShardReduction: AnyObject {
  /// Begins a batch of `count` shards and returns those that this process computes; perhaps none of a short batch.
  func begin(shards count: Int) -> Range<Int>

  /// The most shards that this process computes of a batch of `count` or fewer; at least one.
  func largestShare(of count: Int) -> Int

  /// Reduces one operand of `width` doubles for each shard in place: the result is in the first `width` values
  /// afterwards.
  ///
  /// - Parameters:
  ///   - operands: `shards × width` values, shard by shard; memory for one operand when there is no shard.
  ///   - shards: the shards that this process computes of the current batch.
  ///   - width: doubles of one operand.
  ///   - combine: merges the operand at the second pointer, which comes after the first in the order of shards, into
  ///     the first.
  func reduce(
    _ operands: UnsafeMutablePointer<Double>, shards: Int, width: Int,
    combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void)

  /// The sum of weight gradients over processes; nil when this process computes all shards.
  var gradientExchange: (any GradientExchange)? { get }
}

/// The sum of weight gradients over the processes that compute a batch's shards, overlapped with the backward pass.
public protocol GradientExchange: AnyObject {
  /// Memory for the gradients of `count` parameters: that of subtree k with respect to parameter p is at k · `count` +
  /// p. After `finish`, the first subtree's memory holds the gradient of the whole batch.
  ///
  /// Called once for a network. Other processes may write to ranges that were added, from `add` until `finish` returns.
  func storage(count: Int) -> UnsafeMutablePointer<Float>

  /// The number of largest subtrees of the tree over shards that this process computes (`shardSubtrees`).
  var subtreeCount: Int { get }
  /// The shards of a subtree, counted from this process's first one.
  func subtree(_ index: Int) -> Range<Int>

  /// Starts summing the gradients of a range of parameters, which all subtrees have been computed for. All processes
  /// add the same ranges in the same order in every step.
  func add(_ range: Range<Int>)

  /// Advances the exchange; called between the steps of a pass.
  func progress(team: ThreadTeam)

  /// Waits until `storage` holds the whole batch's gradient.
  func finish(team: ThreadTeam)

  /// The parameters that this process updates, if each process updates a part and keeps the optimizer's state of that
  /// part only; nil if every process updates all.
  func moved(of count: Int) -> Range<Int>?

  /// Distributes the updated parameters to all processes.
  func share(_ parameters: UnsafeMutablePointer<Float>, team: ThreadTeam)
}

extension GradientExchange {
  /// Every process updates all parameters.
  public func moved(of count: Int) -> Range<Int>? { nil }
  /// Does nothing, since every process has updated all parameters.
  public func share(_ parameters: UnsafeMutablePointer<Float>, team: ThreadTeam) {}
}

/// The reduction of a single process, which computes all shards of the batch.
public final class LocalShards: ShardReduction {
  /// Makes a reduction without state.
  public init() {}

  /// All shards.
  public func begin(shards count: Int) -> Range<Int> { 0..<count }

  /// All of them.
  public func largestShare(of count: Int) -> Int { count }

  /// Combines the shards' operands in the tree's order, each of `width` numbers; the first holds the result.
  public func reduce(
    _ operands: UnsafeMutablePointer<Double>, shards: Int, width: Int,
    combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void
  ) {
    foldShards(count: shards) { left, right in
      combine(operands + left * width, UnsafePointer(operands + right * width))
    }
  }

  /// None: there is nobody to exchange gradients with.
  public var gradientExchange: (any GradientExchange)? { nil }
}
