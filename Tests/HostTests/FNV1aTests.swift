import Testing

@testable import Host

@Suite struct FNV1aTests {
  @Test("known values: RFC 9923's")
  func known() {
    #expect(FNV1a().value == 0xCBF2_9CE4_8422_2325)
    #expect(FNV1a.hash(of: "a") == 0xAF63_DC4C_8601_EC8C)
    #expect(FNV1a.hash(of: "foobar") == 0x8594_4171_F739_67E8)
  }

  @Test("a word is one step: its order and its highest byte count")
  func words() {
    func hash(_ words: UInt64...) -> UInt64 {
      var hash = FNV1a()
      hash.add(words)
      return hash.value
    }
    #expect(hash(1, 2) != hash(2, 1))
    #expect(hash(1) != hash(1 | 1 << 63))
    #expect(hash(0x61) == FNV1a.hash(of: "a"))
    #expect(hash(0) != hash(0, 0))
  }
}
