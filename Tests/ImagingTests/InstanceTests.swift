import Host
import TestSupport
import Testing

@testable import Imaging

@Suite("Instances")
struct InstanceTests {
  /// Scattered voxels of three values, at several densities; a snake; a checkerboard; walls that touch the border.
  private static func volumes(_ random: inout TestRandom, isFlat: Bool) -> [Volume] {
    var volumes: [Volume] = []
    for density: Float in [0.1, 0.3, 0.6, 0.9] {
      let extents = Extents(
        z: isFlat ? 1 : random.integer(2...9), y: random.integer(2...9), x: random.integer(2...11))
      let values = random.uniforms(extents.count).map { value -> UInt8 in
        abs(value) > density ? 0 : value < 0 ? 1 : 2
      }
      volumes.append(Volume(values: values, extents: extents))
    }
    let extents = Extents(z: isFlat ? 1 : 8, y: 9, x: 9)
    func make(_ value: (Int, Int, Int) -> UInt8) {
      let values = (0..<extents.count).map { at in
        value(at / (extents.y * extents.x), at / extents.x % extents.y, at % extents.x)
      }
      volumes.append(Volume(values: values, extents: extents))
    }
    make { z, y, x in
      guard z.isMultiple(of: 2) else { return x == 0 && y == (z % 4 == 1 ? 8 : 0) ? 1 : 0 }
      return y.isMultiple(of: 2) || x == (y % 4 == 1 ? 8 : 0) ? 1 : 0
    }
    make { z, y, x in UInt8((z + y + x) % 2) }
    make { z, y, x in UInt8((z + y + x) % 3) }
    make { z, y, x in z % 3 == 0 || x == 4 ? 1 : y == 0 ? 2 : 0 }
    return volumes
  }

  @Test(
    "objects are those of a flood, in the order of their first voxels, however blocks and ranks divide the images",
    arguments: Connectivity.allCases)
  func flood(_ connectivity: Connectivity) throws {
    var random = TestRandom(7)
    let volumes = Self.volumes(&random, isFlat: !connectivity.isOfVolumes)
    let expected = volumes.map { FloodedVolumes.flood($0, connectivity) { $0 > 0 } }
    var rule = InstanceRule()
    rule.connectivity = connectivity
    for (ranks, blockVoxels) in [(1, 1 << 20), (1, 1), (2, 200), (3, 1), (4, 150)] {
      let (numbers, list) = try FloodedVolumes.found(volumes, rule, ranks: ranks, blockVoxels: blockVoxels)
      #expect(numbers == expected)
      for (image, volume) in volumes.enumerated() {
        let own = list.instances.filter { $0.image == image }
        #expect(own.map(\.number) == Array(1..<own.count + 1))
        for instance in own {
          let places = expected[image].indices.filter { expected[image][$0] == Int32(instance.number) }
          #expect(instance.moments.voxels == places.count)
          #expect(places.allSatisfy { volume.values[$0] == instance.label })
          let rows = places.map { $0 / volume.extents.x % volume.extents.y }
          #expect(instance.moments.low[1] == rows.min() && instance.moments.high[1] == rows.max())
          let mean = Double(rows.reduce(0, +)) / Double(rows.count)
          #expect(abs(instance.moments.centroid[1] - mean) < 1e-12)
        }
      }
    }
  }

