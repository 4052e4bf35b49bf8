import CKernels
import Host

// Pooling, softmax, dropout and copies, forward and backward.

extension Execution {
  func fillHalo(_ planes: FeaturePlanes, _ channel: Int, _ border: Border) {
    guard border.width > 0 else { return }
    tutti_fill_halo(
      planes.row(0, channel: channel), Int64(planes.geometry.rows), planes.geometry.pitch, Int32(planes.geometry.nx),
      border.padding, border.width)
  }

  // MARK: Max pooling

  private func choices(_ pooling: Pooling, _ sample: Int, _ channel: Int) -> UnsafeMutablePointer<Int32> {
    (UnsafeMutableRawPointer(address(pooling.choices, sample)) + 4 * channel * pooling.target.geometry.pixels)
      .assumingMemoryBound(to: Int32.self)
  }

  func forward(_ pooling: Pooling) {
    forEachPlane(pooling.target) { target, geometry, sample, channel in
      let source = planes(pooling.source, sample)
      tutti_max_pool(
        source.row(0, channel: channel), Int32(source.geometry.ny), Int32(source.geometry.pitch), target,
        Int32(geometry.pitch), Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx), Int32(pooling.kernel.z),
        Int32(pooling.kernel.y), Int32(pooling.kernel.x), Int32(pooling.stride.z), Int32(pooling.stride.y),
        Int32(pooling.stride.x), choices(pooling, sample, channel))
      fillHalo(planes(pooling.target, sample), channel, pooling.border)
    }
  }

  func backward(_ pooling: Pooling) {
    guard let gradient = pooling.targetGradient, let sourceGradient = pooling.sourceGradient else { return }
    foldHalo(gradient, border: pooling.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      tutti_max_pool_gradient(
        g, Int32(geometry.pitch), Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx),
        choices(pooling, sample, channel), planes(sourceGradient, sample).row(0, channel: channel))
    }
  }

  // MARK: Softmax

  func forward(_ softmax: Softmax) {
    team.run(count: samples) { sample, _ in
      let source = planes(softmax.source, sample)
      let target = planes(softmax.target, sample)
      tutti_softmax(
        source.base, source.geometry.channelStride, source.geometry.pitch, target.base, target.geometry.channelStride,
        target.geometry.pitch, Int32(source.channels), Int64(source.geometry.rows), Int32(source.geometry.nx),
        softmax.logarithm)
      for channel in 0..<target.channels { fillHalo(target, channel, softmax.border) }
    }
  }

  func backward(_ softmax: Softmax) {
    guard let gradient = softmax.targetGradient, let sourceGradient = softmax.sourceGradient else { return }
    foldHalo(gradient, border: softmax.border)
    team.run(count: samples) { sample, _ in
      let y = planes(softmax.target, sample)
      let g = planes(gradient, sample)
      let gx = planes(sourceGradient, sample)
      tutti_softmax_gradient(
        y.base, y.geometry.channelStride, y.geometry.pitch, g.base, g.geometry.channelStride, g.geometry.pitch, gx.base,
        gx.geometry.channelStride, gx.geometry.pitch, Int32(y.channels), Int64(y.geometry.rows), Int32(y.geometry.nx),
        softmax.logarithm, true)
    }
  }

  // MARK: Dropout

  func forward(_ dropout: Dropout) {
    guard let key = randomKey else { preconditionFailure("dropout needs a key for its random numbers") }
    forEachPlane(dropout.target) { target, geometry, sample, channel in
      let source = planes(dropout.source, sample)
      let factors = planes(dropout.factors, sample)
      var random = RandomStream(
        seed: key.seed, purpose: .dropout, keys: key.member, key.step, UInt64(key.firstSample + sample), dropout.key,
        UInt64(channel))
      let scale = 1 / (1 - dropout.rate)
      for row in 0..<geometry.rows {
        let from = source.row(row, channel: channel)
        let factor = factors.row(row, channel: channel)
        let to = target + row * geometry.pitch
        for x in 0..<geometry.nx {
          factor[x] = random.uniform() < dropout.rate ? 0 : scale
          to[x] = from[x] * factor[x]
        }
      }
      fillHalo(planes(dropout.target, sample), channel, dropout.border)
    }
  }

  func backward(_ dropout: Dropout) {
    guard let gradient = dropout.targetGradient, let sourceGradient = dropout.sourceGradient else { return }
    foldHalo(gradient, border: dropout.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      let factors = planes(dropout.factors, sample)
      let target = planes(sourceGradient, sample)
      for row in 0..<geometry.rows {
        let factor = factors.row(row, channel: channel)
        let to = target.row(row, channel: channel)
        for x in 0..<geometry.nx { to[x] += g[row * geometry.pitch + x] * factor[x] }
      }
    }
  }

  // MARK: Copies

  func forward(_ copy: Copy) {
    forEachPlane(copy.target) { target, geometry, sample, channel in
      let source = planes(copy.source, sample)
      tutti_copy_rows(
        source.row(0, channel: channel), source.geometry.pitch, target, geometry.pitch, Int64(geometry.rows),
        Int32(geometry.nx), copy.factor, copy.accumulates)
      fillHalo(planes(copy.target, sample), channel, copy.border)
    }
  }

  func backward(_ copy: Copy) {
    guard let gradient = copy.targetGradient, let sourceGradient = copy.sourceGradient else { return }
    foldHalo(gradient, border: copy.border)
    addPlanes(from: gradient, to: sourceGradient, factor: copy.factor)
  }

  /// Adds gradient planes to those of the value they came from.
  func addPlanes(from gradient: Place, to sourceGradient: Place, factor: Float = 1) {
    forEachPlane(gradient) { g, geometry, sample, channel in
      let target = planes(sourceGradient, sample)
      tutti_copy_rows(
        g, geometry.pitch, target.row(0, channel: channel), target.geometry.pitch, Int64(geometry.rows),
        Int32(geometry.nx), factor, true)
    }
  }
}
