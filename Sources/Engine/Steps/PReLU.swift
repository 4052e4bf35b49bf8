import CKernels

/// PReLU: a leaky ReLU with trained slopes.
struct PReLU: Ported {
  var ports: Ports
  /// One slope, or one a channel.
  var weight: Slice
  /// Offset of two late sums a channel, of which it needs the first.
  var sums: Int
}

extension PlanCompiler {
  mutating func makePReLU(_ node: Int, _ ports: Ports) -> PReLU {
    guard let weight = parameter(node, "weight") else { preconditionFailure("a PReLU has slopes") }
    sizes.partials = max(sizes.partials, ports.target.channels)
    return PReLU(ports: ports, weight: weight, sums: reserveLateSums(ports.target.channels))
  }
}

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
}
