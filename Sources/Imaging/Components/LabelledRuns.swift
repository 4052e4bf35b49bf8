import Host

/// The runs of a box's rows, and which of them are of one component: the connected voxels of one label.
///
/// L. He, Y. Chao, K. Suzuki, *A run-based two-scan labeling algorithm*, doi:10.1109/TIP.2008.919369; components are numbered
/// in the order of their first runs, so that results do not depend on the order of unions.
struct LabelledRuns {
  let extents: Extents
  /// In the order of rows (z, y), and along x.
  private(set) var runs: [RowRun] = []
  /// The label of each run; of all when there is one alone.
  private var labels: [UInt8] = []
  /// Of each row its first run, and the number of runs at the end.
  private(set) var first: [Int] = []
  /// The voxels that have the only label.
  private var bits: BitRows?

  /// Finds the runs.
  ///
  /// - Parameters:
  ///   - values: `[z, y, x]`.
  ///   - map: the label of each value; 0: of none, background.
  ///   - keepsBackground: whether runs of the background are found too.
  /// - Complexity: O(*voxels*)
  init(_ values: UnsafePointer<UInt8>, over extents: Extents, map: [UInt8], keepsBackground: Bool = false) {
    precondition(map.count == 256, "a label for each value")
    self.extents = extents
    let labelled = map.indices.filter { map[$0] != 0 }
    if labelled.count == 1, !keepsBackground {
      labels = [map[labelled[0]]]
      find(BitRows(of: UInt8(labelled[0]), in: values, over: extents))
    } else {
      find(values, map, keepsBackground)
    }
  }

  /// The runs of one value.
  private mutating func find(_ bits: BitRows) {
    let rows = extents.z * extents.y
    first.reserveCapacity(rows + 1)
    first.append(0)
    // Of runs as many as there can be: memory that nothing touches is not taken.
    runs = Array(unsafeUninitializedCapacity: rows * ((extents.x + 1) / 2)) { [extents] runs, count in
      for row in 0..<rows {
        guard let words = bits.row(row / extents.y, row % extents.y), let start = runs.baseAddress else { continue }
        count += BitRows.runs(of: words, count: bits.wordsPerRow, into: start + count)
        first.append(count)
      }
    }
    self.bits = bits
  }

  /// The runs of several values.
  private mutating func find(_ values: UnsafePointer<UInt8>, _ map: [UInt8], _ keepsBackground: Bool) {
    let rows = extents.z * extents.y
    let most =
      rows * (keepsBackground ? extents.x : (extents.x + 1) / 2 + (map.contains { $0 > 1 } ? extents.x / 2 : 0))
    first.reserveCapacity(rows + 1)
    first.append(0)
    runs = Array(unsafeUninitializedCapacity: most) { [extents] runs, count in
      labels = Array(unsafeUninitializedCapacity: most) { labels, labelCount in
        map.withUnsafeBufferPointer { map in
          var scan = RowScan(map: map, keepsBackground: keepsBackground, runs: runs, labels: labels)
          for row in 0..<rows {
            scan.take(values + row * extents.x, count: extents.x)
            first.append(scan.count)
          }
          (count, labelCount) = (scan.count, scan.count)
        }
      }
    }
  }

  /// Bytes of memory, about.
  var bytes: Int { runs.count * MemoryLayout<RowRun>.stride + labels.count + first.count * 8 + (bits?.bytes ?? 0) }

  /// The runs of a row.
  func row(_ z: Int, _ y: Int) -> Range<Int> { first[z * extents.y + y]..<first[z * extents.y + y + 1] }

  /// The runs of some slices.
  func slices(_ z: Range<Int>) -> Range<Int> { first[z.lowerBound * extents.y]..<first[z.upperBound * extents.y] }

  /// The label of a run; 0 of the background.
  func label(_ run: Int) -> UInt8 { bits == nil ? labels[run] : labels[0] }

  /// Calls `body` with every two runs of neighbouring rows that touch, whatever their labels.
  ///
  /// - Parameter body: given how far before the other run's row is along z and y, both runs, and how many voxels of one
  ///   lie beside voxels of the other.
  @inline(__always)
  func forEachContact(
    _ connectivity: Connectivity, _ body: (_ z: Int, _ y: Int, _ own: Int, _ other: Int, _ common: Int) -> Void
  ) {
    let before = connectivity.rowsBefore
    runs.withUnsafeBufferPointer { runs in
      for z in 0..<extents.z {
        for y in 0..<extents.y {
          let own = row(z, y)
          guard !own.isEmpty else { continue }
          for offset in before where z + offset.z >= 0 && (0..<extents.y).contains(y + offset.y) {
            RowRun.forEachPair(own, row(z + offset.z, y + offset.y), of: runs, aside: offset.aside) {
              body(offset.z, offset.y, $0, $1, $2)
            }
          }
        }
      }
    }
  }

  /// The component of each run, numbered in the order of first runs.
  ///
  /// - Parameters:
  ///   - connectivity: by which runs of one label touch.
  ///   - background: by which those of the background do.
  func components(_ connectivity: Connectivity, ofBackground background: Connectivity? = nil) -> Components {
    if let bits, connectivity.isWhole { return SuperRows(bits).components(of: self) }
    var sets = DisjointSets(count: runs.count)
    unite(connectivity, isBackground: false, &sets)
    if let background { unite(background, isBackground: true, &sets) }
    return Components(sets.smallestOfEach(), below: runs.count)
  }

  private func unite(_ connectivity: Connectivity, isBackground: Bool, _ sets: inout DisjointSets) {
    sets.uniteMany { union in
      forEachContact(connectivity) { _, _, own, other, _ in
        // Most are of one component already, and many know it.
        guard !union.knows(own, other) else { return }
        let label = label(own)
        if label == self.label(other), (label == 0) == isBackground { union.unite(own, other) }
      }
    }
  }
}

/// Of each run a number of its component, from 0 on in the order of first runs.
struct Components {
  let numbers: [Int32]
  /// How many there are.
  let count: Int

  /// - Parameters:
  ///   - marks: of each run a number, the same for all of one component.
  ///   - bound: above all of them.
  init(_ marks: [Int32], below bound: Int) {
    var (marks, found) = (marks, 0)
    var numbers = [Int32](repeating: -1, count: bound)
    marks.withUnsafeMutableBufferPointer { marks in
      numbers.withUnsafeMutableBufferPointer { numbers in
        for run in marks.indices {
          let mark = Int(marks[run])
          if numbers[mark] < 0 {
            numbers[mark] = Int32(found)
            found += 1
          }
          marks[run] = numbers[mark]
        }
      }
    }
    (self.numbers, count) = (marks, found)
  }

  /// As found otherwise.
  init(numbers: [Int32], count: Int) { (self.numbers, self.count) = (numbers, count) }

  /// The component of a run.
  subscript(_ run: Int) -> Int { Int(numbers[run]) }
}
