import HDF5
import Host
import Testing

@testable import Imaging

@Suite("PatchGrid, TrainingUnits and Bootstrap")
struct TrainingUnitsTests {
  @Test("cells divide the region, each at least as large as a patch", arguments: 0..<100)
  func cells(trial: Int) throws {
    var stream = RandomStream(seed: 12, purpose: .test, keys: UInt64(trial))
    func extent(below high: Int) -> Int { 1 + stream.integer(below: high) }
    let region = Extents(z: extent(below: 20), y: extent(below: 40), x: extent(below: 40))
    let patch = Extents(z: extent(below: region.z), y: extent(below: region.y), x: extent(below: region.x))
    let grid = try #require(PatchGrid(region: region, patch: patch))
    #expect(TileGridTests.coverage(grid.cells, region).allSatisfy { $0 == 1 })
    #expect(grid.cells.allSatisfy { patch.fits(in: $0.extents) })
    #expect(grid.cells.count == region.z / patch.z * (region.y / patch.y) * (region.x / patch.x))
  }

  @Test("a patch that is larger than the region has no grid")
  func tooLarge() {
    #expect(PatchGrid(region: Extents(z: 8, y: 8, x: 8), patch: Extents(z: 9, y: 8, x: 8)) == nil)
    #expect(PatchGrid(region: Extents(z: 8, y: 8, x: 8), patch: Extents(z: 8, y: 8, x: 8))?.cells.count == 1)
  }

  @Test("a stack's unit is the image with all its patches, a volume's the cell")
  func units() throws {
    let scratch = try Scratch()
    try scratch.write { try $0.write([Float](repeating: 0, count: 4 * 6 * 9), shape: [4, 6, 9], to: "/images") }
    let patch = Extents(y: 3, x: 4)
    let stack = try ImageSource(scratch.location("a.h5:/images"), layout: .stack)
    let ofImages = try TrainingUnits(regions: [0, 2].map(stack.region(ofImage:)), patch: patch, of: stack)
    #expect(ofImages.units.map(\.count) == [4, 4])
    #expect(ofImages.units[1].allSatisfy { $0.region == 1 })
    #expect(ofImages.patches(of: [1, 1, 0]) == ofImages.units[1] + ofImages.units[1] + ofImages.units[0])

    let volume = try ImageSource(scratch.location("a.h5:/images"), layout: .volume)
    let regions = [0..<1, 2..<4].map { Region(image: 0, z: $0, height: 6, width: 9) }
    let ofCells = try TrainingUnits(regions: regions, patch: patch, of: volume)
    #expect(ofCells.units.map(\.count) == [Int](repeating: 1, count: 12))
    #expect(ofCells.units.flatMap(\.self).filter { $0.region == 1 }.count == 8)

    #expect(
      message { _ = try TrainingUnits(regions: regions, patch: Extents(z: 2, y: 3, x: 4), of: volume) }
        == """
        a patch of [2, 3, 4] does not fit into the slices 0 to 0 of the training part of a.h5:/images, which are \
        [1, 6, 9]; lower data.patch.
        """)
    #expect(
      message { _ = try TrainingUnits(regions: [stack.region(ofImage: 3)], patch: Extents(y: 7, x: 4), of: stack) }
        == """
        a patch of [7, 4] does not fit into image 3 of the training part of a.h5:/images, which is [6, 9]; \
        lower data.patch.
        """)
  }

  @Test("a cell of a volume that is seen in planes has a patch in each, and room for all")
  func planes() throws {
    let scratch = try Scratch()
    try scratch.write { try $0.write([Float](repeating: 0, count: 8 * 9 * 12), shape: [8, 9, 12], to: "/images") }
    let volume = try ImageSource(scratch.location("a.h5:/images"), layout: .volume)
    let patch = Extents(y: 4, x: 6)
    let units = try TrainingUnits(
      regions: [volume.region(ofImage: 0)], patch: patch, planes: [.xy, .yz], of: volume)
    // Rows and columns of 4 × 6 are (y, x) and (z, y): cells have 4 slices, 6 rows and 6 columns at least.
    #expect(units.units.count == 2 * 1 * 2)
    for unit in units.units {
      #expect(unit.map(\.plane) == [.xy, .yz])
      #expect(unit[0].cell.extents == Extents(z: 4, y: 9, x: 6))
      #expect(unit[1].cell == Plane.yz.view(unit[0].cell))
      #expect(unit.allSatisfy { patch.fits(in: $0.cell.extents) })
    }
  }

  @Test("the patch that is chosen fits every region in whole multiples of 16")
  func defaultPatch() {
    let regions = [0..<72, 80..<120].map { Region(image: 0, z: $0, height: 128, width: 50) }
    #expect(PatchGrid.defaultPatch(for: regions, layout: .volume) == Extents(z: 32, y: 64, x: 48))
    let images = [Region(image: 0, z: 0..<1, height: 300, width: 9)]
    #expect(PatchGrid.defaultPatch(for: images, layout: .stack) == Extents(z: 1, y: 256, x: 9))
  }

  @Test("a bootstrap sample draws as many units as there are, and lists those that it never drew")
  func bootstrap() {
    var stream = RandomStream(seed: 5, purpose: .bootstrap, keys: 0)
    var missing = 0
    for _ in 0..<100 {
      let sample = Bootstrap(units: 50, from: &stream)
      #expect(sample.drawn.count == 50)
      #expect(sample.drawn.allSatisfy { (0..<50).contains($0) })
      #expect(Set(sample.drawn).isDisjoint(with: sample.outOfBag))
      #expect(Set(sample.drawn).union(sample.outOfBag).count == 50)
      #expect(sample.outOfBag == sample.outOfBag.sorted())
      missing += sample.outOfBag.count
    }
    // (1 − 1/50)⁵⁰ = 0.364 of 5000; the standard deviation of the sum is below 35.
    #expect(abs(missing - 1821) < 150)
    var again = RandomStream(seed: 5, purpose: .bootstrap, keys: 0)
    var other = RandomStream(seed: 5, purpose: .bootstrap, keys: 1)
    let first = Bootstrap(units: 50, from: &again)
    again = RandomStream(seed: 5, purpose: .bootstrap, keys: 0)
    #expect(Bootstrap(units: 50, from: &again) == first)
    #expect(Bootstrap(units: 50, from: &other) != first)
  }
}
