import CKernels
import Host

// Gradients of weights: one for each shard, whose samples are added in order; then the shards' are added along a binary
// tree.

extension Execution {
  func weightGradients(_ group: StageGroup) {
    if let recomputation = plan.stages[group.stages.lowerBound].recomputation { recompute(recomputation) }
    rowGradients(group)
    filteredWeightGradients(group)
    for id in group.stages {
      let stage = plan.stages[id]
      guard let product = stage.product, let gradient = stage.targetGradient else { continue }
      let source = stage.recomputation?.place ?? stage.source
      let wide = product.transposed ? gradient : source
      let narrow = product.transposed ? source : gradient
      let count = product.weight.count
      let weights = shardWeights.pointer + product.groupWeight * shards
      switch product.gradientAlgorithm {
      case .channels, .winograd:
        guard product.joinsShards else {
          channelGradient(product, wide: wide, narrow: narrow)
          exchange?.add(product.weight.range)
          continue
        }
        channelGradientsOfShards(product, wide: wide, narrow: narrow, result: weights)
      case .rows, .filtering: break
      case .matrix:
        team.run(count: shards) { shard, thread in
          for sample in samples(of: shard) {
            matrixWeightGradient(
              product, wide: planes(wide, sample), narrow: planes(narrow, sample), result: weights + shard * count,
              accumulate: sample > shard * samplesPerShard, thread: thread)
          }
        }
      }
      joinShards(weights, product)
      exchange?.add(product.weight.range)
    }
  }

  /// Calls `body` with each subtree of the tree over shards that this process sums, and the memory of its gradients.
  /// Without an exchange that is the whole tree.
  private func forEachSubtree(_ body: (_ shards: Range<Int>, _ gradients: UnsafeMutablePointer<Float>) -> Void) {
    guard let exchange else { return body(0..<shards, gradients.pointer) }
    for index in 0..<exchange.subtreeCount {
      body(exchange.subtree(index), gradients.pointer + index * gradients.count)
    }
  }

  /// The gradients of all shards for the products whose kernels have pixels in lanes: a few source channels at a time,
  /// which are in cache for all stages.
  private func rowGradients(_ group: StageGroup) {
    guard shards > 0, group.recomputedSource == nil, group.virtualSource == nil,
      plan.stages[group.stages.lowerBound].product != nil
    else { return }
    // How channels are cut into pieces changes no sum: every weight is summed in one order.
    let channels = group.sourceChannels
    let wanted = max((channels + group.gradientChunk - 1) / group.gradientChunk, 4 * team.size / shards)
    let pieces = min(channels, max(1, wanted))
    team.run(count: shards * pieces) { piece, _ in
      let (shard, part) = piece.quotientAndRemainder(dividingBy: pieces)
      for id in group.stages {
        rowGradient(
          plan.stages[id], shard: shard, sources: part * channels / pieces..<(part + 1) * channels / pieces)
      }
    }
  }

  /// One shard's gradient of a product's weights for some source channels.
  private func rowGradient(_ stage: Stage, shard: Int, sources: Range<Int>) {
    guard stage.product?.gradientAlgorithm == .rows else { return }
    let last = min(sources.upperBound, stage.source.channels)
    guard sources.lowerBound < last else { return }
    for sample in samples(of: shard) {
      rowGradient(
        stage, planes(stage.recomputation?.place ?? stage.source, sample), shard: shard, sample,
        sources.lowerBound..<last)
    }
  }

  /// Adds a sample's part to a shard's gradient for some source channels; stores it for the first sample.
  func rowGradient(_ stage: Stage, _ source: FeaturePlanes, shard: Int, _ sample: Int, _ sources: Range<Int>) {
    guard let product = stage.product, let gradient = stage.targetGradient else { return }
    var job = weightJob(product, source: source, gradient: planes(gradient, sample))
    job.accumulate = sample > shard * samplesPerShard
    job.result =
      shardWeights.pointer + product.groupWeight * shards + shard * product.weight.count
      + sources.lowerBound * product.taps
    job.result_stride = source.channels * product.taps
    tutti_convolution_weight_gradient(
      &job, 0, Int32(product.narrow.channels), Int32(sources.lowerBound), Int32(sources.upperBound))
  }

