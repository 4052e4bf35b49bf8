/// Sets of numbers from 0 that are united step by step; a set is known by its smallest number, so that the order of
/// unions does not matter.
///
/// R. Tarjan, *Efficiency of a good but not linear set union algorithm*, doi:10.1145/321879.321884.
struct DisjointSets {
  private var parents: [Int32]

  init(count: Int) { parents = (0..<Int32(count)).map { $0 } }

  /// Adds numbers, each a set of its own, until there are so many.
  mutating func grow(to count: Int) { parents += Int32(parents.count)..<Int32(count) }

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
