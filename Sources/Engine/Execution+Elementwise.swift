import CKernels

// PReLU and clamping, forward and backward.

extension Execution {
  private func slope(_ prelu: PReLU, _ channel: Int) -> Float {
    parameters.pointer[prelu.weight.offset + (prelu.weight.count == 1 ? 0 : channel)]
  }

  func forward(_ prelu: PReLU) {
    forEachPlane(prelu.target) { target, geometry, sample, channel in
      let source = planes(prelu.source, sample)
      tutti_affine_activation(
        source.row(0, channel: channel), source.geometry.pitch, target, geometry.pitch, Int64(geometry.rows),
        Int32(geometry.nx), 1, 0, 0, TUTTI_LEAKY_RELU, slope(prelu, channel), prelu.border.padding, prelu.border.width)
    }
  }

  func backward(_ prelu: PReLU) {
    guard let gradient = prelu.targetGradient else { return }
    foldHalo(gradient, border: prelu.border)
    let channels = gradient.channels
    forEachPlane(gradient) { g, geometry, sample, channel in
      let source = planes(prelu.source, sample)
      let target = prelu.sourceGradient.map { planes($0, sample) }
      let sum = tutti_prelu_gradient(
        g, geometry.pitch, source.row(0, channel: channel), source.geometry.pitch, target?.row(0, channel: channel),
        target?.geometry.pitch ?? 0, Int64(geometry.rows), Int32(geometry.nx), slope(prelu, channel))
      sums.pointer[sample * channels + channel] = tutti_gradient_sums(g: sum, g_u: 0)
    }
    keepSums(at: prelu.sums, channels: channels)
  }

  func finish(_ prelu: PReLU, _ sums: UnsafePointer<Double>) {
    let gradient = gradients.pointer + prelu.weight.offset
    if prelu.weight.count == 1 {
      var total = 0.0
      for channel in 0..<prelu.source.channels { total += sums[2 * channel] }
      gradient[0] = Float(total)
    } else {
      for channel in 0..<prelu.weight.count { gradient[channel] = Float(sums[2 * channel]) }
    }
  }

  func forward(_ clamp: Clamp) {
    forEachPlane(clamp.target) { target, geometry, sample, channel in
      let source = planes(clamp.source, sample)
      tutti_clamp_rows(
        source.row(0, channel: channel), source.geometry.pitch, target, geometry.pitch, Int64(geometry.rows),
        Int32(geometry.nx), clamp.minimum, clamp.maximum)
      fillHalo(planes(clamp.target, sample), channel, clamp.border)
    }
  }

  func backward(_ clamp: Clamp) {
    guard let gradient = clamp.targetGradient, let sourceGradient = clamp.sourceGradient else { return }
    foldHalo(gradient, border: clamp.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      let source = planes(clamp.source, sample)
      let target = planes(sourceGradient, sample)
      tutti_clamp_rows_gradient(
        g, geometry.pitch, source.row(0, channel: channel), source.geometry.pitch, target.row(0, channel: channel),
        target.geometry.pitch, Int64(geometry.rows), Int32(geometry.nx), clamp.minimum, clamp.maximum)
    }
  }
}
