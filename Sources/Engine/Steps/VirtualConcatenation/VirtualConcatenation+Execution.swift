extension Execution {
  /// Recomputes some rows of some channels of a sample's concatenation, with their halo, in a thread's memory.
  func recompute(
    _ concatenation: VirtualConcatenation, _ sample: Int, _ channels: Range<Int>, _ rows: Range<Int>, _ thread: Int
  ) -> FeaturePlanes {
    let planes = FeaturePlanes(
      base: virtualPlanes.pointer + thread * plan.sizes.virtualFloats + concatenation.planes.lead,
      geometry: concatenation.planes, channels: concatenation.planes.channels)
    for entry in concatenation.producers.entries {
      let stage = plan.stages[plan.listedStages[entry]]
      let all = stage.target.channel..<stage.target.channel + stage.target.channels
      let part = channels.clamped(to: all)
      let own = part.lowerBound - all.lowerBound..<part.upperBound - all.lowerBound
      activate(stage, sample, own, rows, to: planes.part(all))
      if plan.precision == .bfloat16 { round(planes, part, rows, halo: Int(stage.border.width)) }
    }
    return planes
  }
}
