import Host
import TestSupport
import Testing

@testable import Imaging

/// Every path by which objects are found and measured, on many volumes.
@Suite("Instances of many volumes")
struct InstanceVolumeTests {
  /// What is measured of an object, voxel by voxel.
  private struct Measured: Equatable {
    var voxels = 0
    var low = [Int.max, .max, .max]
    var high = [Int.min, .min, .min]
    /// The sums of z, y and x, and of zz, yy, xx, zy, zx and yx.
    var sums = [Int](repeating: 0, count: 9)

    mutating func add(_ voxel: [Int]) {
      voxels += 1
      let products = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)].map { voxel[$0.0] * voxel[$0.1] }
      for (index, value) in (voxel + products).enumerated() { sums[index] += value }
      for axis in 0..<3 {
        low[axis] = min(low[axis], voxel[axis])
        high[axis] = max(high[axis], voxel[axis])
      }
    }

    init() {}

    init(_ moments: InstanceMoments) {
      (voxels, low, high) = (moments.voxels, moments.low, moments.high)
      sums = (0..<3).map { moments.sum($0) } + (0..<6).map { moments.product($0) }
    }
  }

  private static func measured(_ numbers: [Int32], _ extents: Extents) -> [Measured] {
    var all = [Measured](repeating: Measured(), count: Int(numbers.max() ?? 0))
    for (at, number) in numbers.enumerated() where number > 0 {
      all[Int(number) - 1].add([at / (extents.y * extents.x), at / extents.x % extents.y, at % extents.x])
    }
    return all
  }

  /// Compares numbers and measures with those of a flood, in blocks of several depths on several ranks.
  private static func check(_ volume: Volume, _ connectivity: Connectivity, values: [UInt8] = [1]) throws {
    let extents = volume.extents
    let expected = FloodedVolumes.flood(volume, connectivity) { $0 > 0 }
    let wanted = measured(expected, extents)
    var rule = InstanceRule()
    rule.connectivity = connectivity
    let slice = extents.y * extents.x
    for (ranks, blockVoxels) in [(1, 1 << 20), (1, slice), (2, 2 * slice), (3, 3 * slice)] {
      for measures in [true, false] {
        rule.measures = measures
        let (numbers, list) = try FloodedVolumes.found(
          [volume], rule, values: values, ranks: ranks, blockVoxels: blockVoxels)
        #expect(numbers == [expected], "\(extents), \(connectivity), \(ranks) ranks, \(blockVoxels) voxels a block")
        #expect(list.instances.count == wanted.count)
        guard measures else { continue }
        #expect(list.instances.map { Measured($0.moments) } == wanted)
        let columns = list.instances.columns
        #expect(columns.voxels == wanted.map(\.voxels))
        #expect(
          columns.boxes == wanted.flatMap { own in (0..<3).flatMap { [Int32(own.low[$0]), Int32(own.high[$0])] } })
        #expect(
          columns.centroids == wanted.flatMap { own in (0..<3).map { Double(own.sums[$0]) / Double(own.voxels) } })
      }
    }
  }

  @Test(
    "numbers and measures are those of a flood, whatever the extents and the density",
    arguments: Connectivity.allCases,
    [1, 2, 3, 4, 5, 8, 17, 31, 33, 47, 62, 63, 64, 65, 66, 70, 127, 128, 129])
  func noise(_ connectivity: Connectivity, columns: Int) throws {
    var random = TestRandom(UInt64(1000 + columns))
    for density: Float in [0.01, 0.05, 0.2, 0.5, 0.8, 0.99] {
      let extents = Extents(
        z: connectivity.isOfVolumes ? random.integer(1...6) : 1, y: random.integer(1...6), x: columns)
      let values = random.uniforms(extents.count).map { UInt8(abs($0) < density ? 1 : 0) }
      try Self.check(Volume(values: values, extents: extents), connectivity)
    }
  }

  @Test("objects of two labels are told apart and measured as those of one", arguments: Connectivity.allCases)
  func labels(_ connectivity: Connectivity) throws {
    var random = TestRandom(2000)
    for density: Float in [0.05, 0.3, 0.7] {
      let extents = Extents(z: connectivity.isOfVolumes ? 5 : 1, y: 7, x: 67)
      let values = random.uniforms(extents.count).map { UInt8(abs($0) > density ? 0 : $0 < 0 ? 1 : 2) }
      try Self.check(Volume(values: values, extents: extents), connectivity, values: [1, 2])
    }
  }

  @Test(
    "checkerboards, lone voxels, walls and bars across the borders of blocks are those of a flood",
    arguments: Connectivity.allCases, [64, 65, 129])
  func patterns(_ connectivity: Connectivity, columns: Int) throws {
    let patterns: [(Int, Int, Int) -> Bool] = [
      { ($0 + $1 + $2) % 2 == 1 },
      { ($0 + $1 + $2) % 2 == 0 },
      { $0 % 2 == 0 && $1 % 2 == 0 && $2 % 2 == 0 },
      { $0 % 2 == 1 && $1 % 2 == 1 && $2 % 2 == 1 },
      { $0 % 3 == 0 || $2 == 32 },
      { $1 % 3 == 0 && $2 % 3 == 0 },
      { $1 % 4 == $0 && $2 % 5 < 2 },
      { $0 % 5 < 4 && $1 % 5 < 4 && $2 % 5 < 4 },
      { $0 % 6 < 5 && $1 % 2 == 0 && $2 % 7 < 5 },
      { z, y, x in x == (z * 7 + y * 3) % 60 },
      { _, _, _ in true },
      { _, _, _ in false },
    ]
    for pattern in patterns {
      let extents = Extents(z: connectivity.isOfVolumes ? 7 : 1, y: 6, x: columns)
      let values = (0..<extents.count).map { at in
        UInt8(pattern(at / (extents.y * extents.x), at / extents.x % extents.y, at % extents.x) ? 1 : 0)
      }
      try Self.check(Volume(values: values, extents: extents), connectivity)
    }
  }

  @Test("small objects of several images keep their images, labels and numbers when others are left out")
  func smallest() throws {
    var random = TestRandom(3000)
    let volumes = (0..<3).map { _ in
      let extents = Extents(z: random.integer(1...5), y: random.integer(1...9), x: random.integer(1...70))
      let values = random.uniforms(extents.count).map { UInt8(abs($0) > 0.2 ? 0 : $0 < 0 ? 1 : 2) }
      return Volume(values: values, extents: extents)
    }
    var rule = InstanceRule()
    (rule.connectivity, rule.smallest) = (.twentySix, 3)
    let expected = volumes.map { volume in
      let all = FloodedVolumes.flood(volume, .twentySix) { $0 > 0 }
      let kept = Self.measured(all, volume.extents).enumerated().filter { $0.element.voxels >= 3 }.map { $0.offset + 1 }
      return all.map { Int32((kept.firstIndex(of: Int($0)) ?? -1) + 1) }
    }
    for (ranks, measures) in [(1, true), (1, false), (2, true), (4, false)] {
      rule.measures = measures
      let (numbers, list) = try FloodedVolumes.found(volumes, rule, ranks: ranks, blockVoxels: 1)
      #expect(numbers == expected)
      for instance in list.instances {
        let own = expected[instance.image].indices.filter { expected[instance.image][$0] == Int32(instance.number) }
        #expect(!own.isEmpty && own.allSatisfy { volumes[instance.image].values[$0] == instance.label })
      }
    }
  }

  @Test("what small objects hold is what their voxels are, wherever they are put together")
  func smallObjects() {
    var random = TestRandom(4000)
    for _ in 0..<2000 {
      var (object, moments) = (SmallObject(), InstanceMoments())
      var isSmall = true
      for _ in 0..<random.integer(1...4) {
        let (z, y, x) = (random.integer(10...13), random.integer(0...3), random.integer(100...104))
        let part = SmallObject(z: z, y: y, x: x, bits: 1 << UInt64(random.integer(0...3)))
        // Voxels are added once.
        guard !(isSmall && object.overlaps(part)) else { continue }
        moments.add(InstanceMoments(part))
        isSmall = isSmall && object.add(part)
        if !isSmall { break }
        #expect(InstanceMoments(object) == moments)
      }
    }
  }
}

extension SmallObject {
  /// Whether both have a voxel in common.
  fileprivate func overlaps(_ other: SmallObject) -> Bool {
    !voxels.isDisjoint(with: other.voxels)
  }

  private var voxels: Set<[Int]> {
    let (z, y, x) = corner
    return Set((0..<64).filter { bits >> UInt64($0) & 1 == 1 }.map { [z + $0 >> 4, y + $0 >> 2 & 3, x + $0 & 3] })
  }
}
