import CKernels

extension Execution {
  /// Makes some rows of some channels of a sample of a stack without a buffer, with their halo, in a thread's room.
  func activate(
    _ stack: ActivatedStack, _ sample: Int, _ channels: Range<Int>, _ rows: Range<Int>, _ thread: Int
  ) -> FeaturePlanes {
    let planes = FeaturePlanes(
      base: activatedPlanes.pointer + thread * plan.activatedFloats + stack.planes.lead, geometry: stack.planes,
      channels: stack.planes.channels)
    for place in stack.makers {
      let stage = plan.stages[plan.activatingStages[place]]
      let first = stage.target.channel
      let raw = self.planes(stage.raw, sample)
      for channel in channels.clamped(to: first..<first + raw.channels) {
        let (scale, mean, shift) = coefficients(stage.normalization, sample, channel - first, raw.channels)
        tutti_affine_activation(
          raw.row(rows.lowerBound, channel: channel - first), raw.geometry.pitch,
          planes.row(rows.lowerBound, channel: channel), planes.geometry.pitch, Int64(rows.count),
          Int32(planes.geometry.nx), scale, mean, shift, stage.activation, stage.activationParameter,
          stack.border.padding, stack.border.width)
      }
    }
    if plan.precision == .bfloat16 { round(planes, channels, rows, halo: Int(stack.border.width)) }
    return planes
  }
}
