import Settings

/// Which voxels of a class are of one object: those that touch by faces, by edges too, or by corners too, named by the
/// number of neighbours.
public enum Connectivity: String, SettingConvertible, Hashable, Sendable, CaseIterable {
  /// In a plane, by sides.
  case four = "4"
  /// In a plane, by sides and corners.
  case eight = "8"
  /// In a volume, by faces.
  case six = "6"
  /// In a volume, by faces and edges.
  case eighteen = "18"
  /// In a volume, by faces, edges and corners.
  case twentySix = "26"

  /// Of how many axes a neighbour may lie beside a voxel at once.
  var axes: Int {
    switch self {
    case .four, .six: 1
    case .eight, .eighteen: 2
    case .twentySix: 3
    }
  }

  /// Whether it is of volumes.
  public var isOfVolumes: Bool { self != .four && self != .eight }

  /// Objects as large as they can be.
  public static func standard(volume: Bool) -> Connectivity { volume ? .twentySix : .eight }

  /// The rows before a row (z, y) whose voxels touch its own, and how far aside along x they may lie.
  var rowsBefore: [(z: Int, y: Int, aside: Int)] {
    [(0, -1), (-1, 0), (-1, -1), (-1, 1)].compactMap { z, y in
      let count = abs(z) + abs(y)
      return count <= axes ? (z, y, count < axes ? 1 : 0) : nil
    }
  }
}

/// Sets of numbers from 0 that are united step by step; a set is known by its smallest number, so that the order of
/// unions does not matter.
///
/// R. Tarjan, *Efficiency of a good but not linear set union algorithm*, doi:10.1145/321879.321884.
struct DisjointSets {
  private var parents: [Int32]

  init(count: Int) { parents = (0..<Int32(count)).map { $0 } }

  /// The smallest number of the set that a number is of.
  mutating func smallest(_ number: Int) -> Int {
    var root = number
    while Int(parents[root]) != root { root = Int(parents[root]) }
    var next = number
    while next != root { (next, parents[next]) = (Int(parents[next]), Int32(root)) }
    return root
  }

  /// Unites the sets of two numbers.
  mutating func unite(_ one: Int, _ other: Int) {
    let (one, other) = (smallest(one), smallest(other))
    parents[max(one, other)] = Int32(min(one, other))
  }
}

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
