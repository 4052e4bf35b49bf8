import CKernels
import Host
import Networks

/// Normalization of groups of channels, sample by sample, and the activation behind it.
struct GroupNormalizationStep {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  /// The gradient of the target; it becomes that before the activation in place.
  var targetGradient: Place?
  /// Nil when the normalization is not affine.
  var weight: Slice?
  var bias: Slice?
  var groups: Int
  var epsilon: Double
  /// Buffer of each group's mean and inverse deviation.
  var moments: Int
  var activation: tutti_activation
  var activationParameter: Float
  var border: Border
  /// Place of the two sums a channel among those that are reduced at the end of the backward pass.
  var sums: Int
}

extension PlanCompiler {
  mutating func makeGroupNormalization(
    _ id: Int, activationNode: Int?, source: Place, sourceGradient: Place?, target: Place, targetGradient: Place?,
    border: Border, step: Int
  ) -> GroupNormalizationStep {
    let node = graph.nodes[id]
    guard case .groupNormalization(let settings) = node.operation else { preconditionFailure("a group normalization") }
    let groups = settings.groups ?? source.channels
    let (activation, parameter) = activationNode.map(activationKind) ?? (TUTTI_IDENTITY, 0)
    func slice(_ entry: ParameterLayout.Entry?) -> Slice? { entry.map { Slice(offset: $0.offset, count: $0.count) } }
    partials = max(partials, target.channels)
    return GroupNormalizationStep(
      source: source, sourceGradient: sourceGradient, target: target, targetGradient: targetGradient,
      weight: slice(layout.parameter("\(node.name).weight")), bias: slice(layout.parameter("\(node.name).bias")),
      groups: groups, epsilon: settings.epsilon,
      moments: addBuffer(
        geometry(id, halo: 0), floats: 2 * groups, first: step, last: training ? backwardTime(step) : step),
      activation: activation, activationParameter: parameter, border: border,
      sums: settings.affine ? reserveSums(target.channels) : 0)
  }
}

extension Execution {
  /// A group's mean and inverse deviation.
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
