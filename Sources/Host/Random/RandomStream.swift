/// A stream of random numbers that is a pure function of a seed, a purpose and keys (member, epoch, sample, …).
///
/// Streams need no shared state, so that the same numbers come out whatever rank or thread asks for them. The numbers are
/// part of the project's numerics: they must never change for a given seed, and use nothing of a system's library.
///
/// The seed, the purpose's code and the keys are 64-bit words w₁ … wₙ. From h₀ = 0 they are absorbed one by one as
/// hᵢ = Philox(counter: hᵢ₋₁, key: wᵢ) ⊕ hᵢ₋₁ (a Davies–Meyer chain). Of the 128 bits of hₙ the low 64 are the stream's
/// key and the high 64 the high half of its counter; the low half counts blocks of four 32-bit words. A stream has 2⁶⁶
/// words.
public struct RandomStream: Sendable {
  /// What random numbers are for. Different purposes have unrelated streams; the names must stay as they are.
  public struct Purpose: Hashable, Sendable {
    /// The number that stands for the name.
    public let code: UInt64

    /// The purpose of the given name.
    public init(_ name: String) { code = RandomStream.key(of: name) }

    /// Drawing a random network.
    public static let graph = Purpose("graph")
    /// Initial weights.
    public static let weights = Purpose("weights")
    /// Bootstrap samples of training units.
    public static let bootstrap = Purpose("bootstrap")
    /// The order of samples in an epoch.
    public static let order = Purpose("order")
    /// Flips, turns and other changes of a sample.
    public static let augmentation = Purpose("augmentation")
    /// Dropped activations.
    public static let dropout = Purpose("dropout")
    /// Parts of a data set.
    public static let split = Purpose("split")
    /// Synthetic data.
    public static let synthetic = Purpose("synthetic")
    /// Tests and benchmarks.
    public static let test = Purpose("test")
  }

  @usableFromInline let key: SIMD2<UInt32>
  @usableFromInline let stream: UInt64
  /// The number of 32-bit words taken, modulo 2⁶⁴.
  public private(set) var position: UInt64 = 0
  @usableFromInline var words: SIMD4<UInt32> = .zero

  /// The words that a stream is made of, taken one after another without memory from the heap: for hot paths.
  public struct Keys: Sendable {
    @usableFromInline var hash = SIMD4<UInt32>.zero

    /// The seed and the purpose; keys follow by `absorb`.
    @inlinable
    public init(seed: UInt64, purpose: Purpose) {
      absorb(seed)
      absorb(purpose.code)
    }

    /// Takes one more key; the order and the number of keys matter.
    @inlinable
    public mutating func absorb(_ word: UInt64) {
      let key = SIMD2(UInt32(truncatingIfNeeded: word), UInt32(truncatingIfNeeded: word >> 32))
      hash = Philox.block(counter: hash, key: key) ^ hash
    }
  }

  /// The stream of these keys.
  @inlinable
  public init(_ keys: Keys) {
    key = SIMD2(keys.hash[0], keys.hash[1])
    stream = UInt64(keys.hash[2]) | UInt64(keys.hash[3]) << 32
  }

  /// The stream of a seed for a purpose and keys; the order and the number of keys matter.
  // Inlinable, so that the keys need no memory from the heap.
  @inlinable
  public init(seed: UInt64, purpose: Purpose, keys: UInt64...) {
    self.init(seed: seed, purpose: purpose, keys: keys)
  }

  /// The stream of a seed for a purpose and keys; the order and the number of keys matter.
  @inlinable
  public init(seed: UInt64, purpose: Purpose, keys: [UInt64]) {
    var all = Keys(seed: seed, purpose: purpose)
    for key in keys { all.absorb(key) }
    self.init(all)
  }

  /// A key for a name (a node's, a parameter's): the hash of its UTF-8 bytes (`FNV1a`).
  public static func key(of name: String) -> UInt64 { FNV1a.hash(of: name) }

  /// The stream's block of four words with the given number, whatever has been taken so far.
  @inlinable
  public func block(_ number: UInt64) -> SIMD4<UInt32> {
    let counter = SIMD4(
      UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32),
      UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
    return Philox.block(counter: counter, key: key)
  }

  /// The next 32 random bits.
  public mutating func nextWord() -> UInt32 {
    let place = Int(position & 3)
    if place == 0 { words = block(position >> 2) }
    position &+= 1
    return words[place]
  }
}

extension RandomStream: RandomNumberGenerator {
  /// The next 64 random bits: two words, the lower first.
  public mutating func next() -> UInt64 {
    let low = UInt64(nextWord())
    return low | UInt64(nextWord()) << 32
  }
}
