/// Sets of numbers from 0 that are united step by step; a set is known by its smallest number, so that the order of
/// unions does not matter.
///
/// R. Tarjan, *Efficiency of a good but not linear set union algorithm*, doi:10.1145/321879.321884.
struct DisjointSets {
  /// Of each number one of its set that is not larger; of the smallest itself.
  private var parents: [Int32]

  init(count: Int) {
    parents = Array(unsafeUninitializedCapacity: count) { parents, initialized in
      for number in 0..<count { parents.initializeElement(at: number, to: Int32(truncatingIfNeeded: number)) }
      initialized = count
    }
  }

  /// Adds numbers, each a set of its own, until there are so many.
  mutating func grow(to count: Int) { parents += Int32(parents.count)..<Int32(count) }

  /// The smallest number of the set that a number is of.
  mutating func smallest(_ number: Int) -> Int {
    parents.withUnsafeMutableBufferPointer { Int(Self.smallest(Int32(number), $0)) }
  }

  /// Unites the sets of two numbers.
  mutating func unite(_ one: Int, _ other: Int) {
    uniteMany { $0.unite(one, other) }
  }

  /// Lets `body` unite many numbers.
  mutating func uniteMany(_ body: (Union) -> Void) {
    parents.withUnsafeMutableBufferPointer { body(Union(parents: $0)) }
  }

  /// What unites numbers.
  struct Union {
    fileprivate let parents: UnsafeMutableBufferPointer<Int32>

    /// Whether two numbers are known to be of one set, at once; false: it takes a search.
    @inline(__always)
    func knows(_ one: Int, _ other: Int) -> Bool { parents[one] == parents[other] }

    /// Unites the sets of two numbers.
    @inline(__always)
    func unite(_ one: Int, _ other: Int) { DisjointSets.unite(Int32(one), Int32(other), parents) }
  }

  /// Of each number the smallest of its set.
  consuming func smallestOfEach() -> [Int32] {
    // A parent is smaller, so that it is known before.
    parents.withUnsafeMutableBufferPointer { parents in
      for number in parents.indices { parents[number] = parents[Int(parents[number])] }
    }
    return parents
  }

  @inline(__always)
  private static func unite(_ one: Int32, _ other: Int32, _ parents: UnsafeMutableBufferPointer<Int32>) {
    let (one, other) = (smallest(one, parents), smallest(other, parents))
    parents[Int(max(one, other))] = min(one, other)
  }

  /// Every number on the way is led on to the parent of its parent.
  @inline(__always)
  private static func smallest(_ number: Int32, _ parents: UnsafeMutableBufferPointer<Int32>) -> Int32 {
    var number = number
    while true {
      let parent = parents[Int(number)]
      if parent == number { return number }
      let next = parents[Int(parent)]
      parents[Int(number)] = next
      number = next
    }
  }
}
