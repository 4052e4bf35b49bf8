import CKernels
import Foundation
import Testing

/// Every instruction set that this processor has, one after the other; the one in use before is restored.
func forEachInstructionSet(_ body: (String) throws -> Void) rethrows {
  for name in instructionSets.reversed() { try withInstructionSet(name) { try body(name) } }
}

/// Runs `body` in every instruction set; where fused multiply-add exists the results must be equal to the last bit.
func expectSameBits(_ comment: String, _ body: (String) -> [Float]) {
  var first: (name: String, bits: [UInt32])?
  forEachInstructionSet { name in
    let bits = body(name).map(\.bitPattern)
    guard name != "portable" else { return }
    if let first {
      #expect(first.bits == bits, "\(comment): \(first.name) and \(name) differ")
    } else {
      first = (name, bits)
    }
  }
}

/// SplitMix64 (Steele, Lea and Flood, doi:10.1145/2660193.2660195): one seed, one sequence.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Rows of pixels among guard values, which no kernel may write, nor let into a result.
final class Rows {
  static let guardValue = Float(nan: 0x1234, signaling: false)
  static let margin = 40

  let rows, nx, pitch, halo: Int
  private let storage: UnsafeMutableBufferPointer<Float>

  init(rows: Int, nx: Int, pitch: Int, halo: Int = 0) {
    precondition(pitch >= nx + 2 * halo)
    (self.rows, self.nx, self.pitch, self.halo) = (rows, nx, pitch, halo)
    storage = .allocate(capacity: rows * pitch + 2 * Self.margin)
    storage.initialize(repeating: Self.guardValue)
  }

  convenience init(
    rows: Int, nx: Int, pitch: Int, halo: Int = 0, in range: ClosedRange<Float>, using random: inout SplitMix
  ) {
    self.init(rows: rows, nx: nx, pitch: pitch, halo: halo)
    for r in 0..<rows { for x in 0..<nx { self[r, x] = Float.random(in: range, using: &random) } }
  }

  convenience init(copy other: Rows) {
    self.init(rows: other.rows, nx: other.nx, pitch: other.pitch, halo: other.halo)
    for i in storage.indices { storage[i] = other.storage[i] }
  }

  deinit { storage.deallocate() }

  /// Pixel 0 of row 0.
  var pointer: UnsafeMutablePointer<Float> { storage.baseAddress! + Self.margin + halo }
  var step: Int { pitch }
  var width: Int32 { Int32(nx) }
  var count: Int64 { Int64(rows) }

  subscript(row: Int, x: Int) -> Float {
    get { pointer[row * pitch + x] }
    set { pointer[row * pitch + x] = newValue }
  }

  var pixels: [Float] { (0..<rows).flatMap { r in (0..<nx).map { self[r, $0] } } }

  /// Whether all but the pixels (and `halo` more on both sides) hold what they held in the beginning.
  func isUntouched(beyond halo: Int = 0) -> Bool {
    var mine = Set<Int>()
    for r in 0..<rows { for x in -halo..<(nx + halo) { mine.insert(Self.margin + self.halo + r * pitch + x) } }
    return storage.indices.allSatisfy {
      mine.contains($0) || storage[$0].bitPattern == Self.guardValue.bitPattern
    }
  }
}

/// |a − b| ≤ relative·|b| + absolute, NaN equal to NaN.
func near(_ a: Double, _ b: Double, relative: Double, absolute: Double = 0) -> Bool {
  if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
  return a == b || abs(a - b) <= relative * abs(b) + absolute
}

/// Row widths around the vector's and a few random shapes: (rows, nx, pitch's excess).
func shapes(_ random: inout SplitMix, upTo limit: Int = 70) -> [(rows: Int, nx: Int, gap: Int)] {
  var all = [(1, 1, 0), (3, 15, 1), (2, 16, 0), (5, 17, 3), (1, 33, 0), (2, 64, 5), (4, limit, 2)]
  for _ in 0..<12 {
    all.append(
      (
        Int.random(in: 1...9, using: &random), Int.random(in: 1...limit, using: &random),
        Int.random(in: 0...20, using: &random)
      ))
  }
  return all
}

/// The source pixel of halo pixel x, or nil for zeros: numpy's `pad` by index.
func haloSource(_ x: Int, nx: Int, padding: tutti_padding) -> Int? {
  switch padding {
  case TUTTI_REFLECT: x < 0 ? -x : 2 * nx - 2 - x
  case TUTTI_REPLICATE: min(max(x, 0), nx - 1)
  case TUTTI_CIRCULAR: ((x % nx) + nx) % nx
  default: nil
  }
}

let paddings = [TUTTI_ZEROS, TUTTI_REFLECT, TUTTI_REPLICATE, TUTTI_CIRCULAR]

/// An activation with its definition and derivative in double.
struct ActivationOracle: CustomStringConvertible {
  let description: String
  let kind: tutti_activation
  var parameter: Float = 0
  let value, slope: @Sendable (Double) -> Double

  static func sigmoid(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
  static func cdf(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

  static let all: [ActivationOracle] = [
    .init(description: "identity", kind: TUTTI_IDENTITY, value: { $0 }, slope: { _ in 1 }),
    .init(description: "relu", kind: TUTTI_RELU, value: { $0 > 0 ? $0 : 0 }, slope: { $0 > 0 ? 1 : 0 }),
    .init(
      description: "leaky relu", kind: TUTTI_LEAKY_RELU, parameter: 0.125,
      value: { $0 > 0 ? $0 : 0.125 * $0 }, slope: { $0 > 0 ? 1 : 0.125 }),
    .init(
      description: "elu", kind: TUTTI_ELU, parameter: 1.5,
      value: { $0 > 0 ? $0 : 1.5 * expm1($0) }, slope: { $0 > 0 ? 1 : 1.5 * exp($0) }),
    .init(
      description: "gelu", kind: TUTTI_GELU, value: { $0 * cdf($0) },
      slope: { cdf($0) + $0 * exp(-0.5 * $0 * $0) / (2 * Double.pi).squareRoot() }),
    .init(
      description: "silu", kind: TUTTI_SILU, value: { $0 * sigmoid($0) },
      slope: { sigmoid($0) * (1 + $0 * (1 - sigmoid($0))) }),
    .init(
      description: "tanh", kind: TUTTI_TANH, value: { tanh($0) }, slope: { 1 / (cosh($0) * cosh($0)) }),
    .init(
      description: "sigmoid", kind: TUTTI_SIGMOID, value: { sigmoid($0) }, slope: { sigmoid($0) * sigmoid(-$0) }),
    .init(
      description: "softplus", kind: TUTTI_SOFTPLUS, value: { $0 > 20 ? $0 : log1p(exp($0)) },
      slope: { $0 > 20 ? 1 : sigmoid($0) }),
    .init(
      description: "hardswish", kind: TUTTI_HARDSWISH, value: { $0 * min(max($0 + 3, 0), 6) / 6 },
      slope: { $0 <= -3 ? 0 : $0 >= 3 ? 1 : $0 / 3 + 0.5 }),
  ]
}
