import Host
import Testing

@testable import Imaging

/// Values of one image.
struct Volume {
  var values: [UInt8]
  var extents: Extents
}

/// Objects found otherwise, and as ranks find them.
enum FloodedVolumes {
  /// Numbers of objects by flooding from voxel to voxel, in the order of first voxels.
  static func flood(_ volume: Volume, _ connectivity: Connectivity, isOf: (UInt8) -> Bool) -> [Int32] {
    let extents = volume.extents
    var numbers = [Int32](repeating: 0, count: extents.count)
    var next: Int32 = 0
    for start in numbers.indices where isOf(volume.values[start]) && numbers[start] == 0 {
      next += 1
      numbers[start] = next
      var stack = [start]
      while let at = stack.popLast() {
        let (z, y, x) = (at / (extents.y * extents.x), at / extents.x % extents.y, at % extents.x)
        for dz in -1...1 {
          for dy in -1...1 {
            for dx in -1...1 where (1...connectivity.axes).contains(abs(dz) + abs(dy) + abs(dx)) {
              guard (0..<extents.z).contains(z + dz), (0..<extents.y).contains(y + dy), (0..<extents.x).contains(x + dx)
              else { continue }
              let other = ((z + dz) * extents.y + y + dy) * extents.x + x + dx
              guard numbers[other] == 0, volume.values[other] == volume.values[start] else { continue }
              numbers[other] = next
              stack.append(other)
            }
          }
        }
      }
    }
    return numbers
  }

  /// Numbers of objects as ranks find them in blocks, and the objects.
  static func found(
    _ volumes: [Volume], _ rule: InstanceRule, values: [UInt8] = [1, 2], ranks: Int, blockVoxels: Int
  ) throws -> (numbers: [[Int32]], list: InstanceList) {
    let finder = InstanceFinder(
      rule, values: values, volume: rule.connectivity?.isOfVolumes ?? true, extents: volumes.map(\.extents),
      blockVoxels: blockVoxels)
    func read(_ block: InstanceFinder.Block, _ buffer: UnsafeMutableBufferPointer<UInt8>) {
      let volume = volumes[block.image]
      let slice = volume.extents.y * volume.extents.x
      let range = block.read.lowerBound * slice..<block.read.upperBound * slice
      _ = buffer.update(from: volume.values[range])
    }
    let shares = Shares(of: finder.blocks.count, among: ranks)
    let parts = try (0..<ranks).map { try finder.parts(of: shares[$0], reading: read) }
    // What other ranks found comes as numbers.
    let list = try #require(
      finder.list(joining: ranks == 1 ? parts : parts.map { InstanceParts(numbers: $0.numbers) }))
    let numbers = list.instances.numbers
    #expect(list.instances.indices.allSatisfy { list.instances[$0].number == Int(numbers[$0]) })
    var result = volumes.map { [Int32](repeating: 0, count: $0.values.count) }
    for rank in 0..<ranks {
      try finder.forEachBlock(of: shares[rank], parts[rank], places: list.places[rank], reading: read) { block, found in
        let extents = volumes[block.image].extents
        found.forEachRun { run in
          for x in run.x {
            let place = (run.z * extents.y + run.y) * extents.x + x
            #expect(run.offset + x - run.x.lowerBound == place - block.z.lowerBound * extents.y * extents.x)
            result[block.image][place] = numbers[run.place]
          }
        }
        // Both ways say the same.
        let slice = extents.y * extents.x
        let whole = block.z.lowerBound * slice..<block.z.upperBound * slice
        let filled = [Int32](unsafeUninitializedCapacity: whole.count) { values, count in
          count = values.count
          found.fill(values) { numbers[$0] }
        }
        #expect(filled[...] == result[block.image][whole])
      }
    }
    return (result, list)
  }
}
