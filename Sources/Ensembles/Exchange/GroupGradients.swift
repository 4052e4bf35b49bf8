import CKernels
import Engine
import Host
import MessagePassing

/// Sums weight gradients over the ranks of a group while the backward pass goes on.
///
/// Gradients travel in buckets, in the order in which the pass finishes them. Each rank owns a slice of every bucket:
/// it takes the subtrees of all ranks, joins them in the order of the tree, and hands the sum to all. On a node the
/// owner reads and writes the others' memory; between nodes subtrees and sums are messages. Buckets are summed in
/// order, so that two counters a rank tell all.
final class GroupGradients: GradientExchange {
  unowned let group: GroupReduction
  let communicator: Communicator
  let size: Int
  let rank: Int
  /// Parameters of the network.
  private var count = 0
  /// Subtrees for which there is room.
  private var slots = 1
  /// The memory of each rank: subtree k of parameter p at k · `count` + p. Nil on another node.
  private(set) var memory: [UnsafeMutablePointer<Float>?]
  private(set) var parts: [NodeMemory.Part?]
  /// For each rank the parameters that it moves, where each moves a part, and how many they are.
  private(set) var moved: [Range<Int>] = []
  private(set) var movedCounts: [Int] = []
  /// Where each rank's counters stood when the group began.
  private(set) var begins: [(written: Int, summed: Int)] = []
  /// This rank's memory when it has none that others see.
  private var own = AlignedBuffer<Float>(count: 0)

  private var buckets: [GradientBucket] = []
  /// Ranges of the bucket that is being filled.
  private var filling: [Range<Int>] = []
  private var fillingCount = 0
  /// Of this step: buckets that are full, that are summed here, and whose sums from other nodes are here.
  private var full = 0
  private var summed = 0
  private var complete = 0
  /// Buckets of all steps before; parameters that are shared count as one.
  var past = 0

  init(_ group: GroupReduction) {
    self.group = group
    communicator = group.communicator
    size = communicator.size
    rank = communicator.rank
    memory = Array(repeating: nil, count: size)
    parts = Array(repeating: nil, count: size)
  }

  func storage(count: Int) -> UnsafeMutablePointer<Float> {
    self.count = count
    moved = GroupReduction.moved(of: count, ranks: size).all
    movedCounts = moved.map(\.count)
    slots = (1...group.mostShards).reduce(1) { most, shards in
      max(most, GroupReduction.Layout(shards: shards, ranks: size).subtrees.map(\.count).max() ?? 1)
    }
    buckets = []
    past = 0
    // All ranks decide alike: the parts have one size.
    if let shared = group.memory, slots * count <= shared.count {
      parts = group.ranks.map { shared.part(of: $0) }
    }
    memory = parts.map { $0?.floats }
    if memory[rank] == nil {
      own = AlignedBuffer(count: slots * count)
      memory[rank] = own.pointer
    }
    // Counters only rise: a rank of this one's group before may still wait for them.
    var counters = [0, 0]
    if let part = parts[rank] {
      part.floats.update(repeating: 0, count: slots * count)
      counters = [part.written.value, part.summed.value]
    }
    let mine = AlignedBuffer<Int>(count: 2)
    mine.buffer.copy(counters)
    let all = AlignedBuffer<Int>(count: 2 * size)
    group.allGather(mine.pointer, counts: Array(repeating: 2, count: size), into: all.pointer)
    begins = (0..<size).map { (written: all.pointer[2 * $0], summed: all.pointer[2 * $0 + 1]) }
    return memory[rank] ?? own.pointer
  }

  var subtreeCount: Int { group.layout.subtrees[rank].count }

  func subtree(_ index: Int) -> Range<Int> {
    let (trees, held) = (group.layout.subtrees[rank], group.layout.held[rank])
    let end = index + 1 < trees.count ? trees[index + 1] : held.upperBound
    return trees[index] - held.lowerBound..<end - held.lowerBound
  }

  func add(_ range: Range<Int>) {
    filling.append(range)
    fillingCount += range.count
    if fillingCount >= group.bucket { startBucket() }
  }

  /// The bucket is full: its subtrees go on their way.
  private func startBucket() {
    if full == buckets.count {
      buckets.append(GradientBucket(filling, index: full, rank: rank, isNear: memory.map { $0 != nil }))
    }
    let bucket = buckets[full]
    precondition(bucket.ranges == filling, "gradients are finished in the same order in every step")
    filling.removeAll(keepingCapacity: true)
    fillingCount = 0
    full += 1
    if let mine = memory[rank] {
      group.attempt {
        try bucket.start(over: communicator, subtrees: group.layout.subtrees.map(\.count), from: mine, stride: count)
      }
    }
    if let part = parts[rank] { part.written.value = begins[rank].written + past + full }
  }

  func progress(team: ThreadTeam) {
    guard group.failure == nil else { return }
    group.attempt {
      while summed < full {
        let bucket = buckets[summed]
        guard hasWritten(past + summed + 1), try bucket.hasSubtrees() else { break }
        sum(bucket, team: team)
        try bucket.sendSums(over: communicator)
        summed += 1
        if let part = parts[rank] { part.summed.value = begins[rank].summed + past + summed }
      }
      while complete < full, let mine = memory[rank], try buckets[complete].takeSums(to: mine) { complete += 1 }
    }
  }

  /// Whether all ranks of the node have written so many buckets.
  func hasWritten(_ buckets: Int) -> Bool {
    for rank in 0..<size {
      if let part = parts[rank], part.written.value - begins[rank].written < buckets { return false }
    }
    return true
  }

  /// Joins the subtrees of this rank's slice and gives the sum to all ranks of the node.
  private func sum(_ bucket: GradientBucket, team: ThreadTeam) {
    let layout = group.layout
    let (stride, size) = (count, size)
    team.run(count: bucket.chunks.count) { index, _ in
      let chunk = bucket.chunks[index]
      withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Float>.self, capacity: layout.roots) { roots in
        var place = 0
        for rank in 0..<size {
          for slot in 0..<layout.subtrees[rank].count {
            roots.initializeElement(
              at: place,
              to: memory[rank].map { $0 + slot * stride + chunk.offset }
                ?? bucket.received(from: rank, slot: slot) + chunk.place)
            place += 1
          }
        }
        for join in layout.joins { tutti_add(roots[join.left], roots[join.right], chunk.count) }
        for near in memory {
          guard let near, near + chunk.offset != roots[0] else { continue }
          (near + chunk.offset).update(from: roots[0], count: chunk.count)
        }
        if let sums = bucket.sums { (sums + chunk.place).update(from: roots[0], count: chunk.count) }
      }
    }
  }

  func finish(team: ThreadTeam) {
    if fillingCount > 0 { startBucket() }
    group.wait {
      progress(team: team)
      guard summed == full, complete == full, hasSummed(past + full) else { return false }
      return try areSent()
    }
    past += full
    (full, summed, complete) = (0, 0, 0)
  }

  /// Whether all ranks of the node have handed out the sums of so many buckets.
  func hasSummed(_ buckets: Int) -> Bool {
    for rank in 0..<size {
      if let part = parts[rank], part.summed.value - begins[rank].summed < buckets { return false }
    }
    return true
  }

  private func areSent() throws -> Bool {
    for index in 0..<full where try !buckets[index].isSent() { return false }
    return true
  }
}
