import Host
import Testing

@testable import ImageFiles

@Suite("Blocks that are kept")
struct BlockCacheTests {
  @Test("those that were not asked for the longest time make room; the last one stays however large it is")
  func order() {
    let cache = BlockCache(limit: 250)
    for place in 0..<2 { cache.keep(AlignedBuffer<UInt8>(count: 100), as: [place]) }
    #expect(cache.block([0]) != nil)
    cache.keep(AlignedBuffer<UInt8>(count: 100), as: [2])
    #expect(cache.block([1]) == nil && cache.block([0])?.count == 100 && cache.block([2]) != nil)
    // In place of the old block of the same key.
    cache.keep(AlignedBuffer<UInt8>(count: 150), as: [0])
    #expect(cache.block([0])?.count == 150 && cache.block([2]) != nil)
    cache.keep(AlignedBuffer<UInt8>(count: 1000), as: [3])
    #expect(cache.block([3]) != nil && cache.block([0]) == nil && cache.block([2]) == nil)
  }

  @Test("storage of blocks that are kept no more is used again, unless somebody reads from it")
  func room() {
    let cache = BlockCache(limit: 100)
    cache.keep(AlignedBuffer<UInt8>(count: 100), as: [0])
    let first = cache.block([0])?.pointer
    cache.keep(AlignedBuffer<UInt8>(count: 100), as: [1])
    #expect(cache.room(100).pointer == first)
    let held = cache.block([1])
    cache.keep(AlignedBuffer<UInt8>(count: 100), as: [2])
    #expect(cache.room(100).pointer != held?.pointer && cache.room(50).count == 50)
  }
}
