import Host
import Testing

@Suite struct ExtentsTests {
  @Test func `a list gives the extents of its axes, and comes back for as many dimensions`() {
    #expect(Extents([4, 6]) == Extents(z: 1, y: 4, x: 6))
    #expect(Extents([2, 4, 6])?.list(dimensions: 3) == [2, 4, 6])
    #expect(Extents([2, 4, 6])?.list(dimensions: 2) == [4, 6])
    #expect(Extents([4]) == nil && Extents([1, 2, 3, 4]) == nil)
    #expect(Extents([5], missing: 0) == Extents(z: 0, y: 0, x: 5))
  }

  @Test func `a number of voxels that no Int holds is nil`() {
    #expect(Extents(z: 2, y: 3, x: 4).checkedCount == 24)
    #expect(Extents(z: 1, y: 1 << 40, x: 1 << 40).checkedCount == nil)
    #expect(Extents(z: 1 << 40, y: 1 << 12, x: 1 << 12).checkedCount == nil)
  }
}
