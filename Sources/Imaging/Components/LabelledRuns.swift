import Host

/// Voxels of a row that follow one another.
struct RowRun: Hashable, Sendable {
  var start: Int
  var end: Int

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
    first.reserveCapacity(extents.z * extents.y + 1)
    map.withUnsafeBufferPointer { map in
      for row in 0..<extents.z * extents.y {
        let line = values + row * extents.x
        var x = 0
        while x < extents.x {
          let (start, value) = (x, line[x])
          let label = map[Int(value)]
          repeat { x += 1 } while x < extents.x && (line[x] == value || map[Int(line[x])] == label)
          guard label != 0 || keepsBackground else { continue }
          runs.append(RowRun(start: start, end: x))
          labels.append(label)
        }
        first.append(runs.count)
      }
    }
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
    var sets = sets
    forEachContact(connectivity) { _, _, own, other, _ in
      if labels[own] == labels[other], (labels[own] == 0) == isBackground { sets.unite(own, other) }
    }
    self.sets = sets
  }

  /// The first run of the component that a run is of.
  mutating func component(_ run: Int) -> Int { sets.smallest(run) }
}
