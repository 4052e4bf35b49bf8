/// Percentiles of numbers that are read piece by piece: exact, in memory that does not grow with them.
///
/// A reading counts the numbers by 16 more bits of a key whose order is theirs, from the top (radix selection): two
/// readings of 32-bit numbers, four of 64-bit ones. Counts of several readers add up, in any order. Between two numbers a
/// percentile is interpolated linearly, as NumPy does.
struct PercentileSearch {
  private static let bins = 1 << 16

  /// A number that is looked for: how many smaller ones share the bits that are known.
  private struct Wanted {
    var rank: Int
    var key: UInt64
  }

  private let fractions: [Double]
  private let bits: Int
  private var known = 0
  private var wanted: [Wanted] = []
  private var positions: [Double] = []
  /// The distinct known bits of the numbers that are looked for.
  private var prefixes: [UInt64] = [0]
  /// How many numbers there are of each bin, `[prefix, bin]`, in this reading.
  private(set) var counts: [Int]

  /// - Parameters:
  ///   - fractions: 0 for the smallest number, 1 for the largest.
  ///   - type: of the numbers.
  init<Value: OrderedByKey>(_ fractions: [Double], of type: Value.Type) {
    self.fractions = fractions
    bits = Value.keyBits
    counts = Array(repeating: 0, count: Self.bins)
  }

  /// Whether no further reading is needed.
  var isFound: Bool { known == bits }

  /// Counts numbers in this reading.
  mutating func add<Value: OrderedByKey>(_ values: some Sequence<Value>) {
    guard !isFound else { return }
    let shift = UInt64(bits - known - 16)
    let prefixes = prefixes
    let isFirst = known == 0
    counts.withUnsafeMutableBufferPointer { counts in
      for value in values {
        let key = value.orderKey >> shift
        let bin = Int(key & 0xffff)
        if isFirst {
          counts[bin] += 1
        } else if let place = prefixes.firstIndex(of: key >> 16) {
          counts[place * Self.bins + bin] += 1
        }
      }
    }
  }

  /// Ends a reading.
  ///
  /// - Parameter sums: the counts of all readers together.
  mutating func finish(_ sums: [Int]) {
    if known == 0 {
      let count = sums.reduce(0, +)
      positions = count > 0 ? fractions.map { $0 * Double(count - 1) } : []
      wanted = positions.flatMap { position in
        let lower = Int(position)
        return [lower, min(lower + 1, count - 1)].map { Wanted(rank: $0, key: 0) }
      }
    }
    for index in wanted.indices {
      guard let place = prefixes.firstIndex(of: wanted[index].key) else { continue }
      var bin = 0
      while bin < Self.bins - 1, wanted[index].rank >= sums[place * Self.bins + bin] {
        wanted[index].rank -= sums[place * Self.bins + bin]
        bin += 1
      }
      wanted[index].key = wanted[index].key << 16 | UInt64(bin)
    }
    known += 16
    prefixes = Set(wanted.map(\.key)).sorted()
    counts = isFound ? [] : Array(repeating: 0, count: prefixes.count * Self.bins)
    if prefixes.isEmpty { known = bits }
  }

  /// The percentiles; none when there were no numbers.
  func values<Value: OrderedByKey>(as type: Value.Type) -> [Double] {
    positions.indices.map { index in
      let (low, high) = (
        Double(Value(orderKey: wanted[2 * index].key)), Double(Value(orderKey: wanted[2 * index + 1].key))
      )
      return low + (high - low) * (positions[index] - positions[index].rounded(.down))
    }
  }
}

/// Numbers with a key of whole bits whose order is theirs.
protocol OrderedByKey: BinaryFloatingPoint {
  static var keyBits: Int { get }
  var orderKey: UInt64 { get }
  init(orderKey: UInt64)
}

extension Float: OrderedByKey {
  static var keyBits: Int { 32 }
  var orderKey: UInt64 { UInt64(bitPattern >> 31 == 0 ? bitPattern | 0x8000_0000 : ~bitPattern) }
  init(orderKey: UInt64) {
    let key = UInt32(truncatingIfNeeded: orderKey)
    self.init(bitPattern: key >> 31 == 1 ? key & 0x7fff_ffff : ~key)
  }
}

extension Double: OrderedByKey {
  static var keyBits: Int { 64 }
  var orderKey: UInt64 { bitPattern >> 63 == 0 ? bitPattern | 1 << 63 : ~bitPattern }
  init(orderKey: UInt64) {
    self.init(bitPattern: orderKey >> 63 == 1 ? orderKey & ~(1 << 63) : ~orderKey)
  }
}
