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
      let all = stage.target.channel..<stage.target.channel + stage.target.channels
      let some = channels.clamped(to: all)
      let own = some.lowerBound - all.lowerBound..<some.upperBound - all.lowerBound
      activate(stage, sample, own, rows, to: planes.part(all))
      if plan.precision == .bfloat16 { round(planes, some, rows, halo: Int(stage.border.width)) }
    }
    return planes
  }
}
