import Host
import Testing

@testable import Imaging

@Suite("Augmentation and cutting")
struct AugmentationTests {
  /// All flips and turns.
  private let turned = AugmentationSettings(Flips(true), QuarterTurns(true))

  /// A region whose voxels hold their own index; the second channel its negative, the labels its last 8 bits.
  private func numbered(_ extents: Extents) -> LearningRegion {
    let region = LearningRegion(
      region: Region(image: 0, z: 0..<extents.z, height: extents.y, width: extents.x), channels: 2,
      content: TargetContent(labels: .pixels, channels: 1, hasWeights: true))
    for i in 0..<extents.count {
      region.values.pointer[i] = 2 * Float(i)
      region.weights.pointer[i] = Float(i % 2)
      region.images.pointer[i] = Float(i)
      region.images.pointer[extents.count + i] = -Float(i)
      region.labels.pointer[i] = UInt8(truncatingIfNeeded: i)
    }
    return region
  }

  private func cut(
    _ region: LearningRegion, _ cell: Box, _ patch: Extents, _ transform: PatchTransform
  ) -> (images: [Float], labels: [UInt8], values: [Float], weights: [Float]) {
    let images = AlignedBuffer<Float>(count: 2 * patch.count)
    let labels = AlignedBuffer<UInt8>(count: patch.count)
    let values = AlignedBuffer<Float>(count: patch.count)
    let weights = AlignedBuffer<Float>(count: patch.count)
    region.cut(
      cell, patch: patch, transform,
      to: .init(images: images.pointer, labels: labels.pointer, values: values.pointer, weights: weights.pointer))
    return (Array(images.buffer), Array(labels.buffer), Array(values.buffer), Array(weights.buffer))
  }

