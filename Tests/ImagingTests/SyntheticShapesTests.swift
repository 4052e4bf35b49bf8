import Foundation
import HDF5
import Testing

@testable import Imaging

@Suite("Synthetic shapes")
struct SyntheticShapesTests {
  @Test("mean areas are those of the definitions, and shapes stay within the image but for corners of triangles")
  func areas() {
    let shapes = SyntheticShapes(images: 1200, side: 32)
    var area = [0.0, 0, 0, 0]
    var touching = 0
    for number in 0..<1200 {
      let image = shapes.image(number)
      area[image.kind] += Double(image.clean.reduce(0, +)) / 1024 / 300
      let border = (0..<32).flatMap { (i: Int) -> [Int] in [i, 31 * 32 + i, 32 * i, 32 * i + 31] }
      let touches = border.contains { image.clean[$0] > 0 }
      if touches {
        touching += 1
        #expect(image.kind == 2)
      }
      for (clean, noisy) in zip(image.clean, image.noisy) { #expect((0...0.5).contains(noisy - clean)) }
    }
    // 4·0.15·0.35, π·E[ρ²], 2·E[h²] and π·E[ρ²]·E[1 − (1 − f)²] of the uniform ranges; figures of DLSIA's own: .208,
    // .219, .115, .148.
    for (value, expected) in zip(area, [0.210, 0.220, 0.112, 0.152]) { #expect(abs(value - expected) < 0.025) }
    #expect(touching < 40)
  }

  @Test("an image is the same whatever others are made, and its file holds what it says")
  func file() throws {
    let shapes = SyntheticShapes(images: 8, side: 16, noise: 0.2, seed: 3)
    #expect(shapes.image(5) == SyntheticShapes(images: 100, side: 16, noise: 0.2, seed: 3).image(5))
    #expect(shapes.image(5) != SyntheticShapes(images: 8, side: 16, noise: 0.2, seed: 4).image(5))
    let scratch = try Scratch()
    let path = scratch.folder + "/shapes.h5"
    try shapes.write(to: path, overwriting: false)
    let file = try File(opening: path)
    #expect(try file.read("kinds", as: Int.self) == [0, 1, 2, 3, 0, 1, 2, 3])
    let labels = try file.read("labels", as: Int.self)
    let clean = try file.read("clean", as: Float.self)
    for i in labels.indices { #expect(labels[i] == (clean[i] > 0 ? 1 + i / 256 % 4 : 0)) }
    #expect(try file.dataset("images").shape == [8, 16, 16])
  }
}
