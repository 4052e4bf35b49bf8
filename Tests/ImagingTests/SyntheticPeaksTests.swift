import Foundation
import HDF5
import Host
import Testing

@testable import Imaging

@Suite("Synthetic peaks")
struct SyntheticPeaksTests {
  @Test("a clean image sums up to its peaks' volumes, noise has the standard deviation 1", arguments: [1, 24])
  func sums(depth: Int) {
    let sigma = 1.5
    let images = depth > 1 ? 1 : 40
    let set = SyntheticPeaks(
      images: images, extents: Extents(z: depth, y: 60, x: 70), peaks: 6, sigma: sigma, signal: 2...4)
    var (sum, noise, square, pixels) = (0.0, 0.0, 0.0, 0)
    for number in 0..<images {
      let image = set.image(number)
      sum += image.clean.reduce(0) { $0 + Double($1) }
      for (clean, noisy) in zip(image.clean, image.noisy) {
        noise += Double(noisy - clean)
        square += Double(noisy - clean) * Double(noisy - clean)
        pixels += 1
      }
      // The labels are where the peaks are high.
      let marked = image.labels.indices.filter { image.labels[$0] == 1 }
      #expect(!marked.isEmpty && marked.allSatisfy { image.clean[$0] >= 2 * Float(exp(-0.5)) - 1e-3 })
    }
    // a·(2π)^(d/2)·σ^d, less what lies beyond the border.
    let volume = 3 * pow(2 * Double.pi * sigma * sigma, depth > 1 ? 1.5 : 1)
    let share = sum / Double(6 * images) / volume
    #expect(share > 0.6 && share < 1.25, "\(share)")
    #expect(abs(noise / Double(pixels)) < 0.02 && abs(square / Double(pixels) - 1) < 0.03)
  }

  @Test("an image is the same whatever others are made, and its file holds what it says")
  func file() throws {
    let set = SyntheticPeaks(images: 3, extents: Extents(y: 20, x: 16), seed: 4)
    #expect(set.image(2) == SyntheticPeaks(images: 9, extents: Extents(y: 20, x: 16), seed: 4).image(2))
    #expect(set.image(2) != SyntheticPeaks(images: 3, extents: Extents(y: 20, x: 16), seed: 5).image(2))
    let scratch = try Scratch()
    let path = scratch.folder + "/peaks.h5"
    try set.write(to: path, overwriting: false)
    let file = try File(opening: path)
    #expect(try file.dataset("images").shape == [3, 20, 16])
    #expect(try Array(file.read("labels", as: UInt8.self).suffix(320)) == set.image(2).labels)
    let volume = SyntheticPeaks(images: 1, extents: Extents(z: 5, y: 6, x: 7))
    try volume.write(to: scratch.folder + "/volume.h5", overwriting: false)
    #expect(try File(opening: scratch.folder + "/volume.h5").dataset("clean").shape == [5, 6, 7])
  }
}
