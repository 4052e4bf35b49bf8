import Engine
import Host

@testable import Training

/// A loss of outputs and targets that are given as arrays.
struct LossTrial {
  var loss: any Loss
  var kind: TargetKind
  /// `[z, y, x]`, perhaps with fewer axes.
  var extents: [Int]
  var channels: Int
  /// `[sample, channel, z, y, x]`.
  var output: [Float]
  /// `[sample, z, y, x]`.
  var labels: [UInt8] = []
  /// `[sample, channel, z, y, x]`.
  var values: [Float] = []
  /// `[sample, z, y, x]`.
  var weights: [Float] = []

  private var pixels: Int { extents.reduce(1, *) }
  var samples: Int { output.count / (channels * pixels) }

  /// Value and derivative, by way of the sums of shards of so many samples.
  func run(samplesPerShard: Int = 1) throws -> (value: Double, gradient: [Float]) {
    try loss.check(target: kind, channels: channels)
    let padded = Array(repeating: 1, count: 3 - extents.count) + extents
    let geometry = PlaneGeometry(channels: channels, nz: padded[0], ny: padded[1], nx: padded[2], halo: 1)
    let buffer = AlignedBuffer<Float>(count: (2 * samples + loss.scratchPlanes) * geometry.sampleStride)
    func planes(_ index: Int) -> FeaturePlanes {
      FeaturePlanes(
        base: buffer.pointer + index * geometry.sampleStride + geometry.lead, geometry: geometry, channels: channels)
    }
    let targets = TargetBuffer(kind, pixels: pixels, samples: samples)
    for index in labels.indices where kind.hasLabels { targets[0].labels[index] = labels[index] }
    for index in values.indices where kind.channels > 0 { targets[0].values[index] = values[index] }
    for index in weights.indices { targets[0].weights[index] = weights[index] }
    output.withUnsafeBufferPointer { output in
      let size = channels * pixels
      for sample in 0..<samples {
        planes(sample).setPixels(UnsafeBufferPointer(rebasing: output[sample * size..<(sample + 1) * size]))
      }
    }
    func sample(_ index: Int) -> LossSample {
      LossSample(
        output: planes(index), target: targets[index], gradient: planes(samples + index),
        scratch: buffer.pointer + 2 * samples * geometry.sampleStride)
    }
    let width = loss.width(channels: channels)
    let sums = AlignedBuffer<Double>(count: width * samples)
    let part = AlignedBuffer<Double>(count: width)
    let shards = (samples + samplesPerShard - 1) / samplesPerShard
    for shard in 0..<shards {
      for index in shard * samplesPerShard..<min(samples, (shard + 1) * samplesPerShard) {
        loss.writeSums(sample(index), to: part.pointer)
        for k in 0..<width { sums.pointer[width * shard + k] += part.pointer[k] }
      }
    }
    LocalShards().reduce(sums.pointer, shards: shards, width: width) { left, right in
      for k in 0..<width { left[k] += right[k] }
    }
    for index in 0..<samples { loss.derive(sample(index), sums: sums.pointer) }
    return (
      loss.value(sums: sums.pointer, channels: channels), (0..<samples).flatMap { planes(samples + $0).pixels() }
    )
  }

  /// The derivative by central differences of the value, element by element.
  func differences(step: Float = 1.0 / 256) throws -> [Float] {
    try output.indices.map { index in
      var shifted = self
      shifted.output[index] = output[index] + step
      let above = try shifted.run().value
      shifted.output[index] = output[index] - step
      return Float((above - (try shifted.run().value)) / (2 * Double(step)))
    }
  }

  /// The same with values on a grid, and outputs between its points, no two of which are alike within a few steps.
  func onGrid(of unit: Float) -> LossTrial {
    var result = self
    result.values = values.map { ($0 / unit).rounded() * unit }
    result.output = output.enumerated().map { index, value in
      ((value / unit / 4).rounded() * 4 + 0.5 + Float(index % 3)) * unit
    }
    return result
  }
}
