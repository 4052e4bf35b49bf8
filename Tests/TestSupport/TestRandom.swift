/// A small generator for tests (SplitMix64), of no kin to the one under test: the same numbers from the same seed.
public struct TestRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(_ seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in [−1, 1).
  public mutating func uniform() -> Float { Float(next() >> 40) / Float(1 << 23) - 1 }

  /// `count` numbers in [−1, 1).
  public mutating func uniforms(_ count: Int) -> [Float] { (0..<count).map { _ in uniform() } }

  /// A whole number of a range.
  public mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
}
