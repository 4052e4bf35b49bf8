import Host
import TestSupport
import Testing

@testable import Imaging

@Suite struct PlaneTests {
  private let extents = Extents(z: 3, y: 4, x: 5)

  @Test(arguments: Plane.allCases)
  func `what is seen in a plane goes back to where it was`(plane: Plane) {
    #expect(plane.volume(plane.view(extents)) == extents)
    #expect(plane.view(Box(extents)) == Box(plane.view(extents)))
  }

  @Test(arguments: Plane.allCases)
  func `a patch of a plane shows the voxels of its slice`(plane: Plane) {
    let region = LearningRegion(
      region: Region(image: 0, z: 0..<3, height: 4, width: 5), channels: 1,
      content: TargetContent(labels: .none, channels: 0, hasWeights: false))
    // A voxel's value tells its place.
    for z in 0..<3 {
      for y in 0..<4 { for x in 0..<5 { region.images.pointer[(z * 4 + y) * 5 + x] = Float(100 * z + 10 * y + x) } }
    }
    let view = plane.view(extents)
    let patch = Extents(z: 1, y: view.y - 1, x: view.x - 2)
    let augmentation = PatchTransform(offset: Extents(z: 1, y: 1, x: 2), flipsY: true)
    var pixels = [Float](repeating: -1, count: patch.count)
    var none: [UInt8] = [0]
    pixels.withUnsafeMutableBufferPointer { pixels in
      none.withUnsafeMutableBufferPointer { none in
        guard let pixels = pixels.baseAddress, let none = none.baseAddress else { return }
        region.cut(
          Box(view), in: plane, patch: patch, augmentation,
          to: LearningRegion.Patch(images: pixels, labels: none, values: pixels, weights: pixels))
      }
    }
    let expected = (0..<patch.y).flatMap { row in
      (0..<patch.x).map { column -> Float in
        let place = plane.volume(slice: 1, row: 1 + patch.y - 1 - row, column: 2 + column)
        return Float(100 * place.z + 10 * place.y + place.x)
      }
    }
    #expect(pixels == expected)
  }

  @Test func `the span of patches has room for each`() {
    let patch = Extents(y: 6, x: 8)
    #expect([Plane]().span(of: patch) == patch)
    #expect([Plane.xy].span(of: patch) == Extents(z: 1, y: 6, x: 8))
    #expect([Plane.xz].span(of: patch) == Extents(z: 6, y: 1, x: 8))
    #expect(Plane.allCases.span(of: patch) == Extents(z: 6, y: 8, x: 8))
  }
}
