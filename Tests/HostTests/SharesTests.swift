import Testing

@testable import Host

@Suite struct SharesTests {
  @Test("the ranges follow each other, cover every item once, and differ by one at most")
  func coverage() {
    for count in 0...40 {
      for workers in 1...9 {
        let shares = Shares(of: count, among: workers)
        #expect(shares.all.flatMap(Array.init) == Array(0..<count))
        let sizes = shares.all.map(\.count)
        #expect(sizes == sizes.sorted(by: >) && sizes[0] - sizes[workers - 1] <= 1)
        #expect(shares.largest == (count + workers - 1) / workers)
      }
    }
    #expect(Shares(of: 8, among: 3).all == [0..<3, 3..<6, 6..<8])
  }

  @Test("ranges begin at whole units, and the last takes what is beyond the last one")
  func units() {
    for count in [0, 15, 16, 100, 1000] {
      for workers in 1...5 {
        let shares = Shares(of: count, among: workers, unit: 16)
        #expect(shares.all.flatMap(Array.init) == Array(0..<count))
        #expect(shares.all.allSatisfy { $0.lowerBound % 16 == 0 || $0.isEmpty })
        #expect(shares.largest == shares.all.map(\.count).max())
      }
    }
    #expect(Shares(of: 100, among: 4, unit: 16).all == [0..<32, 32..<64, 64..<80, 80..<100])
  }
}
