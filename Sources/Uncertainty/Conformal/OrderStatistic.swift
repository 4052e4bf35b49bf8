import MessagePassing

/// Sums integers over all ranks, in place; the identity when alone.
public typealias IntegerSum = (inout [Int64]) throws -> Void

extension Communicator {
  /// Adds up integers over the ranks. Collective (`MPI_Allreduce`).
  public var integerSum: IntegerSum {
    { values in values = try self.allReduce(values, .sum) }
  }
}

/// The k-th smallest of values that are spread over ranks, for several k.
///
/// Exact selection by counting: a histogram of the upper 16 bits of each value's ordered bit pattern, then one of the
/// lower 16 bits within the bins that hold a wanted value. Counts are integers, so the same values give the same result
/// however they are spread.
///
/// - Parameters:
///   - ranks: each k, from 1 to the number of values on all ranks; equal on all ranks.
///   - values: this rank's; without NaN. −0 comes before 0.
///   - weights: how often each value counts, run after run; k is then up to the sum of all weights. Nil: once each.
///   - sum: adds integers over the ranks; called twice.
/// - Throws: what `sum` throws.
/// - Complexity: two passes over the values, 512 KiB of counts for each different bin.
public func orderStatistics(
  _ ranks: [Int64], of values: UnsafeBufferPointer<Float>, weights: [(weight: Int64, count: Int)]? = nil,
  sum: IntegerSum
) throws -> [Float] {
  guard !ranks.isEmpty else { return [] }
  let weights = weights ?? [(1, values.count)]
  let bins = 65536
  var upper = [Int64](repeating: 0, count: bins)
  upper.withUnsafeMutableBufferPointer { upper in
    var first = 0
    for (weight, count) in weights {
      for value in UnsafeBufferPointer(rebasing: values[first..<first + count]) {
        upper[Int(orderedBits(value) >> 16)] += weight
      }
      first += count
    }
  }
  try sum(&upper)
  let places = ranks.map { place(of: $0, in: upper[...]) }

  var slot = [Int](repeating: -1, count: bins)
  var slots = 0
  for (bin, _) in places where slot[bin] < 0 {
    slot[bin] = slots
    slots += 1
  }
  var lower = [Int64](repeating: 0, count: bins * slots)
  lower.withUnsafeMutableBufferPointer { lower in
    slot.withUnsafeBufferPointer { slot in
      var first = 0
      for (weight, count) in weights {
        for value in UnsafeBufferPointer(rebasing: values[first..<first + count]) {
          let bits = orderedBits(value)
          let index = slot[Int(bits >> 16)]
          if index >= 0 { lower[index << 16 | Int(bits & 0xFFFF)] += weight }
        }
        first += count
      }
    }
  }
  try sum(&lower)
  return places.map { bin, rank in
    let first = slot[bin] * bins
    let (low, _) = place(of: rank, in: lower[first..<(first + bins)])
    return valueOf(orderedBits: UInt32(bin) << 16 | UInt32(low))
  }
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
