import MessagePassing

/// Sums integers over all ranks, in place; the identity when alone.
public typealias IntegerSum = (inout [Int64]) throws -> Void

extension Communicator {
  /// Adds up integers over the ranks. Collective (`MPI_Allreduce`).
  public var integerSum: IntegerSum {
    { values in values = try self.allReduce(values, .sum) }
  }
}

/// Counts on this rank and adds the counts of all ranks. A rank that cannot count keeps no other waiting. Collective.
///
/// - Throws: what `count` throws; `UncertaintyError.lostScores` when it failed on another rank; what `sum` throws.
func sumTogether(_ counts: inout [Int64], _ sum: IntegerSum, _ count: (inout [Int64]) throws -> Void) throws {
  var failure: (any Error)?
  do { try count(&counts) } catch { failure = error }
  counts.append(failure == nil ? 0 : 1)
  try sum(&counts)
  let failed = counts.removeLast()
  if let failure { throw failure }
  guard failed == 0 else { throw UncertaintyError.lostScores }
}

/// The k-th smallest of scores that are spread over ranks, for several k.
///
/// Exact selection by counting: a histogram of the upper 16 bits of each score's ordered bit pattern, then one of the
/// lower 16 bits within the bins that hold a wanted score. Counts are integers, so the same scores give the same result
/// however they are spread.
///
/// - Parameters:
///   - ranks: each k, from 1 to the sum of all weights on all ranks; equal on all ranks.
///   - scores: this rank's; without NaN. −0 comes before 0.
///   - weight: how often each score of a unit counts.
///   - sum: adds integers over the ranks; called twice.
/// - Throws: as `sumTogether`.
/// - Complexity: two passes over the scores, 512 KiB of counts for each different bin.
public func orderStatistics(
  _ ranks: [Int64], of scores: UnitScores, weight: (_ unit: Int) -> Int64 = { _ in 1 }, sum: IntegerSum
) throws -> [Float] {
  guard !ranks.isEmpty else { return [] }
  let bins = 65536
  var upper = [Int64](repeating: 0, count: bins)
  try sumTogether(&upper, sum) { upper in
    try upper.withUnsafeMutableBufferPointer { upper in
      try scores.forEachRun { unit, values in
        let weight = weight(unit)
        for value in values { upper[Int(orderedBits(value) >> 16)] += weight }
      }
    }
  }
  let places = ranks.map { place(of: $0, in: upper[...]) }

  var slot = [Int](repeating: -1, count: bins)
  var slots = 0
  for (bin, _) in places where slot[bin] < 0 {
    slot[bin] = slots
    slots += 1
  }
  var lower = [Int64](repeating: 0, count: bins * slots)
  try sumTogether(&lower, sum) { lower in
    try lower.withUnsafeMutableBufferPointer { lower in
      try slot.withUnsafeBufferPointer { slot in
        try scores.forEachRun { unit, values in
          let weight = weight(unit)
          for value in values {
            let bits = orderedBits(value)
            let index = slot[Int(bits >> 16)]
            if index >= 0 { lower[index << 16 | Int(bits & 0xFFFF)] += weight }
          }
        }
      }
    }
  }
  return places.map { bin, rank in
    let first = slot[bin] * bins
    let (low, _) = place(of: rank, in: lower[first..<(first + bins)])
    return valueOf(orderedBits: UInt32(bin) << 16 | UInt32(low))
  }
}

/// The k-th smallest of values in memory.
///
/// - Throws: as the other form.
public func orderStatistics(_ ranks: [Int64], of values: some Collection<Float>, sum: IntegerSum) throws -> [Float] {
  try orderStatistics(ranks, of: UnitScores(values), sum: sum)
}

/// The bin that holds the `rank`-th value (from 1), and which of the bin's values it is.
private func place(of rank: Int64, in counts: ArraySlice<Int64>) -> (bin: Int, rank: Int64) {
  var left = rank
  for (bin, count) in counts.enumerated() {
    if left <= count { return (bin, left) }
    left -= count
  }
  preconditionFailure("rank \(rank) is beyond the \(counts.reduce(0, +)) values")
}

/// The bits of a float, changed so that they ascend with its value.
private func orderedBits(_ value: Float) -> UInt32 {
  let bits = value.bitPattern
  return bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
}

private func valueOf(orderedBits bits: UInt32) -> Float {
  Float(bitPattern: bits >> 31 == 1 ? bits & 0x7FFF_FFFF : ~bits)
}