  @Test(
    "objects of one value in rows of any length are those of a flood",
    arguments: [Connectivity.eight, .eighteen, .twentySix],
    [1, 2, 7, 8, 63, 64, 65, 130])
  func oneValue(_ connectivity: Connectivity, columns: Int) throws {
    var random = TestRandom(UInt64(columns))
    var rule = InstanceRule()
    rule.connectivity = connectivity
    for (depth, rows, density) in [(3, 4, 0.1), (4, 5, 0.3), (5, 3, 0.55), (2, 2, 0.9)] as [(Int, Int, Float)] {
      let extents = Extents(z: connectivity.isOfVolumes ? depth : 1, y: rows, x: columns)
      let values = random.uniforms(extents.count).map { UInt8(abs($0) < density ? 1 : 0) }
      let volume = Volume(values: values, extents: extents)
      let expected = [FloodedVolumes.flood(volume, connectivity) { $0 > 0 }]
      for (ranks, blockVoxels) in [(1, 1 << 20), (2, 1)] {
        #expect(
          try FloodedVolumes.found([volume], rule, values: [1], ranks: ranks, blockVoxels: blockVoxels).numbers
            == expected)
      }
    }
  }

  @Test("small objects are left out, and the others numbered without gaps")
  func smallest() throws {
    var random = TestRandom(8)
    let volume = Self.volumes(&random, isFlat: false)[1]
    let all = FloodedVolumes.flood(volume, .six) { $0 > 0 }
    var rule = InstanceRule()
    (rule.connectivity, rule.smallest) = (.six, 4)
    let (numbers, list) = try FloodedVolumes.found([volume], rule, ranks: 3, blockVoxels: 1)
    let sizes = Dictionary(grouping: all.filter { $0 > 0 }, by: { $0 }).mapValues(\.count)
    let kept = sizes.filter { $0.value >= 4 }.keys.sorted()
    #expect(kept.count > 1 && kept.count < sizes.count)
    #expect(numbers[0] == all.map { Int32((kept.firstIndex(of: $0) ?? -1) + 1) })
    #expect(list.instances.map(\.moments.voxels) == kept.map { sizes[$0] ?? 0 })
  }

  @Test(
    "holes are what the border does not reach, and become part of what encloses them", arguments: Connectivity.allCases)
  func holes(_ connectivity: Connectivity) throws {
    var random = TestRandom(9)
    var rule = InstanceRule()
    (rule.connectivity, rule.fillsHoles) = (connectivity, true)
    for var volume in Self.volumes(&random, isFlat: !connectivity.isOfVolumes) {
      volume.values = volume.values.map { $0 == 1 ? 1 : 0 }
      let extents = volume.extents
      let outside = FloodedVolumes.flood(volume, connectivity.ofBackground) { $0 == 0 }
      var reached = Set<Int32>()
      for at in outside.indices {
        let (z, y, x) = (at / (extents.y * extents.x), at / extents.x % extents.y, at % extents.x)
        let isAtBorder =
          extents.z > 1 && (z == 0 || z == extents.z - 1) || y == 0 || y == extents.y - 1 || x == 0
          || x == extents.x - 1
        if isAtBorder { reached.insert(outside[at]) }
      }
      var filled = volume
      for at in outside.indices where outside[at] > 0 && !reached.contains(outside[at]) { filled.values[at] = 1 }
      let expected = FloodedVolumes.flood(filled, connectivity) { $0 == 1 }
      for ranks in [1, 3] {
        #expect(
          try FloodedVolumes.found([volume], rule, values: [1], ranks: ranks, blockVoxels: 1).numbers == [expected])
      }
    }
  }

  @Test("a hole between objects of two classes is none of theirs")
  func holeBetweenClasses() throws {
    var values = [UInt8](repeating: 1, count: 25)
    values[12] = 0
    var rule = InstanceRule()
    (rule.connectivity, rule.fillsHoles) = (.eight, true)
    let extents = Extents(y: 5, x: 5)
    #expect(
      try FloodedVolumes.found([Volume(values: values, extents: extents)], rule, ranks: 1, blockVoxels: 1).numbers[0][
        12] == 1)
    values[13] = 2
    #expect(
      try FloodedVolumes.found([Volume(values: values, extents: extents)], rule, ranks: 1, blockVoxels: 1).numbers[0][
        12] == 0)
  }

  @Test("a slanted rod has its direction as its first principal axis, and is as long as it is")
  func rod() throws {
    let extents = Extents(z: 40, y: 40, x: 40)
    var values = [UInt8](repeating: 0, count: extents.count)
    for step in 0..<30 { values[((5 + step) * 40 + 20) * 40 + 3 + step] = 1 }
    let (_, list) = try FloodedVolumes.found(
      [Volume(values: values, extents: extents)], InstanceRule(), ranks: 2, blockVoxels: 5000)
    let moments = try #require(list.instances.first?.moments)
    #expect(list.instances.count == 1 && moments.voxels == 30)
    // Voxels are twice as long along z.
    let axes = moments.principalAxes(voxel: [2, 1, 1])
    let direction = [2 / 5.0.squareRoot(), 0, 1 / 5.0.squareRoot()]
    for (own, wanted) in zip(axes.axes[0], direction) { #expect(abs(own - wanted) < 1e-9) }
    // Of whole numbers 0 to n − 1 the variance is (n² − 1) / 12.
    #expect(abs(axes.deviations[0] - (5 * (900.0 - 1) / 12).squareRoot()) < 1e-9)
    #expect(axes.deviations[1] < 1e-6)
    var measures = InstanceMeasures(centroids: moments.centroid, axes: axes.axes[0], voxel: [2, 1, 1])
    for step in 0..<30 {
      let run = InstanceRun(place: 0, z: 5 + step, y: 20, x: 3 + step..<4 + step, offset: 0)
      measures.add(run)
      [Float(0.25)].withUnsafeBufferPointer { measures.add($0, of: run) }
    }
    #expect(abs(measures.high[0] - measures.low[0] - 29 * 5.0.squareRoot()) < 1e-9)
    #expect(Double(measures.sums[0]) * InstanceMeasures.unit == 7.5)
  }

  @Test("in planes the third principal axis is that of the slices, even of a single pixel")
  func plane() throws {
    let (_, list) = try FloodedVolumes.found(
      [Volume(values: [0, 1, 0, 0, 0, 2], extents: Extents(y: 2, x: 3))], InstanceRule(), ranks: 1, blockVoxels: 1)
    for instance in list.instances {
      #expect(instance.moments.principalAxes(voxel: [1, 1, 1], volume: false).axes[2] == [1, 0, 0])
    }
  }
}
