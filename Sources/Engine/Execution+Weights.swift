import CKernels
import Tensors

// Gradients of weights: one for each shard, samples in order; then along the tree over shards.

extension Execution {
  func weightGradient(_ product: Product, _ stage: Stage, _ gradient: Place) {
    let count = product.weight.count
    let wide = product.transposed ? gradient : stage.source
    let narrow = product.transposed ? stage.source : gradient
    switch product.algorithm {
    case .direct where shards > 0:
      // The cut into pieces is free: every weight is summed in one order.
      let channels = product.wide.channels
      let pieces = min(channels, max(1, 4 * team.size / shards))
      team.run(count: shards * pieces) { piece, _ in
        let (shard, part) = piece.quotientAndRemainder(dividingBy: pieces)
        for sample in samples(of: shard) {
          var job = weightJob(product, source: planes(wide, sample), gradient: planes(narrow, sample))
          job.accumulate = sample > shard * samplesPerShard
          job.result = shardWeights.pointer + shard * count
          tutti_convolution_weight_gradient(
            &job, 0, Int32(product.narrow.channels), Int32(part * channels / pieces),
            Int32((part + 1) * channels / pieces))
        }
      }
    case .direct: break
    case .matrix:
      team.run(count: shards) { shard, thread in
        for sample in samples(of: shard) {
          matrixWeightGradient(
            product, wide: planes(wide, sample), narrow: planes(narrow, sample),
            result: shardWeights.pointer + shard * count, accumulate: sample > shard * samplesPerShard, thread: thread)
        }
      }
    }
    if let exchange {
      let first = product.weight.offset
      exchange.add(shardWeights.pointer, first..<first + count, team: team)
    } else {
      joinShards(count: count, into: gradients.pointer + product.weight.offset)
    }
  }

  private func samples(of shard: Int) -> Range<Int> {
    shard * samplesPerShard..<min(samples, (shard + 1) * samplesPerShard)
  }

  private func weightJob(_ product: Product, source: FeaturePlanes, gradient: FeaturePlanes) -> tutti_weight_gradient {
    tutti_weight_gradient(
      source: source.base, source_channel_stride: source.geometry.channelStride,
      source_channels: Int32(source.channels), source_rows: Int32(source.geometry.ny),
      source_pitch: Int32(source.geometry.pitch), gradient: gradient.base,
      gradient_channel_stride: gradient.geometry.channelStride, gradient_rows: Int32(gradient.geometry.ny),
      gradient_planes: Int32(gradient.geometry.nz), gradient_pitch: Int32(gradient.geometry.pitch),
      width: Int32(gradient.geometry.nx), z: product.z, y: product.y, z_taps: Int32(product.zTaps),
      y_taps: Int32(product.yTaps), x_taps: Int32(product.xTaps), x_shift: product.xShifts, accumulate: false,
      result: nil)
  }

  /// Adds the shards' gradients along the tree, piece by piece of the weights.
  private func joinShards(count: Int, into result: UnsafeMutablePointer<Float>) {
    let piece = 16384
    team.run(count: (count + piece - 1) / piece) { index, _ in
      let first = index * piece
      let length = min(piece, count - first)
      foldShards(count: shards) { left, right in
        tutti_add(
          shardWeights.pointer + left * count + first, shardWeights.pointer + right * count + first, length)
      }
      (result + first).update(from: shardWeights.pointer + first, count: length)
    }
  }
}
