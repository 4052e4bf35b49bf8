import Host

/// The components of voxels that touch by faces, edges or corners, found by rows of two by two rows: voxels beside each other
/// in such a super-row are of one component wherever they lie in it, so that even in noise its runs are few.
///
/// As the blocks of C. Grana, D. Borghesani, R. Cucchiara, *Optimized block-based connected components labeling with decision
/// trees*, doi:10.1109/TIP.2010.2044963, but as long as a run. What is done for each voxel is done by bits, 64 at once.
struct SuperRows {
  let bits: BitRows
  /// Super-rows of two slices.
  let height: Int
  /// Of all super-rows, in the order of (z, y), and along x.
  let runs: [RowRun]
  /// Of each super-row its first run, and the number of runs at the end.
  let first: [Int]
  /// The component of each run; they are numbered in the order of their first voxels.
  let numbers: [Int32]
  /// How many components there are.
  let count: Int

  /// Finds the components.
  ///
  /// - Complexity: O(*voxels* / 64 + *runs*)
  init(_ bits: BitRows) {
    self.bits = bits
    height = (bits.extents.y + 1) / 2
    let (runs, first, rows) = Self.find(bits)
    (self.runs, self.first) = (runs, first)
    let roots = SuperRowContacts(bits, runs, first).roots()
    (numbers, count) = Self.number(roots, bits, runs, first, rows)
  }

  /// Bytes of memory, about.
  var bytes: Int { bits.bytes + runs.count * (MemoryLayout<RowRun>.stride + 4) + first.count * 8 }

  /// The first super-row of each slice and row, and its number.
  @inline(__always)
  static func forEach(_ extents: Extents, _ body: (_ row: Int, _ z: Int, _ y: Int) -> Void) {
    var row = 0
    for z in stride(from: 0, to: extents.z, by: 2) {
      for y in stride(from: 0, to: extents.y, by: 2) {
        body(row, z, y)
        row += 1
      }
    }
  }

  /// The runs of the super-row that a row is of.
  @inline(__always)
  func row(_ z: Int, _ y: Int) -> Range<Int> {
    let row = z / 2 * height + y / 2
    return first[row]..<first[row + 1]
  }

  /// Calls `body` with the runs of a row of the box, in order, and the number of each.
  ///
  /// - Parameter room: for the runs of a row.
  @inline(__always)
  func forEachRun(
    _ z: Int, _ y: Int, _ room: UnsafeMutablePointer<RowRun>, _ body: (_ run: RowRun, _ number: Int32) -> Void
  ) {
    let superRow = row(z, y)
    guard !superRow.isEmpty, let words = bits.row(z, y) else { return }
    var own = superRow.lowerBound
    for index in 0..<BitRows.runs(of: words, count: bits.wordsPerRow, into: room) {
      while runs[own].end <= room[index].start { own += 1 }
      body(room[index], numbers[own])
    }
  }

  /// Room for the runs of any row.
  var room: AlignedBuffer<RowRun> { AlignedBuffer(unfilled: bits.wordsPerRow * 32) }

  /// The numbers of the runs of rows, all in order.
  func components(of rows: LabelledRuns) -> Components {
    let room = room
    let numbers = [Int32](unsafeUninitializedCapacity: rows.runs.count) { numbers, count in
      for z in 0..<bits.extents.z {
        for y in 0..<bits.extents.y {
          forEachRun(z, y, room.pointer) { _, number in
            numbers.initializeElement(at: count, to: number)
            count += 1
          }
        }
      }
    }
    return Components(numbers: numbers, count: count)
  }

  /// Finds the runs, and of each super-row in which of its four rows voxels are that runs can begin with: a bit each.
  private static func find(_ bits: BitRows) -> (runs: [RowRun], first: [Int], rows: [UInt8]) {
    let extents = bits.extents
    let rowCount = (extents.z + 1) / 2 * ((extents.y + 1) / 2)
    var (first, rows) = ([0], [UInt8]())
    first.reserveCapacity(rowCount + 1)
    rows.reserveCapacity(rowCount)
    let union = AlignedBuffer<UInt64>(count: bits.wordsPerRow)
    // Of runs as many as there can be: memory that nothing touches is not taken.
    let runs = [RowRun](unsafeUninitializedCapacity: rowCount * ((extents.x + 1) / 2)) { runs, count in
      forEach(extents) { _, z, y in
        guard let start = runs.baseAddress, let four = FourRows(bits, z, y) else { return }
        var (any, rest): (SIMD4<UInt64>, UInt64) = (SIMD4(), 0)
        for word in 0..<bits.wordsPerRow {
          let own = SIMD4(four.one[word], four.two[word], four.three[word], four.four[word])
          let all = own[0] | own[1] | own[2] | own[3]
          union.pointer[word] = all
          any |= own
          rest |= all & ~own[0]
        }
        rows.append(rest == 0 ? 1 : (0..<4).reduce(0) { any[$1] == 0 ? $0 : $0 | 1 << UInt8($1) })
        count += BitRows.runs(of: union.pointer, count: bits.wordsPerRow, into: start + count)
        first.append(count)
      }
    }
    return (runs, first, rows)
  }

  /// Numbers sets of runs in the order of their first voxels.
  private static func number(
    _ roots: [Int32], _ bits: BitRows, _ runs: [RowRun], _ first: [Int], _ rows: [UInt8]
  ) -> (numbers: [Int32], count: Int) {
    let height = (bits.extents.y + 1) / 2
    var count: Int32 = 0
    var numbers = [Int32](unsafeUninitializedCapacity: runs.count) {
      $0.initialize(repeating: -1)
      $1 = runs.count
    }
    roots.withUnsafeBufferPointer { roots in
      numbers.withUnsafeMutableBufferPointer { numbers in
        /// Numbers the sets of runs that are not numbered yet.
        @inline(__always)
        func take(_ runs: Range<Int>, where isFirst: (Int) -> Bool) {
          for run in runs {
            let root = Int(roots[run])
            guard numbers[root] < 0, isFirst(run) else { continue }
            numbers[root] = count
            count += 1
          }
        }
        for z in 0..<bits.extents.z {
          for y in 0..<bits.extents.y {
            let (superRow, row) = (z / 2 * height + y / 2, z % 2 * 2 + y % 2)
            let (mask, own) = (rows[superRow], first[superRow]..<first[superRow + 1])
            guard mask & 1 << UInt8(row) != 0 else { continue }
            if mask & (mask - 1) == 0 {
              take(own) { _ in true }
            } else if let words = bits.row(z, y) {
              // Of a set that has voxels in rows before, a run was there.
              take(own) { BitRows.hasBits(words, runs[$0].start..<runs[$0].end) }
            }
          }
        }
        // The root of a set is the first of its runs.
        guard count < roots.count else { return }
        for run in roots.indices { numbers[run] = numbers[Int(roots[run])] }
      }
    }
    return (numbers, Int(count))
  }
}

/// The four rows of a super-row; those beside the box are others of them once more.
struct FourRows {
  /// At (z, y), (z, y + 1), (z + 1, y) and (z + 1, y + 1).
  let one, two, three, four: UnsafePointer<UInt64>

  /// Those of the super-row that begins with a row; nil beside the box.
  @inline(__always)
  init?(_ bits: BitRows, _ z: Int, _ y: Int) {
    guard let one = bits.row(z, y) else { return nil }
    self.one = one
    two = bits.row(z, y + 1) ?? one
    let three = bits.row(z + 1, y) ?? one
    self.three = three
    four = bits.row(z + 1, y + 1) ?? (bits.row(z, y + 1) == nil ? three : two)
  }
}
