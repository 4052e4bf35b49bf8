import Host
import TestSupport
import Testing

@testable import Imaging

@Suite struct OrientationMapTests {
  private struct Image {
    var extents: Extents
    var labels: [UInt8]

    subscript(z: Int, y: Int, x: Int) -> UInt8 {
      let isInside = (0..<extents.z).contains(z) && (0..<extents.y).contains(y) && (0..<extents.x).contains(x)
      return isInside ? labels[(z * extents.y + y) * extents.x + x] : 255
    }

    static func random(_ extents: Extents, _ random: inout TestRandom) -> Image {
      Image(extents: extents, labels: (0..<extents.count).map { _ in UInt8(max(0, random.integer(-2...2))) })
    }

    /// Pairs of voxels of a class, and of all voxels, for a shift.
    func pairs(_ shift: [Int], _ label: UInt8) -> (own: Int, all: Int) {
      var (own, all) = (0, 0)
      for z in 0..<extents.z {
        for y in 0..<extents.y {
          for x in 0..<extents.x {
            let other = self[z + shift[0], y + shift[1], x + shift[2]]
            if other != 255 { all += 1 }
            if other == label, self[z, y, x] == label { own += 1 }
          }
        }
      }
      return (own, all)
    }
  }

  /// The map as ranks find it.
  private func map(_ directions: OrientationDirections, _ images: [Image], ranks: Int) throws -> OrientationMap {
    let empty = OrientationMap(directions, classes: 2, extents: images.map(\.extents))
    var sum = empty
    for rank in 0..<ranks {
      var own = empty
      for image in images {
        let extents = image.extents
        try own.add(Shares(of: extents.z, among: ranks)[rank], of: extents) { z, slice in
          let count = extents.y * extents.x
          _ = slice.update(from: image.labels[z * count..<(z + 1) * count])
        }
      }
      for index in sum.pairs.indices { sum.pairs[index] += own.pairs[index] }
    }
    return sum
  }

  @Test(arguments: [true, false])
  func `pairs are those that a loop over all voxels counts, however ranks share the slices`(volume: Bool) throws {
    var random = TestRandom(5)
    let depth = volume ? 9 : 1
    let images = [
      Image.random(Extents(z: depth, y: 11, x: 13), &random),
      Image.random(Extents(z: volume ? 4 : 1, y: 8, x: 7), &random),
    ]
    let directions = OrientationDirections(radius: 4, voxel: volume ? [2, 1, 0.5] : [1, 1, 0.5], volume: volume)
    #expect(directions.shifts.count == (volume ? 18 * 72 : 36))
    #expect(directions.shifts.allSatisfy { $0[0] >= 0 })
    let found = try map(directions, images, ranks: 1)
    for (index, shift) in directions.shifts.enumerated() where index.isMultiple(of: volume ? 5 : 1) {
      for label in 1...2 {
        let pairs = images.map { $0.pairs(shift, UInt8(label)) }
        let (own, all) = (pairs.reduce(0) { $0 + $1.own }, pairs.reduce(0) { $0 + $1.all })
        let value = found.autocorrelation[(label - 1) * directions.shifts.count + index]
        #expect(all == 0 ? value.isNaN : value == Double(own) / Double(all), "\(shift), \(label)")
      }
    }
    for ranks in 2...4 { #expect(try map(directions, images, ranks: ranks) == found) }
  }

  @Test func `directions lead as far as asked, in voxels that are no cubes too`() {
    let directions = OrientationDirections(radius: 30, voxel: [3, 1, 1], volume: true)
    for (index, shift) in directions.shifts.enumerated() {
      let (polar, azimuth) = (directions.polar[index / 72] / 180, directions.azimuth[index % 72] / 180)
      #expect(abs(Double(shift[0]) * 3 - 30 * Elementary.cosPi(polar)) <= 1.5)
      #expect(abs(Double(shift[1]) - 30 * Elementary.sinPi(polar) * Elementary.sinPi(azimuth)) <= 0.5)
      #expect(abs(Double(shift[2]) - 30 * Elementary.sinPi(polar) * Elementary.cosPi(azimuth)) <= 0.5)
    }
  }

  @Test func `rods along an axis are seen along it`() throws {
    let extents = Extents(z: 24, y: 24, x: 24)
    var image = Image(extents: extents, labels: Array(repeating: 0, count: extents.count))
    for z in 0..<24 {
      for (y, x) in [(3, 5), (12, 17), (20, 9)] { image.labels[(z * 24 + y) * 24 + x] = 1 }
    }
    let directions = OrientationDirections(radius: 10, voxel: [1, 1, 1], volume: true)
    let values = try map(directions, [image], ranks: 1).autocorrelation.prefix(directions.shifts.count)
    let along = directions.shifts.indices.filter { directions.shifts[$0] == [10, 0, 0] }
    #expect(!along.isEmpty && along.allSatisfy { values[$0] == 3.0 / 576 })
    #expect(values.enumerated().allSatisfy { $1 == 0 || along.contains($0) })
  }
}
