import Host
import Testing

@Suite struct MedianTests {
  @Test(
    "the median is the middle one of an odd count, the mean of the middle two of an even one, and nothing of none",
    arguments: [([], nil), ([3], 3), ([5, 1], 3), ([9, -1, 2], 2), ([4, 1, 3, 8], 3.5)] as [([Double], Double?)])
  func median(of values: [Double], is expected: Double?) {
    #expect(values.median == expected)
    #expect(values.reversed().median == expected)
  }
}
