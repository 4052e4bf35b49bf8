/// Calls `join` for every inner node of the binary tree over `count` shards, bottom up: the operand of shard `right` is
/// merged into that of shard `left`. Shards that a short batch lacks are skipped, not counted as zero.
public func foldShards(count: Int, join: (_ left: Int, _ right: Int) -> Void) {
  foldShards(count: count, held: 0..<count, join: join)
}

/// The same for those inner nodes whose shards are all in `held`.
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

/// The first shards of the largest subtrees of the tree over `count` shards that lie within `held`, ascending: the
/// operands that remain after the joins within `held`.
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

/// Visits the same tree depth first, so that few operands are in memory at a time. The result is at place 0 of a stack
/// whose highest place is below the number of bits of `count`.
///
/// - Parameters:
///   - leaf: computes a shard's operand at a place of the stack.
///   - join: merges the operand at place `right` into that at `left` = `right` − 1; `isLeaf` says that both are single
///     shards.
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
