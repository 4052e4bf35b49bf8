import Foundation
import Host
import TestSupport
import Testing

/// Elementary functions of our own: as exact as the C library's, which is here the reference.
@Suite("Elementary functions")
struct ElementaryTests {
  /// How far two numbers lie apart, in units in the last place of the second.
  private func distance<T: BinaryFloatingPoint>(_ a: T, _ b: T) -> Double {
    a == b ? 0 : Double((a - b).magnitude / b.ulp)
  }

  private func numbers(_ range: ClosedRange<Double>) -> [Double] {
    var stream = RandomStream(seed: 1, purpose: .synthetic)
    return (0..<20_000).map { _ in
      range.lowerBound + (range.upperBound - range.lowerBound) * stream.uniformDouble()
    }
  }

  @Test("all are within one unit in the last place of the C library's, from the smallest numbers to the largest")
  func accuracy() {
    for x in numbers(-745...709) { #expect(distance(Elementary.exp(x), exp(x)) <= 1, "exp \(x)") }
    for x in numbers(-1...1) { #expect(distance(Elementary.exp(x), exp(x)) <= 1, "exp \(x)") }
    for x in numbers(-1070...1023) {
      let y = exp2(x)
      #expect(distance(Elementary.log(y), log(y)) <= 1, "log \(y)")
      #expect(distance(Elementary.log1p(y), log1p(y)) <= 1, "log1p \(y)")
      #expect(distance(Elementary.log1p(-1 / (1 + y)), log1p(-1 / (1 + y))) <= 1, "log1p \(-1 / (1 + y))")
    }
    for x in numbers(0.5...2) { #expect(distance(Elementary.log(x), log(x)) <= 1, "log \(x)") }
    for (x, y) in zip(numbers(-5...5), numbers(-300...300).reversed()) {
      let base = exp(x)
      let power = pow(base, y)
      guard power > 0, power.isFinite else { continue }
      #expect(distance(Elementary.pow(base, y), power) <= 1, "\(base) to the power \(y)")
    }
    for x in numbers(-87...88).map(Float.init) { #expect(distance(Elementary.exp(x), exp(x)) <= 1, "exp \(x)") }
    for x in numbers(-126...127) {
      let y = Float(exp2(x))
      #expect(distance(Elementary.log(y), log(y)) <= 1, "log \(y)")
      #expect(distance(Elementary.log1p(y), log1p(y)) <= 1, "log1p \(y)")
    }
  }

  @Test("sine and cosine of multiples of π are within 10⁻¹⁵, and exact at the quarters")
  func circle() {
    for x in numbers(-4...4) {
      #expect(abs(Elementary.cosPi(x) - cos(.pi * x)) < 3e-15, "cosPi \(x)")
      #expect(abs(Elementary.sinPi(x) - sin(.pi * x)) < 3e-15, "sinPi \(x)")
    }
    #expect([0, 0.5, 1, 1.5, 2, -0.5, 1e9 + 1, 1e300].map(Elementary.cosPi) == [1, 0, -1, 0, 1, 0, -1, 1])
    #expect([0, 0.5, 1, 1.5, -0.5, -1.5].map(Elementary.sinPi) == [0, 1, 0, -1, -1, 1])
    #expect(Elementary.cosPi(.infinity).isNaN && Elementary.sinPi(.nan).isNaN)
  }

  @Test("what makes members and augments data takes none of these functions from the C library")
  func isUsed() throws {
    let sources = Repository.folder.appendingPathComponent("Sources")
    let call = /(?:^|[^.\w`])(?:pow|exp|exp2|expm1|log|log1p|log2|log10|sin|cos|tan|tanh|atan2|erf|cbrt)f?\(/
    for module in ["Training", "Imaging", "Ensembles", "Engine", "Networks", "CKernels"] {
      let files = FileManager.default.enumerator(
        at: sources.appendingPathComponent(module), includingPropertiesForKeys: nil)
      var count = 0
      for case let file as URL in try #require(files) where ["swift", "c", "h"].contains(file.pathExtension) {
        count += 1
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
          let code = line.drop { $0 == " " }
          guard !code.hasPrefix("//"), !code.hasPrefix("*"), !code.hasPrefix("/*"), !code.contains("\"") else {
            continue
          }
          #expect(code.firstMatch(of: call) == nil, "\(file.path): \(code)")
        }
      }
      #expect(count > 3, "\(module)")
    }
  }

  @Test("what can be represented is exact")
  func exact() {
    for base in 1...30 {
      var power = 1.0
      for exponent in 0...10 where power < 0x1p53 {
        #expect(Elementary.pow(Double(base), Double(exponent)) == power, "\(base) to the power \(exponent)")
        #expect(Elementary.pow(-Double(base), Double(exponent)) == (exponent.isMultiple(of: 2) ? power : -power))
        power *= Double(base)
      }
      #expect(Elementary.pow(Double(base * base), 0.5) == Double(base))
      #expect(Elementary.pow(0.37 * Double(base), 1) == 0.37 * Double(base))
    }
    #expect(Elementary.exp(0.0) == 1 && Elementary.log(1.0) == 0 && Elementary.exp(Float(0)) == 1)
    #expect(Elementary.pow(2, -1074) == 0x1p-1074 && Elementary.pow(2, 1023) == 0x1p1023)
  }

  @Test("infinities, zeros, negative numbers and NaN give what the C library gives")
  func specialValues() {
    let special: [Double] = [
      0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e300, -1e300, 0x1p-1030, 4.5, -4.5, .infinity, -.infinity, .nan,
    ]
    func isSame(_ a: Double, _ b: Double) -> Bool { a.isNaN && b.isNaN || a == b && a.sign == b.sign }
    for x in special {
      #expect(isSame(Elementary.exp(x), exp(x)), "exp \(x)")
      #expect(isSame(Elementary.log(x), log(x)) || distance(Elementary.log(x), log(x)) <= 1, "log \(x)")
      #expect(isSame(Elementary.log1p(x), log1p(x)) || distance(Elementary.log1p(x), log1p(x)) <= 1, "log1p \(x)")
      for y in special {
        let (own, other) = (Elementary.pow(x, y), pow(x, y))
        #expect(isSame(own, other) || distance(own, other) <= 1, "\(x) to the power \(y): \(own), not \(other)")
      }
    }
    for x: Float in [0, -0.0, -1, -2, .infinity, -.infinity, .nan, 200, -200] {
      for (own, other) in [
        (Elementary.exp(x), exp(x)), (Elementary.log(x), log(x)), (Elementary.log1p(x), log1p(x)),
      ] { #expect(own.isNaN && other.isNaN || distance(own, other) <= 1, "\(x): \(own), not \(other)") }
    }
  }
}
