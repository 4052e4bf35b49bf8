/// The count, mean and sum of squared deviations of a sequence of numbers.
///
/// Blocks of numbers are merged by T. F. Chan, G. H. Golub, R. J. LeVeque, *Algorithms for computing the sample
/// variance*, doi:10.1080/00031305.1983.10483115; the order of blocks is the order of addition.
struct Moments {
  var count = 0.0
  var mean = 0.0
  var squares = 0.0
  var smallest = Double.infinity
  var largest = -Double.infinity

  /// Takes in a block.
  mutating func add<Value: BinaryFloatingPoint>(_ values: UnsafeBufferPointer<Value>) {
    guard !values.isEmpty else { return }
    let blockCount = Double(values.count)
    let blockMean = Self.sum(values) { $0 } / blockCount
    let blockSquares = Self.sum(values) { ($0 - blockMean) * ($0 - blockMean) }
    var block = Moments()
    (block.count, block.mean, block.squares) = (blockCount, blockMean, blockSquares)
    for value in values {
      block.smallest = min(block.smallest, Double(value))
      block.largest = max(block.largest, Double(value))
    }
    add(block)
  }

  /// Takes in what another sequence came to.
  mutating func add(_ other: Moments) {
    guard other.count > 0 else { return }
    let total = count + other.count
    let distance = other.mean - mean
    squares += other.squares + distance * distance * (count * other.count / total)
    mean += distance * (other.count / total)
    count = total
    smallest = min(smallest, other.smallest)
    largest = max(largest, other.largest)
  }

  var standardDeviation: Double { (squares / count).squareRoot() }

  /// A sum in eight interleaved parts, whatever the processor's vectors are.
  @inline(__always)
  private static func sum<Value: BinaryFloatingPoint>(
    _ values: UnsafeBufferPointer<Value>, of transform: (SIMD8<Double>) -> SIMD8<Double>
  ) -> Double {
    var sums = SIMD8<Double>.zero
    let whole = values.count / 8 * 8
    var i = 0
    while i < whole {
      var lanes = SIMD8<Double>()
      for lane in 0..<8 { lanes[lane] = Double(values[i + lane]) }
      sums += transform(lanes)
      i += 8
    }
    var rest = 0.0
    while i < values.count {
      rest += transform(SIMD8(repeating: Double(values[i])))[0]
      i += 1
    }
    var total = 0.0
    for lane in 0..<8 { total += sums[lane] }
    return total + rest
  }
}

extension Moments {
  /// How many numbers a sequence's moments are.
  static let numberCount = 5

  /// The moments as numbers, to be sent.
  var numbers: [Double] { [count, mean, squares, smallest, largest] }

  init(numbers: ArraySlice<Double>) {
    let numbers = Array(numbers)
    (count, mean, squares, smallest, largest) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
  }
}
