import Host
import TestSupport
import Testing

@testable import Imaging

@Suite struct MeasuredObjectsTests {
  /// Sizes and faces by flooding from voxel to voxel.
  private func flooded(_ labels: [UInt8], _ extents: Extents, _ connectivity: Connectivity) -> MeasuredObjects {
    func inside(_ z: Int, _ y: Int, _ x: Int) -> Int? {
      (0..<extents.z).contains(z) && (0..<extents.y).contains(y) && (0..<extents.x).contains(x)
        ? (z * extents.y + y) * extents.x + x : nil
    }
    let most = ["4": 1, "6": 1, "8": 2, "18": 2, "26": 3][connectivity.rawValue] ?? 0
    var seen = Set<Int>()
    var sizes: [Int] = []
    var faces = Extents(z: 0, y: 0, x: 0)
    for start in labels.indices where labels[start] == 1 {
      let (z, y, x) = (start / (extents.y * extents.x), start / extents.x % extents.y, start % extents.x)
      for (axis, neighbours) in [[(1, 0, 0), (-1, 0, 0)], [(0, 1, 0), (0, -1, 0)], [(0, 0, 1), (0, 0, -1)]].enumerated()
      {
        for step in neighbours {
          guard let other = inside(z + step.0, y + step.1, x + step.2), labels[other] != 1 else { continue }
          if axis == 0 { faces.z += 1 } else if axis == 1 { faces.y += 1 } else { faces.x += 1 }
        }
      }
      guard seen.insert(start).inserted else { continue }
      var (stack, size) = ([(z, y, x)], 0)
      while let (z, y, x) = stack.popLast() {
        size += 1
        for dz in -1...1 {
          for dy in -1...1 {
            for dx in -1...1 where (1...most).contains(abs(dz) + abs(dy) + abs(dx)) {
              guard let other = inside(z + dz, y + dy, x + dx), labels[other] == 1, seen.insert(other).inserted
              else { continue }
              stack.append((z + dz, y + dy, x + dx))
            }
          }
        }
      }
      sizes.append(size)
    }
    return MeasuredObjects(
      extent: extents.count, voxels: sizes.reduce(0, +), faces: faces, sizes: sizes.sorted())
  }

  private func measured(
    _ labels: [UInt8], _ extents: Extents, tile: Extents, _ connectivity: Connectivity?, sent: Bool = false
  ) -> MeasuredObjects {
    var pieces = TileGrid(region: extents, tile: tile).map { tile in
      let core = tile.core
      let own = core.z.flatMap { z in
        core.y.flatMap { y in core.x.map { labels[(z * extents.y + y) * extents.x + $0] } }
      }
      return ObjectPiece(1, in: own, over: core, of: extents, connectivity)
    }
    if sent {
      var numbers = pieces.reversed().flatMap(\.numbers)[...]
      pieces = pieces.map { _ in ObjectPiece(taking: &numbers) }
    }
    return MeasuredObjects(joining: pieces, of: extents, connectivity)
  }

  @Test(
    "objects, sizes and faces are those of a flood, however the image is cut",
    arguments: [Connectivity.four, .eight, .six, .eighteen, .twentySix])
  func flood(_ connectivity: Connectivity) {
    var random = TestRandom(5)
    for round in 0..<24 {
      let extents =
        connectivity.isOfVolumes
        ? Extents(z: random.integer(1...7), y: random.integer(1...9), x: random.integer(1...9))
        : Extents(y: random.integer(1...16), x: random.integer(1...16))
      // From scattered voxels to a sponge of one object.
      let density = Float([-0.8, -0.5, -0.2, 0.3, 0.9][round % 5])
      let labels = random.uniforms(extents.count).map { UInt8($0 < density ? 1 : 2) }
      let expected = flooded(labels, extents, connectivity)
      for tile in [
        extents, Extents(z: 1, y: 1, x: 1), Extents(z: 2, y: 3, x: 4), Extents(z: 3, y: extents.y, x: 1),
        Extents(z: extents.z, y: 2, x: extents.x),
      ] {
        let found = measured(labels, extents, tile: tile, connectivity, sent: round.isMultiple(of: 2))
        #expect(found == expected, "\(extents) by \(tile), \(connectivity.rawValue)")
        #expect(measured(labels, extents, tile: tile, nil).voxels == expected.voxels)
      }
    }
  }

