import Host

/// Voxels of a row that follow one another.
struct RowRun: Hashable, Sendable {
  private let first, next: Int32

  /// The place of the first.
  var start: Int { Int(first) }
  /// The place after the last.
  var end: Int { Int(next) }

  init(start: Int, end: Int) { (first, next) = (Int32(start), Int32(end)) }

  /// Calls `body` with every two runs of two rows that touch, in ascending order.
  ///
  /// - Parameter aside: how far beside each other, along x, voxels of the rows touch: 0 or 1.
  static func forEachPair(
    _ own: Range<Int>, _ others: Range<Int>, of runs: [RowRun], aside: Int,
    _ body: (_ own: Int, _ other: Int, _ common: Int) -> Void
  ) {
    var first = others.lowerBound
    for index in own {
      while first < others.upperBound, runs[first].end + aside <= runs[index].start { first += 1 }
      var other = first
      while other < others.upperBound, runs[other].start < runs[index].end + aside {
        body(index, other, max(0, min(runs[index].end, runs[other].end) - max(runs[index].start, runs[other].start)))
        other += 1
      }
    }
  }
}

/// The runs of a box's rows, and which of them are of one component: the connected voxels of one label.
///
/// L. He, Y. Chao, K. Suzuki, *A run-based two-scan labeling algorithm*, doi:10.1109/TIP.2008.919369; every component is
/// known by its first run, so that results do not depend on the order of unions.
struct LabelledRuns {
  let extents: Extents
  /// In the order of rows (z, y), and along x.
  private(set) var runs: [RowRun] = []
  /// The label of each run.
  private(set) var labels: [UInt8] = []
  /// Of each row its first run, and the number of runs at the end.
  private(set) var first: [Int] = [0]
  private(set) var sets = DisjointSets(count: 0)

  /// Finds the runs; each is a component until runs are united.
  ///
  /// - Parameters:
  ///   - values: `[z, y, x]`.
  ///   - map: the label of each value; 0: of none, background.
  ///   - keepsBackground: whether runs of the background are found too.
  /// - Complexity: O(*voxels*)
  init(_ values: UnsafePointer<UInt8>, over extents: Extents, map: [UInt8], keepsBackground: Bool = false) {
    precondition(map.count == 256, "a label for each value")
    self.extents = extents
    let rows = extents.z * extents.y
    // Of runs as many as there can be: memory that nothing touches is not taken.
    let most =
      rows * (keepsBackground ? extents.x : (extents.x + 1) / 2 + (map.contains { $0 > 1 } ? extents.x / 2 : 0))
    var labels: [UInt8] = []
    var first: [Int] = []
    runs = Array(unsafeUninitializedCapacity: most) { runs, count in
      labels = Array(unsafeUninitializedCapacity: most) { labels, labelCount in
        first = Array(unsafeUninitializedCapacity: rows + 1) { first, rowCount in
          map.withUnsafeBufferPointer { map in
            var scan = RowScan(map: map, keepsBackground: keepsBackground, runs: runs, labels: labels)
            first[0] = 0
            for row in 0..<rows {
              scan.take(values + row * extents.x, count: extents.x)
              first[row + 1] = scan.count
            }
            (count, labelCount, rowCount) = (scan.count, scan.count, rows + 1)
          }
        }
      }
    }
    (self.labels, self.first) = (labels, first)
    sets = DisjointSets(count: runs.count)
  }

  /// The runs of a row.
  func row(_ z: Int, _ y: Int) -> Range<Int> { first[z * extents.y + y]..<first[z * extents.y + y + 1] }

  /// The runs of some slices.
  func slices(_ z: Range<Int>) -> Range<Int> { first[z.lowerBound * extents.y]..<first[z.upperBound * extents.y] }

