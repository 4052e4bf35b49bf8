import CKernels
import Host
import Networks

/// Group normalization and the activation that follows. Its statistics are those of one sample, so that the forward
/// pass exchanges nothing; the gradients of weight and bias are sums over the batch. The backward pass turns the
/// target's gradient in place into the one before the activation.
struct GroupNormalizationStep: Ported {
  var ports: Ports
  /// Nil when the normalization is not affine.
  var weight: Slice?
  var bias: Slice?
  var groups: Int
  var epsilon: Double
  /// Buffer of each group's mean and inverse deviation.
  var moments: BufferID
  var activation: tutti_activation
  var activationParameter: Float
  /// Offset of two late sums a channel.
  var sums: Int
}

extension PlanCompiler {
  mutating func makeGroupNormalization(
    _ node: Int, activation: Int?, _ ports: Ports, _ step: StepID
  ) -> GroupNormalizationStep {
    guard case .groupNormalization(let settings) = graph.nodes[node].operation else {
      preconditionFailure("a group normalization")
    }
    let groups = settings.groups ?? ports.source.channels
    let (activation, parameter) = activation.map(activationKind) ?? (TUTTI_IDENTITY, 0)
    sizes.partials = max(sizes.partials, ports.target.channels)
    return GroupNormalizationStep(
      ports: ports, weight: self.parameter(node, "weight"), bias: self.parameter(node, "bias"), groups: groups,
      epsilon: settings.epsilon,
      moments: addBuffer(
        ports.target.plainGeometry, floats: 2 * groups, first: step.number,
        last: training ? backwardTime(step) : step.number),
      activation: activation, activationParameter: parameter,
      sums: settings.affine ? reserveLateSums(ports.target.channels) : 0)
  }
}

extension Execution {
  /// A group's mean and inverse standard deviation.
  private func moments(_ step: GroupNormalizationStep, _ sample: Int, _ group: Int) -> UnsafeMutablePointer<Float> {
    address(step.moments, sample) + 2 * group
  }

  private func weight(_ step: GroupNormalizationStep, _ channel: Int) -> Float {
    step.weight.map { parameters.pointer[$0.offset + channel] } ?? 1
  }

  private func bias(_ step: GroupNormalizationStep, _ channel: Int) -> Float {
    step.bias.map { parameters.pointer[$0.offset + channel] } ?? 0
  }

  func forward(_ step: GroupNormalizationStep) {
    let width = step.source.channels / step.groups
    team.run(count: samples * step.groups) { piece, _ in
      let (sample, group) = piece.quotientAndRemainder(dividingBy: step.groups)
      let source = planes(step.source, sample)
      let target = planes(step.target, sample)
      let (rows, nx) = (Int64(source.geometry.rows), Int32(source.geometry.nx))
      var merged = tutti_moments()
      for channel in group * width..<(group + 1) * width {
        merge(&merged, tutti_row_moments(source.row(0, channel: channel), rows, source.geometry.pitch, nx))
      }
      let inverse = 1 / (merged.m2 / merged.count + step.epsilon).squareRoot()
      let kept = moments(step, sample, group)
      (kept[0], kept[1]) = (Float(merged.mean), Float(inverse))
      for channel in group * width..<(group + 1) * width {
        tutti_affine_activation(
          source.row(0, channel: channel), source.geometry.pitch, target.row(0, channel: channel),
          target.geometry.pitch,
          rows, nx, weight(step, channel) * kept[1], kept[0], bias(step, channel), step.activation,
          step.activationParameter, step.border.padding, step.border.width)
      }
    }
  }

  /// With m values in a group, û = (u − mean) · inverse and h = weight · g: the input's gradient is
  /// inverse · (h − Σ h / m − û · Σ (h · û) / m).
  func backward(_ step: GroupNormalizationStep) {
    guard let gradient = step.targetGradient else { return }
    foldHalo(gradient, border: step.border)
    let channels = gradient.channels
    let width = channels / step.groups
    team.run(count: samples * step.groups) { piece, _ in
      let (sample, group) = piece.quotientAndRemainder(dividingBy: step.groups)
      let g = planes(gradient, sample)
      let u = planes(step.source, sample)
      let (rows, nx) = (Int64(g.geometry.rows), Int32(g.geometry.nx))
      let kept = moments(step, sample, group)
      let (mean, inverse) = (kept[0], Double(kept[1]))
      var (total, totalU) = (0.0, 0.0)
      for channel in group * width..<(group + 1) * width {
        var sum = tutti_activation_gradient(
          g.row(0, channel: channel), g.geometry.pitch, u.row(0, channel: channel), u.geometry.pitch, rows, nx,
          weight(step, channel) * kept[1], mean, bias(step, channel), step.activation, step.activationParameter,
          tutti_gradient_halo(padding: TUTTI_ZEROS, folded: 0, zeroed: 0), true)
        sum.g_u *= inverse
        sums.pointer[sample * channels + channel] = sum
        total += Double(weight(step, channel)) * sum.g
        totalU += Double(weight(step, channel)) * sum.g_u
      }
      guard let sourceGradient = step.sourceGradient else { return }
      let target = planes(sourceGradient, sample)
      let count = Double(width * g.geometry.pixels)
      for channel in group * width..<(group + 1) * width {
        tutti_add_normalization_gradient(
          g.row(0, channel: channel), g.geometry.pitch, u.row(0, channel: channel), u.geometry.pitch,
          target.row(0, channel: channel), target.geometry.pitch, rows, nx, weight(step, channel) * kept[1], mean,
          Float(inverse * total / count), Float(inverse * inverse * totalU / count))
      }
    }
    if step.weight != nil { keepSums(at: step.sums, channels: channels) }
  }

  func finish(_ step: GroupNormalizationStep, _ sums: UnsafePointer<Double>) {
    guard let weight = step.weight, let bias = step.bias else { return }
    for channel in 0..<weight.count {
      gradients.pointer[bias.offset + channel] = Float(sums[2 * channel])
      gradients.pointer[weight.offset + channel] = Float(sums[2 * channel + 1])
    }
  }
}