  @Test func `objects of several images are counted together, and never joined`() {
    let all = Extents(y: 2, x: 3)
    let one = measured([1, 1, 0, 0, 0, 1], all, tile: all, .four)
    var both = one
    both.add(measured([1, 1, 1, 1, 1, 1], all, tile: all, .four))
    #expect(one.sizes == [1, 2] && both.sizes == [1, 2, 6] && both.extent == 12 && both.voxels == 9)
    #expect(both.faces == one.faces)
    var sum = MeasuredObjects()
    sum.add(one)
    #expect(sum == one)
  }

  @Test func `numbers of a class are those of its objects, in the units of a voxel`() throws {
    // Objects of 1, 2 and 9 pixels in a plane of 6 × 8.
    let extents = Extents(y: 6, x: 8)
    var labels = [UInt8](repeating: 0, count: 48)
    for place in [0, 3, 11] + (0..<9).map({ (2 + $0 / 3) * 8 + 5 + $0 % 3 - 1 }) { labels[place] = 1 }
    let objects = measured(labels, extents, tile: extents, .four)
    #expect(objects.sizes == [1, 2, 9])
    var large = ImageMeasurement.Options()
    large.smallest = 2
    large.quantiles = [0, 0.5, 0.51, 1]
    let all = [
      ImageMeasurement(.fraction), ImageMeasurement(.volume), ImageMeasurement(.count, large),
      ImageMeasurement(.meanSize, large),
      ImageMeasurement(.sizeQuantiles, large), ImageMeasurement(.surface),
    ]
    let pixels = MeasuredQuantity.all(all, classes: ["ground", "thing"], volume: false)
    #expect(pixels.map { $0.value(of: objects) }.prefix(8) == [0.25, 12, 2, 5.5, 2, 2, 9, 9])
    // A square of 3 × 3 has 12 sides, the pair of pixels in the upper row 5, the corner pixel 2.
    #expect(abs(pixels[8].value(of: objects) - 19 * .pi / 4) < 1e-12)
    #expect(
      pixels.map(\.unit) == ["", "pixels", "", "pixels"] + Array(repeating: "pixels", count: 4) + ["pixel sides"])
    #expect(pixels[4].name == "size quantile 0.0 of thing" && pixels[3].name == "mean size of thing")
    let lengths = MeasuredQuantity.all(
      [all[1], all[5]], classes: ["ground", "thing"], volume: false, voxel: (1, 2, 3), lengthUnit: "µm")
    #expect(lengths[0].value(of: objects) == 72 && lengths[0].unit == "µm^2" && lengths[1].unit == "µm")
    #expect(MeasuredQuantity.all([all[3]], classes: ["a", "b"], volume: false)[0].value(of: MeasuredObjects()).isNaN)
  }

  @Test func `Crofton's formula finds the surface of balls and discs of any voxel within a few percent`() {
    func ball(_ radius: Double, _ voxel: (z: Double, y: Double, x: Double), volume: Bool) -> Double {
      let reach = { (length: Double) in Int(radius / length) + 1 }
      let extents = Extents(
        z: volume ? 2 * reach(voxel.z) + 1 : 1, y: 2 * reach(voxel.y) + 1, x: 2 * reach(voxel.x) + 1)
      var labels = [UInt8](repeating: 0, count: extents.count)
      for i in labels.indices {
        let z = Double(i / (extents.y * extents.x) - extents.z / 2) * voxel.z
        let y = Double(i / extents.x % extents.y - extents.y / 2) * voxel.y
        let x = Double(i % extents.x - extents.x / 2) * voxel.x
        if z * z + y * y + x * x <= radius * radius { labels[i] = 1 }
      }
      let quantity = MeasuredQuantity.all(
        [ImageMeasurement(.surface)], classes: ["a", "b"], volume: volume, voxel: voxel, lengthUnit: "mm")[0]
      return quantity.value(of: measured(labels, extents, tile: extents, volume ? .six : .four))
    }
    #expect(abs(ball(10, (1, 1, 1), volume: true) / (4 * .pi * 100) - 1) < 0.03)
    #expect(abs(ball(10, (2, 1, 0.7), volume: true) / (4 * .pi * 100) - 1) < 0.05)
    #expect(abs(ball(30, (1, 1, 0.5), volume: false) / (2 * .pi * 30) - 1) < 0.03)
  }
}
