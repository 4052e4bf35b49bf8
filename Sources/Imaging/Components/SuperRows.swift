import Host

/// The components of voxels that touch by faces, edges or corners, found by rows of two by two rows: voxels beside each other
/// in such a super-row are of one component wherever they lie in it, so that even in noise its runs are few.
///
/// As the blocks of C. Grana, D. Borghesani, R. Cucchiara, *Optimized block-based connected components labeling with decision
/// trees*, doi:10.1109/TIP.2010.2044963, but as long as a run.
struct SuperRows {
  private let bits: BitRows
  private let height: Int
  /// Of each voxel of the super-rows of two layers, this one and the one before, the number of its run; anything where there is
  /// none.
  private let numbers: AlignedBuffer<Int32>

  init(_ bits: BitRows) {
    self.bits = bits
    height = (bits.extents.y + 1) / 2
    numbers = AlignedBuffer(unfilled: 2 * height * bits.extents.x)
  }

  /// The component of each run of the box's rows.
  func components(of runs: [RowRun], row: (_ z: Int, _ y: Int) -> Range<Int>) -> Components {
    var sets = DisjointSets(count: 0)
    var count = 0
    let union = AlignedBuffer<UInt64>(count: bits.wordsPerRow)
    let found = AlignedBuffer<RowRun>(unfilled: (bits.extents.x + 1) / 2)
    var marks = [Int32](unsafeUninitializedCapacity: runs.count) { marks, marked in
      for z in stride(from: 0, to: bits.extents.z, by: 2) {
        for y in stride(from: 0, to: bits.extents.y, by: 2) {
          let own = numbers(z, y)
          for run in find(z, y, union, found) {
            for x in found.pointer[run].start..<found.pointer[run].end { own[x] = Int32(count) }
            count += 1
          }
          sets.grow(to: count)
          sets.uniteMany { union in
            // Which rows here touch which of the super-rows before.
            join(pair(z, y, z + 1, y), pair(z, y - 1, z + 1, y - 1), union)
            join(pair(z, y, z, y + 1), pair(z - 1, y, z - 1, y + 1), union)
            join(pair(z, y, z, y), pair(z - 1, y - 1, z - 1, y - 1), union)
            join(pair(z, y + 1, z, y + 1), pair(z - 1, y + 2, z - 1, y + 2), union)
          }
          forEachRow(z, y) { z, y in
            for index in row(z, y) { marks.initializeElement(at: index, to: own[runs[index].start]) }
          }
        }
      }
      marked = runs.count
    }
    let components = sets.smallestOfEach()
    for index in marks.indices { marks[index] = components[Int(marks[index])] }
    return Components(marks, below: count)
  }

  /// Finds the runs of a super-row.
  private func find(
    _ z: Int, _ y: Int, _ union: AlignedBuffer<UInt64>, _ found: AlignedBuffer<RowRun>
  ) -> Range<Int> {
    union.buffer.update(repeating: 0)
    forEachRow(z, y) { z, y in
      guard let row = bits.row(z, y) else { return }
      for word in 0..<bits.wordsPerRow { union.pointer[word] |= row[word] }
    }
    return 0..<BitRows.runs(of: union.pointer, count: bits.wordsPerRow, into: found.pointer)
  }

  /// Calls `body` with the rows of the box that are of the super-row that begins with one.
  @inline(__always)
  private func forEachRow(_ z: Int, _ y: Int, _ body: (_ z: Int, _ y: Int) -> Void) {
    for z in z..<min(z + 2, bits.extents.z) {
      for y in y..<min(y + 2, bits.extents.y) { body(z, y) }
    }
  }

  /// The numbers of the super-row that a row is of.
  private func numbers(_ z: Int, _ y: Int) -> UnsafeMutablePointer<Int32> {
    numbers.pointer + (z / 2 % 2 * height + y / 2) * bits.extents.x
  }

  /// Two rows of a super-row, or one twice.
  private struct Pair {
    let one, other: UnsafePointer<UInt64>
    let numbers: UnsafeMutablePointer<Int32>

    /// The bits of both.
    @inline(__always)
    subscript(word: Int) -> UInt64 { one[word] | other[word] }
  }

  /// Two rows of the box, of one super-row; nil where the first lies beside it.
  @inline(__always)
  private func pair(_ z1: Int, _ y1: Int, _ z2: Int, _ y2: Int) -> Pair? {
    guard let one = bits.row(z1, y1) else { return nil }
    return Pair(one: one, other: bits.row(z2, y2) ?? one, numbers: numbers(z1, y1))
  }

  /// Unites the runs of two super-rows where rows of one touch those of the other.
  @inline(__always)
  private func join(_ own: Pair?, _ others: Pair?, _ union: DisjointSets.Union) {
    guard let own, let others else { return }
    /// Unites at places of the other rows, with what lies there or aside in the own.
    @inline(__always)
    func unite(_ places: UInt64, _ start: Int, aside: Int) {
      var places = places
      while places != 0 {
        let x = start + places.trailingZeroBitCount
        let (one, two) = (Int(own.numbers[x + aside]), Int(others.numbers[x]))
        if !union.knows(one, two) { union.unite(one, two) }
        places &= places &- 1
      }
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
      unite(a & b & ~(aLeft & bLeft), word * 64, aside: 0)
      unite(aLeft & b & ~a & ~bLeft, word * 64, aside: -1)
      unite(aRight & b & ~a & ~bRight, word * 64, aside: 1)
      (aBefore, bBefore, a, b) = (a, b, aNext, bNext)
    }
  }
}