  @Test("an augmented patch has the voxels of its place once each, and targets and channels follow", arguments: 0..<100)
  func bijection(trial: Int) {
    var stream = RandomStream(seed: 9, purpose: .augmentation, keys: UInt64(trial))
    let extents = Extents(z: 5, y: 11, x: 13)
    let region = numbered(extents)
    let cell = Box(z: 1..<5, y: 2..<10, x: 3..<12)
    let patch = trial % 2 == 0 ? Extents(z: 3, y: 6, x: 6) : Extents(z: 2, y: 8, x: 5)
    let augmentation = turned.transform(of: patch, in: cell, from: &stream)
    let (images, labels, values, weights) = cut(region, cell, patch, augmentation)
    var expected: [Float] = []
    for z in 0..<patch.z {
      for y in 0..<patch.y {
        for x in 0..<patch.x {
          let zz = z + cell.z.lowerBound + augmentation.offset.z
          let yy = y + cell.y.lowerBound + augmentation.offset.y
          let xx = x + cell.x.lowerBound + augmentation.offset.x
          #expect(cell.z.contains(zz) && cell.y.contains(yy) && cell.x.contains(xx))
          expected.append(Float((zz * extents.y + yy) * extents.x + xx))
        }
      }
    }
    #expect(images.prefix(patch.count).sorted() == expected)
    for i in 0..<patch.count {
      #expect(images[patch.count + i] == -images[i])
      #expect(labels[i] == UInt8(truncatingIfNeeded: Int(images[i])))
      #expect(values[i] == 2 * images[i])
      #expect(weights[i] == Float(Int(images[i]) % 2))
    }
    if patch.y != patch.x { #expect(!augmentation.turns) }
  }

  @Test("each flip and the turn do what they say")
  func meaning() {
    let extents = Extents(z: 2, y: 3, x: 3)
    let region = numbered(extents)
    func voxels(_ transform: PatchTransform) -> [Float] {
      Array(cut(region, Box(extents), extents, transform).images.prefix(18))
    }
    func expected(_ source: (_ z: Int, _ y: Int, _ x: Int) -> (Int, Int, Int)) -> [Float] {
      (0..<18).map { i in
        let (z, y, x) = source(i / 9, i / 3 % 3, i % 3)
        return Float((z * 3 + y) * 3 + x)
      }
    }
    #expect(voxels(PatchTransform()) == expected { ($0, $1, $2) })
    #expect(voxels(PatchTransform(flipsZ: true)) == expected { (1 - $0, $1, $2) })
    #expect(voxels(PatchTransform(flipsY: true)) == expected { ($0, 2 - $1, $2) })
    #expect(voxels(PatchTransform(flipsX: true)) == expected { ($0, $1, 2 - $2) })
    #expect(voxels(PatchTransform(turns: true)) == expected { ($0, $2, 2 - $1) })
    // Flipped first, then turned.
    #expect(voxels(PatchTransform(flipsY: true, turns: true)) == expected { ($0, 2 - $2, 2 - $1) })
    #expect(voxels(PatchTransform(flipsX: true, turns: true)) == expected { ($0, $2, $1) })
  }

  @Test("flips and the turn give all eight symmetries of a square, equally often")
  func symmetries() {
    let extents = Extents(y: 4, x: 4)
    let region = numbered(extents)
    var counts: [[Float]: Int] = [:]
    for sample in 0..<1600 {
      var stream = RandomStream(seed: 1, purpose: .augmentation, keys: 0, 0, UInt64(sample))
      let augmentation = turned.transform(of: extents, in: Box(extents), from: &stream)
      counts[cut(region, Box(extents), extents, augmentation).images, default: 0] += 1
    }
    #expect(counts.count == 8)
    #expect(counts.values.allSatisfy { abs($0 - 200) < 60 })
  }

  @Test("patches reach every voxel of their cell")
  func reach() {
    let cell = Box(z: 0..<3, y: 0..<7, x: 0..<9)
    let patch = Extents(z: 2, y: 4, x: 5)
    let region = numbered(cell.extents)
    var seen: Set<Float> = []
    for sample in 0..<200 {
      var stream = RandomStream(seed: 2, purpose: .augmentation, keys: UInt64(sample))
      seen.formUnion(
        cut(region, cell, patch, turned.transform(of: patch, in: cell, from: &stream)).images.prefix(patch.count))
    }
    #expect(seen.count == cell.count)
  }

  @Test("a bent patch bends its targets alike, smoothly, and the same for the same stream")
  func bending() {
    let extents = Extents(z: 3, y: 40, x: 40)
    let region = LearningRegion(
      region: Region(image: 0, z: 0..<3, height: 40, width: 40), channels: 1,
      content: TargetContent(labels: .pixels, channels: 1, hasWeights: true))
    for i in 0..<extents.count {
      let (y, x) = (i / 40 % 40, i % 40)
      region.images.pointer[i] = Float(y) + 100 * Float(x)
      region.values.pointer[i] = Float(x)
      region.labels.pointer[i] = x < 20 ? 0 : 1
      region.weights.pointer[i] = x < 20 ? 0 : 1
    }
    let patch = Extents(z: 3, y: 32, x: 32)
    func bent(_ seed: UInt64) -> (images: [Float], labels: [UInt8], values: [Float], weights: [Float]) {
      let stream = RandomStream(seed: seed, purpose: .augmentation)
      var images = [Float](repeating: 0, count: patch.count)
      var labels = [UInt8](repeating: 9, count: patch.count)
      var values = images
      var weights = images
      region.cut(
        Box(extents), patch: patch, PatchTransform(offset: Extents(z: 0, y: 4, x: 4)),
        displacement: ElasticDeformation(magnitude: 2, spacing: 8).displacement(of: patch, stream: stream),
        to: .init(images: &images, labels: &labels, values: &values, weights: &weights))
      return (images, labels, values, weights)
    }
    let first = bent(1)
    #expect(first == bent(1))
    #expect(first.images != bent(2).images)
    var moved: Float = 0
    for i in 0..<patch.count {
      let (y, x) = (i / 32 % 32, i % 32)
      // The target shows where the voxel is from; the image's two digits agree with it.
      let (sourceX, sourceY) = (first.values[i], first.images[i] - 100 * first.values[i])
      #expect(abs(sourceX - Float(x + 4)) < 8)
      #expect(abs(sourceY - Float(y + 4)) < 8)
      #expect((first.labels[i] == 1) == (sourceX >= 19.5))
      #expect(first.weights[i] == Float(first.labels[i]))
      if x > 0 { #expect(abs(sourceX - first.values[i - 1] - 1) < 1.5) }
      moved = max(moved, abs(sourceX - Float(x + 4)))
    }
    #expect(moved > 0.5)
  }

  @Test("displacements beyond all floats end at the patch's border")
  func hugeDisplacements() throws {
    let extents = Extents(z: 1, y: 16, x: 16)
    let field = try #require(
      ElasticDeformation(magnitude: 1e308).displacement(
        of: extents, stream: RandomStream(seed: 1, purpose: .augmentation)))
    let region = numbered(extents)
    let images = AlignedBuffer<Float>(count: 2 * extents.count)
    let labels = AlignedBuffer<UInt8>(count: extents.count)
    let values = AlignedBuffer<Float>(count: extents.count)
    let weights = AlignedBuffer<Float>(count: extents.count)
    region.cut(
      Box(extents), patch: extents, PatchTransform(), displacement: field,
      to: .init(images: images.pointer, labels: labels.pointer, values: values.pointer, weights: weights.pointer))
    let isInside = images.buffer.prefix(extents.count).allSatisfy { (0..<Float(extents.count)).contains($0) }
    #expect(isInside)
  }

  @Test("without augmentation the patch lies in the middle of its cell")
  func none() {
    let cell = Box(z: 1..<4, y: 2..<10, x: 3..<12)
    #expect(
      PatchTransform.none(of: Extents(z: 3, y: 4, x: 4), in: cell)
        == PatchTransform(offset: Extents(z: 0, y: 2, x: 2)))
  }
}