  func samples(of shard: Int) -> Range<Int> {
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
      y_taps: Int32(product.yTaps), x_taps: Int32(product.xTaps), x_shift: product.xShifts,
      x_step: Int32(product.xStride), accumulate: false, result: nil, result_stride: 0)
  }

  /// Adds the shards' gradients along the tree, a piece of the weights at a time.
  private func joinShards(_ shardWeights: UnsafeMutablePointer<Float>, _ product: Product) {
    let (piece, count) = (16384, product.weight.count)
    forEachSubtree { tree, gradients in
      let weights = shardWeights + tree.lowerBound * count
      team.run(count: (count + piece - 1) / piece) { index, _ in
        let first = index * piece
        let length = min(piece, count - first)
        foldShards(count: tree.count) { left, right in
          tutti_add(weights + left * count + first, weights + right * count + first, length)
        }
        (gradients + product.weight.offset + first).update(from: weights + first, count: length)
      }
    }
  }

  // MARK: Piece by piece

  /// The gradients of all shards, side by side.
  private func channelGradientsOfShards(
    _ product: Product, wide: Place, narrow: Place, result: UnsafeMutablePointer<Float>
  ) {
    let pieces = GradientPieces(product)
    team.run(count: shards * pieces.count) { index, thread in
      let (shard, piece) = index.quotientAndRemainder(dividingBy: pieces.count)
      let place = pieces.place(piece)
      channelGradient(
        product, wide: wide, narrow: narrow, shard: shard, piece: pieces[piece],
        result: result + shard * product.weight.count + place, stride: pieces.stride, accumulates: false, thread: thread
      )
    }
  }

  /// A shard's gradient of the weights of one piece.
  private func channelGradient(
    _ product: Product, wide: Place, narrow: Place, shard: Int, piece: (targets: Range<Int>, sources: Range<Int>),
    result: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool, thread: Int
  ) {
    for sample in samples(of: shard) {
      var job = weightJob(product, source: planes(wide, sample), gradient: planes(narrow, sample))
      job.accumulate = accumulates || sample > shard * samplesPerShard
      (job.result, job.result_stride) = (result, stride)
      let (targets, sources) = (piece.targets, piece.sources)
      if product.gradientAlgorithm == .winograd {
        tutti_winograd_weight_gradient(
          &job, Int32(targets.lowerBound), Int32(targets.upperBound), Int32(sources.lowerBound),
          Int32(sources.upperBound), scratch.pointer + thread * plan.sizes.scratchFloats)
      } else {
        tutti_channel_weight_gradient(
          &job, Int32(targets.lowerBound), Int32(targets.upperBound), Int32(sources.lowerBound),
          Int32(sources.upperBound))
      }
    }
  }

  /// Operands, besides the result itself, that adding along the tree over shards holds at a time.
  static func levels(shards: Int) -> Int { Int.bitWidth - shards.leadingZeroBitCount - 1 }

  /// Computes a piece of the weights for all samples and adds it along the whole tree over shards while it is in cache.
  private func channelGradient(_ product: Product, wide: Place, narrow: Place) {
    let pieces = GradientPieces(product)
    let levels = Self.levels(shards: capacity / samplesPerShard)
    forEachSubtree { tree, gradients in
      team.run(count: pieces.count) { index, thread in
        let piece = pieces[index]
        let columns = piece.sources.count * product.taps
        let result = gradients + product.weight.offset + pieces.place(index)
        let stack = pieceWeights.pointer + thread * levels * plan.sizes.largestPiece
        func operand(_ place: Int) -> (pointer: UnsafeMutablePointer<Float>, stride: Int) {
          place == 0 ? (result, pieces.stride) : (stack + (place - 1) * plan.sizes.largestPiece, columns)
        }
        // The kernel adds a shard of one sample directly to its left sibling: that is the same one addition.
        let joinsAtOnce = samplesPerShard == 1
        foldShardsDepthFirst(
          count: tree.count,
          leaf: { shard, place in
            let joins = joinsAtOnce && shard % 2 == 1
            let to = operand(joins ? place - 1 : place)
            channelGradient(
              product, wide: wide, narrow: narrow, shard: tree.lowerBound + shard, piece: piece, result: to.pointer,
              stride: to.stride, accumulates: joins, thread: thread)
          },
          join: { left, right, isLeaf in
            if isLeaf && joinsAtOnce { return }
            let (l, r) = (operand(left), operand(right))
            for target in 0..<piece.targets.count {
              tutti_add(l.pointer + target * l.stride, r.pointer + target * r.stride, columns)
            }
          })
      }
    }
  }
}
