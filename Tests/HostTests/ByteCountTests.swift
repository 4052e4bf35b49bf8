import Host
import Testing

@Suite struct ByteCountTests {
  @Test(
    "amounts of memory are read in powers of 1000 and of 1024",
    arguments: [
      ("2GiB", 2 << 30), ("2 GB", 2_000_000_000), ("1.5k", 1536), ("500mb", 500_000_000), ("64", 64), ("3 B", 3),
      ("1TiB", 1 << 40),
    ])
  func amounts(text: String, bytes: Int) {
    #expect(ByteCount(text)?.bytes == bytes)
    #expect(ByteCount(text)?.description == text)
  }

  @Test(
    "what is no amount is none", arguments: ["", "GiB", "2Gib s", "-1GB", "0", "1e5", "9999999999TB", "2XB", "1.2.3"])
  func none(text: String) {
    #expect(ByteCount(text) == nil)
  }
}
