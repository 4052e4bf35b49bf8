import Testing

@testable import Host

@Suite("RandomStream")
struct RandomStreamTests {
  private func stream(_ keys: UInt64...) -> RandomStream { RandomStream(seed: 1, purpose: .test, keys: keys) }

  @Test("Philox4x32-10 gives the known answers of Random123")
  func knownAnswers() {
    let zero = Philox.block(counter: .zero, key: .zero)
    #expect(zero == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
    let ones = Philox.block(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
    #expect(ones == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
    let pi = Philox.block(
      counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), key: SIMD2(0xA409_3822, 0x299F_31D0))
    #expect(pi == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
  }

  // A change of these numbers changes every job's answer.
  @Test("a seed's numbers never change")
  func frozen() {
    var words = RandomStream(seed: 1, purpose: .weights, keys: 2, 3)
    #expect(
      (0..<6).map { _ in words.nextWord() }
        == [532_405_671, 3_766_487_123, 1_345_546_592, 3_789_878_335, 3_814_962_640, 2_853_658_569])
    var numbers = RandomStream(seed: 42, purpose: .order)
    #expect((0..<4).map { _ in numbers.integer(below: 1000) } == [955, 533, 573, 291])
    #expect(
      (0..<3).map { _ in numbers.normal() }
        == [-0.9911734318372903, 0.9166991738288307, 1.2696192018075325])
    #expect(numbers.permutation(8) == [4, 2, 0, 3, 7, 1, 6, 5])
  }

  @Test("the first block of a stream follows from its documented definition")
  func definition() {
    func absorb(_ hash: SIMD4<UInt32>, _ word: UInt64) -> SIMD4<UInt32> {
      Philox.block(counter: hash, key: SIMD2(UInt32(word & 0xFFFF_FFFF), UInt32(word >> 32))) ^ hash
    }
    let seed: UInt64 = 0x1234_5678_9ABC_DEF0
    var hash = absorb(absorb(.zero, seed), RandomStream.Purpose.dropout.code)
    hash = absorb(hash, 7)
    var stream = RandomStream(seed: seed, purpose: .dropout, keys: 7)
    let block = Philox.block(counter: SIMD4(0, 0, hash[2], hash[3]), key: SIMD2(hash[0], hash[1]))
    #expect((0..<4).map { _ in stream.nextWord() } == (0..<4).map { block[$0] })
    let second = Philox.block(counter: SIMD4(1, 0, hash[2], hash[3]), key: SIMD2(hash[0], hash[1]))
    #expect(stream.nextWord() == second[0])
    #expect(stream.position == 5)
    #expect(stream.block(1) == second)
  }

  @Test("a name's key is its FNV-1a hash")
  func names() {
    #expect(RandomStream.key(of: "") == 0xCBF2_9CE4_8422_2325)
    #expect(RandomStream.key(of: "a") == 0xAF63_DC4C_8601_EC8C)
    #expect(RandomStream.key(of: "foobar") == 0x8594_4171_F739_67E8)
  }

  @Test("streams differ by seed, purpose, and the number, order and value of keys")
  func different() {
    var firsts: Set<UInt64> = []
    var count = 0
    func add(_ stream: RandomStream) {
      var stream = stream
      firsts.insert(stream.next())
      count += 1
    }
    add(RandomStream(seed: 0, purpose: .graph))
    add(RandomStream(seed: 1, purpose: .graph))
    add(RandomStream(seed: 1 << 40, purpose: .graph))
    add(RandomStream(seed: 0, purpose: .graph, keys: 0))
    add(RandomStream(seed: 0, purpose: .graph, keys: 0, 0))
    add(RandomStream(seed: 0, purpose: .graph, keys: 0, 1))
    add(RandomStream(seed: 0, purpose: .graph, keys: 1, 0))
    let purposes: [RandomStream.Purpose] = [
      .weights, .bootstrap, .order, .augmentation, .dropout, .split, .synthetic, .test,
    ]
    for purpose in purposes { add(RandomStream(seed: 0, purpose: purpose)) }
    #expect(firsts.count == count)
  }

  @Test("uniform numbers lie in [0, 1) with the moments of the uniform distribution")
  func uniform() {
    var stream = stream(1)
    let floats = (0..<100_000).map { _ in Double(stream.uniform()) }
    let doubles = (0..<100_000).map { _ in stream.uniformDouble() }
    for numbers in [floats, doubles] {
      #expect(numbers.allSatisfy { 0 <= $0 && $0 < 1 })
      let mean = numbers.reduce(0, +) / 1e5
      let square = numbers.reduce(0) { $0 + $1 * $1 } / 1e5
      // Standard errors: 0.00091 and 0.00094.
      #expect(abs(mean - 0.5) < 0.004)
      #expect(abs(square - 1.0 / 3) < 0.004)
    }
    let inRange = (0..<1000).map { _ in stream.uniform(in: -3 ..< -1) }
    #expect(inRange.allSatisfy { -3 <= $0 && $0 < -1 })
    #expect(abs(inRange.reduce(0, +) / 1000 + 2) < 0.1)
  }

  @Test("normal numbers have the normal distribution's moments and tails")
  func normal() {
    var stream = stream(2)
    let numbers = (0..<100_000).map { _ in stream.normal() }
    func moment(_ power: Int) -> Double {
      numbers.reduce(0) { sum, x in sum + (0..<power).reduce(1.0) { product, _ in product * x } } / 1e5
    }
    #expect(abs(moment(1)) < 0.015)
    #expect(abs(moment(2) - 1) < 0.02)
    #expect(abs(moment(3)) < 0.06)
    #expect(abs(moment(4) - 3) < 0.2)
    let beyondTwo = Double(numbers.count { abs($0) > 2 }) / 1e5
    #expect(abs(beyondTwo - 0.0455) < 0.003)
  }

  @Test("the logarithm is exact to a few units in the last place")
  func logarithms() {
    // ln of these to 20 digits.
    let known: [(Double, Double)] = [
      (1, 0), (2, 0.69314718055994530942), (10, 2.3025850929940456840), (0.5, -0.69314718055994530942),
      (1.5, 0.40546510810816438198), (1e-10, -23.025850929940456840), (0.75, -0.28768207245178092744),
      (0.999, -0.0010005003335835335001),
    ]
    for (x, y) in known { #expect(abs(logarithm(x) - y) <= 4 * max(y.ulp, 1e-17)) }
  }

  @Test("integers below a bound are equally likely", arguments: [1, 2, 3, 7, 10])
  func integers(bound: Int) {
    var stream = stream(3)
    var counts = [Int](repeating: 0, count: bound)
    for _ in 0..<20_000 { counts[stream.integer(below: bound)] += 1 }
    let expected = 20_000.0 / Double(bound)
    let chiSquare = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    // The 99.9 % point of chi-square with 9 degrees of freedom is 27.9.
    #expect(chiSquare < 27.9)
  }

  @Test("integers below a bound that fills the word stay below it and reach its upper half")
  func largeIntegers() {
    var stream = stream(4)
    let bound = Int.max / 2 * 2 - 12345
    let numbers = (0..<200).map { _ in stream.integer(below: bound) }
    #expect(numbers.allSatisfy { 0 <= $0 && $0 < bound })
    #expect(numbers.count { $0 > bound / 2 } > 60)
    #expect(numbers.count { $0 < bound / 2 } > 60)
  }

  @Test("a permutation holds each number once, and all permutations of three occur equally often")
  func permutations() {
    var stream = stream(5)
    #expect(stream.permutation(100).sorted() == Array(0..<100))
    #expect(stream.permutation(0) == [])
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[stream.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 130 })
  }

  @Test("a sample has different numbers, each equally likely")
  func samples() {
    var stream = stream(6)
    var counts = [Int](repeating: 0, count: 10)
    for _ in 0..<5000 {
      let sample = stream.sample(4, of: 10)
      #expect(Set(sample).count == 4)
      for number in sample { counts[number] += 1 }
    }
    #expect(counts.allSatisfy { abs($0 - 2000) < 150 })
    #expect(stream.sample(0, of: 5) == [])
  }

  @Test("an index is drawn as often as its weight says, and never one of weight 0")
  func weights() {
    var stream = stream(7)
    var counts = [Int](repeating: 0, count: 5)
    for _ in 0..<10_000 { counts[stream.index(weights: [0, 1, 0, 3, 0])] += 1 }
    #expect(counts[0] == 0 && counts[2] == 0 && counts[4] == 0)
    #expect(abs(counts[1] - 2500) < 200)
    #expect(counts[1] + counts[3] == 10_000)
  }
}