  /// Calls `body` with every two runs of neighbouring rows that touch, whatever their labels.
  ///
  /// - Parameter body: given how far before the other run's row is along z and y, both runs, and how many voxels of one
  ///   lie beside voxels of the other.
  func forEachContact(
    _ connectivity: Connectivity, _ body: (_ z: Int, _ y: Int, _ own: Int, _ other: Int, _ common: Int) -> Void
  ) {
    let before = connectivity.rowsBefore
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

  /// Unites the runs of one label that touch.
  ///
  /// - Parameter isBackground: whether those of the background are united, or those of all other labels.
  mutating func unite(_ connectivity: Connectivity, isBackground: Bool = false) {
    let (extents, rowsBefore) = (extents, connectivity.rowsBefore)
    withUnsafeRuns { runs, labels, first, sets in
      sets.uniteMany { unite in
        for z in 0..<extents.z {
          for y in 0..<extents.y {
            let row = z * extents.y + y
            guard first[row] < first[row + 1] else { continue }
            for offset in rowsBefore where z + offset.z >= 0 && (0..<extents.y).contains(y + offset.y) {
              let before = row + offset.z * extents.y + offset.y
              var other = first[before]
              let last = first[before + 1]
              for index in first[row]..<first[row + 1] {
                let (start, end) = (runs[index].start - offset.aside, runs[index].end + offset.aside)
                while other < last, runs[other].end <= start { other += 1 }
                guard other < last else { break }
                guard (labels[index] == 0) == isBackground else { continue }
                var touching = other
                while touching < last, runs[touching].start < end {
                  if labels[touching] == labels[index] { unite(index, touching) }
                  touching += 1
                }
              }
            }
          }
        }
      }
    }
  }

  /// Calls `body` with the runs, their labels, and of each row its first run.
  private mutating func withUnsafeRuns(
    _ body: (
      UnsafeBufferPointer<RowRun>, UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<Int>, inout DisjointSets
    ) -> Void
  ) {
    var sets = sets
    self.sets = DisjointSets(count: 0)
    runs.withUnsafeBufferPointer { runs in
      labels.withUnsafeBufferPointer { labels in
        first.withUnsafeBufferPointer { body(runs, labels, $0, &sets) }
      }
    }
    self.sets = sets
  }

  /// The first run of the component that a run is of.
  mutating func component(_ run: Int) -> Int { sets.smallest(run) }

  /// Of each run the first of its component. Nothing can be united after.
  mutating func takeComponents() -> [Int32] {
    let sets = sets
    self.sets = DisjointSets(count: 0)
    return sets.smallestOfEach()
  }
}

/// Finds the runs of row after row: where a value differs from the one before, eight values at a time.
private struct RowScan {
  let map: UnsafeBufferPointer<UInt8>
  let keepsBackground: Bool
  let runs: UnsafeMutableBufferPointer<RowRun>
  let labels: UnsafeMutableBufferPointer<UInt8>
  /// The runs so far.
  var count = 0

  @inline(__always)
  private mutating func add(_ start: Int, _ end: Int, _ label: UInt8) {
    guard label != 0 || keepsBackground else { return }
    runs.initializeElement(at: count, to: RowRun(start: start, end: end))
    labels.initializeElement(at: count, to: label)
    count += 1
  }

  mutating func take(_ line: UnsafePointer<UInt8>, count columns: Int) {
    guard columns > 0 else { return }
    let bytes = UnsafeRawPointer(line)
    let map = map
    var (start, label) = (0, map[Int(line[0])])
    @inline(__always)
    func change(at x: Int, _ scan: inout RowScan) {
      let next = map[Int(line[x])]
      guard next != label else { return }
      scan.add(start, x, label)
      (start, label) = (x, next)
    }
    let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
    var x = 1
    while x + 8 <= columns {
      let own = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: x, as: UInt64.self))
      let before = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: x - 1, as: UInt64.self))
      // The highest bit of every byte that differs.
      let difference = own ^ before
      var changes = (((difference & low) &+ low) | difference) & ~low
      while changes != 0 {
        change(at: x + changes.trailingZeroBitCount / 8, &self)
        changes &= changes &- 1
      }
      x += 8
    }
    while x < columns {
      change(at: x, &self)
      x += 1
    }
    add(start, columns, label)
  }
}
