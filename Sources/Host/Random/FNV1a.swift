/// The 64-bit hash FNV-1a (Fowler, Noll and Vo; RFC 9923), over bytes, or over 64-bit words in place of bytes.
///
/// Its values are stored in files and seed random streams: they never change. It finds accidents, not forgeries.
public struct FNV1a: Hashable, Sendable {
  /// The hash of all that was added so far.
  public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The hash of nothing.
  public init() {}

  /// Adds one byte.
  @inlinable
  public mutating func add(_ byte: UInt8) { add(UInt64(byte)) }

  /// Adds one word, in one step. The result differs from that of its eight bytes.
  @inlinable
  public mutating func add(_ word: UInt64) { self = FNV1a(value: (value ^ word) &* 0x100_0000_01B3) }

  /// Adds the bytes in their order.
  ///
  /// - Complexity: O(*bytes*).
  @inlinable
  public mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { add(byte) }
  }

  /// Adds the words in their order, one step each.
  ///
  /// - Complexity: O(*words*); eight times as fast as their bytes.
  @inlinable
  public mutating func add(_ words: some Sequence<UInt64>) {
    for word in words { add(word) }
  }

  /// The hash of a text's UTF-8 bytes.
  public static func hash(of text: String) -> UInt64 {
    var hash = FNV1a()
    hash.add(text.utf8)
    return hash.value
  }

  @usableFromInline
  init(value: UInt64) { self.value = value }
}
