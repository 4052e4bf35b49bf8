/// Sums over the shards of a global batch, wherever they are held.
///
/// The global batch is a fixed sequence of shards. What must be known of the whole batch in the middle of a step (moments for batch
/// normalization, a loss's sums) is combined along one binary tree over the shards, so that the result does not depend on who holds
/// which shard. `Engine` and `Training` see only this protocol; alone, a process holds all shards (`LocalShards`).
public protocol ShardReduction: AnyObject {
  /// Combines one operand of `width` doubles for each shard held here into the operand of the whole batch, in place: it stands in the
  /// first `width` values afterwards.
  ///
  /// - Parameters:
  ///   - operands: `shards × width` values, a shard after another.
  ///   - combine: merges the operand at the second pointer, which stands right of the first in shard order, into the first.
  func reduce(
    _ operands: UnsafeMutablePointer<Double>, shards: Int, width: Int,
    combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void)
}

/// All shards of the batch are held by this process.
public final class LocalShards: ShardReduction {
  public init() {}

  public func reduce(
    _ operands: UnsafeMutablePointer<Double>, shards: Int, width: Int,
    combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void
  ) {
    foldShards(count: shards) { left, right in
      combine(operands + left * width, UnsafePointer(operands + right * width))
    }
  }
}

/// Visits the joins of the binary tree over `count` shards, lowest first: the operand at `right` is merged into that at `left`.
/// Shards absent from a short batch are skipped, not counted as zero.
public func foldShards(count: Int, join: (_ left: Int, _ right: Int) -> Void) {
  var stride = 1
  while stride < count {
    var left = 0
    while left + stride < count {
      join(left, left + stride)
      left += 2 * stride
    }
    stride *= 2
  }
}
