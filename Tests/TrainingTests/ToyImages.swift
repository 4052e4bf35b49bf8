import Engine
import TestSupport

@testable import Training

/// Noisy images of waves with the sign of the wave as label: learnable, and from few images by heart.
final class ToyImages: BatchSource {
  let samplesPerEpoch: Int
  let pixels: Int
  /// `[sample, z, y, x]`.
  var images: [Float] = []
  var labels: [UInt8] = []

  init(samples: Int, extents: [Int], noise: Float = 0.5, seed: UInt64 = 3) {
    samplesPerEpoch = samples
    pixels = extents.reduce(1, *)
    var random = TestRandom(seed)
    for _ in 0..<samples {
      let slopes = extents.map { _ in 0.5 * random.uniform() }
      let phase = 3 * random.uniform()
      for pixel in 0..<pixels {
        var rest = pixel
        var angle = phase
        for (axis, extent) in extents.enumerated().reversed() {
          angle += slopes[axis] * Float(rest % extent)
          rest /= extent
        }
        // A wave of period 2π by its parabola, without a library's sine.
        let turn = angle / (2 * .pi) - (angle / (2 * .pi)).rounded(.down)
        let wave = turn < 0.5 ? 16 * turn * (0.5 - turn) : -16 * (turn - 0.5) * (1 - turn)
        images.append(wave + noise * random.uniform())
        labels.append(wave > 0 ? 1 : 0)
      }
    }
  }

  func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
    images.withUnsafeBufferPointer {
      image.setPixels(UnsafeBufferPointer(rebasing: $0[position * pixels..<(position + 1) * pixels]))
    }
    for pixel in 0..<pixels {
      let index = position * pixels + pixel
      if target.kind.hasLabels { target.labels[pixel] = labels[index] }
      for channel in 0..<target.kind.channels { target.values[channel * pixels + pixel] = images[index] }
      if target.kind.hasWeights { target.weights[pixel] = pixel % 5 == 0 ? 0 : 1 }
    }
  }
}
