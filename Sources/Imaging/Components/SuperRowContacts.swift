import Host

/// Which runs of super-rows touch, and the sets of those that do.
struct SuperRowContacts {
  private let bits: BitRows
  private let height: Int
  private let runs: [RowRun]
  private let first: [Int]
  /// Of each voxel of the super-rows of two layers, this one and the one before, the number of its run; anything where there is
  /// none.
  private let numbers: AlignedBuffer<Int32>
  /// Of the super-rows of two layers, which they are; −1: their numbers are not there.
  private let known: AlignedBuffer<Int>

  /// - Parameters:
  ///   - runs: of all super-rows.
  ///   - first: of each super-row its first run, and the number of runs at the end.
  init(_ bits: BitRows, _ runs: [RowRun], _ first: [Int]) {
    (self.bits, self.runs, self.first) = (bits, runs, first)
    height = (bits.extents.y + 1) / 2
    numbers = AlignedBuffer(unfilled: 2 * height * bits.extents.x)
    known = AlignedBuffer(unfilled: 2 * height)
    known.buffer.update(repeating: -1)
  }

  /// The first run that each is connected to.
  func roots() -> [Int32] {
    var sets = DisjointSets(count: runs.count)
    sets.uniteMany { union in
      runs.withUnsafeBufferPointer { runs in
        SuperRows.forEach(bits.extents) { row, z, y in
          guard first[row] < first[row + 1] else { return }
          // Which rows here touch which of the super-rows before.
          join(pair(z, y, z + 1, y), pair(z, y - 1, z + 1, y - 1), nil, runs, union)
          join(pair(z, y, z, y + 1), pair(z - 1, y, z - 1, y + 1), nil, runs, union)
          join(pair(z, y, z, y), pair(z - 1, y - 1, z - 1, y - 1), pair(z - 1, y, z, y - 1), runs, union)
          join(pair(z, y + 1, z, y + 1), pair(z - 1, y + 2, z - 1, y + 2), pair(z - 1, y + 1, z, y + 2), runs, union)
        }
      }
    }
    return sets.smallestOfEach()
  }

  /// Two rows of a super-row, or one twice.
  private struct Pair {
    let one, other: UnsafePointer<UInt64>
    /// The super-row.
    let row: Int

    /// The bits of both.
    @inline(__always)
    subscript(word: Int) -> UInt64 { one[word] | other[word] }
  }

  /// Two rows of the box, the first of a super-row; nil where that lies beside it, or nothing lies in the super-row.
  @inline(__always)
  private func pair(_ z1: Int, _ y1: Int, _ z2: Int, _ y2: Int) -> Pair? {
    guard let one = bits.row(z1, y1) else { return nil }
    let row = z1 / 2 * height + y1 / 2
    return first[row] == first[row + 1] ? nil : Pair(one: one, other: bits.row(z2, y2) ?? one, row: row)
  }

  /// Of each voxel of a super-row the number of its run. They are found when first asked for: in sparse volumes few are.
  @inline(__always)
  private func numbers(of row: Int, _ runs: UnsafeBufferPointer<RowRun>) -> UnsafeMutablePointer<Int32> {
    let place = row % (2 * height)
    let own = numbers.pointer + place * bits.extents.x
    if known.pointer[place] != row {
      known.pointer[place] = row
      for run in first[row]..<first[row + 1] {
        let (end, number) = (runs[run].end, Int32(truncatingIfNeeded: run))
        var x = runs[run].start
        repeat {
          own[x] = number
          x &+= 1
        } while x < end
      }
    }
    return own
  }

  /// Unites the runs of two super-rows where rows of one touch those of the other.
  ///
  /// - Parameter between: rows beside both, by whose voxels they are united at other calls.
  @inline(__always)
  private func join(
    _ own: Pair?, _ others: Pair?, _ between: Pair?, _ runs: UnsafeBufferPointer<RowRun>,
    _ union: DisjointSets.Union
  ) {
    guard let own, let others else { return }
    /// Unites at places of the other rows, with what lies there or aside in the own.
    @inline(__always)
    func unite(_ places: UInt64, _ start: Int, aside: Int) {
      guard places != 0 else { return }
      var places = places
      let (ones, twos) = (numbers(of: own.row, runs), numbers(of: others.row, runs))
      repeat {
        let x = start &+ places.trailingZeroBitCount
        let (one, two) = (Int(ones[x &+ aside]), Int(twos[x]))
        if !union.knows(one, two) { union.unite(one, two) }
        places &= places &- 1
      } while places != 0
    }
    var (a, b) = (own[0], others[0])
    var (aBefore, bBefore): (UInt64, UInt64) = (0, 0)
    for word in 0..<bits.wordsPerRow {
      let isLast = word + 1 == bits.wordsPerRow
      let (aNext, bNext) = isLast ? (0, 0) : (own[word + 1], others[word + 1])
      // The voxels before and after each.
      let (aLeft, bLeft) = (a << 1 | aBefore >> 63, b << 1 | bBefore >> 63)
      let (aRight, bRight) = (a >> 1 | aNext << 63, b >> 1 | bNext << 63)
      // Where the same runs touch one place further, nothing new is learnt.
      let open = between.map { b & ~$0[word] } ?? b
      if open != 0 {
        unite(a & open & ~(aLeft & bLeft), word * 64, aside: 0)
        unite(aLeft & open & ~a & ~bLeft, word * 64, aside: -1)
        unite(aRight & open & ~a & ~bRight, word * 64, aside: 1)
      }
      (aBefore, bBefore, a, b) = (a, b, aNext, bNext)
    }
  }
}
