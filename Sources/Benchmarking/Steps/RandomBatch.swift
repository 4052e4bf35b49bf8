import Engine
import Host
import Training

/// One batch of random images and labels, the same in every step.
final class RandomBatch: BatchSource {
  let samplesPerEpoch: Int
  private let images: AlignedBuffer<Float>
  private let labels: AlignedBuffer<UInt8>
  private let imageCount: Int
  private let pixels: Int

  /// - Parameters:
  ///   - channels: of an image; its values lie evenly between −√3 and √3, of variance 1.
  ///   - classes: of which every pixel has one.
  init(samples: Int, channels: Int, pixels: Int, classes: Int) {
    samplesPerEpoch = samples
    self.pixels = pixels
    imageCount = channels * pixels
    images = AlignedBuffer(count: samples * imageCount)
    labels = AlignedBuffer(count: samples * pixels)
    var random = SystemRandomNumberGenerator()
    let bound = Float(3).squareRoot()
    for index in 0..<images.count { images.pointer[index] = Float.random(in: -bound...bound, using: &random) }
    for index in 0..<labels.count { labels.pointer[index] = UInt8.random(in: 0..<UInt8(classes), using: &random) }
  }

  func load(image: FeaturePlanes, sample: Int) {
    image.setPixels(UnsafeBufferPointer(start: images.pointer + sample * imageCount, count: imageCount))
  }

  func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
    load(image: image, sample: position)
    target.labels.update(from: labels.pointer + position * pixels, count: pixels)
  }
}
