import Engine
import Host
import Imaging
import Networks

// One member's answer for one tile.

extension EnsemblePredictor {
  /// Copies a member's latent values out of its execution.
  private func writeLatents(of index: Int, _ execution: Execution) {
    guard let tap = execution.plan.taps.firstIndex(where: { $0.name == NetworkGraph.latent }) else { return }
    let planes = execution.tap(tap, 0)
    var place = latents.pointer + latents.count / members.count * index
    for channel in 0..<planes.channels {
      for row in 0..<planes.geometry.rows {
        place.update(from: planes.row(row, channel: channel), count: planes.geometry.nx)
        place += planes.geometry.nx
      }
    }
  }

  /// Leaves a member's answer over the tile's core in `answers`.
  func run(_ index: Int, _ tile: Tile) {
    let member = members[index]
    let (runs, place) = executions[networkOfMember[index]]
    for execution in runs {
      execution.parameters.buffer.copy(member.parameters)
      execution.statistics.buffer.copy(member.statistics)
    }
    if planes.isEmpty {
      let execution = runs[0]
      execution.input(0).setPixels(UnsafeBufferPointer(pixels.buffer))
      execution.forward(samples: 1)
      if latents.count > 0 { writeLatents(of: index, execution) }
      if task.answersImages {
        for channel in 0..<channels { answers.pointer[channel] = execution.output(0).row(0, channel: channel)[0] }
        return
      }
      copy(execution.output(0), tile)
      if imageClasses > 0, let tap = execution.plan.taps.firstIndex(where: { $0.name == NetworkGraph.classes }) {
        let scores = execution.tap(tap, 0)
        for i in 0..<imageClasses { answers.pointer[channels * tile.core.count + i] = scores.row(0, channel: i)[0] }
      }
    } else {
      let count = channels * tile.core.count
      answers.pointer.update(repeating: 0, count: count)
      for (plane, run) in zip(planes, place) { addSlices(of: tile, in: plane, runs[run]) }
      let part = 1 / Float(planes.count)
      for i in 0..<count { answers.pointer[i] *= part }
    }
    guard let scaling = member.targetScaling else { return }
    for channel in 0..<channels {
      for i in channel * tile.core.count..<(channel + 1) * tile.core.count {
        answers.pointer[i] = scaling.unscaled(answers.pointer[i], channel: channel % scaling.mean.count)
      }
    }
  }

  /// Copies what a network gives for a tile's input, over the core.
  private func copy(_ output: FeaturePlanes, _ tile: Tile) {
    let (input, core) = (tile.input, tile.core)
    var place = answers.pointer
    for channel in 0..<channels {
      for z in core.z {
        for y in core.y {
          let row = (z - input.z.lowerBound) * input.y.count + y - input.y.lowerBound
          place.update(
            from: output.row(row, channel: channel) + core.x.lowerBound - input.x.lowerBound, count: core.x.count)
          place += core.x.count
        }
      }
    }
  }

  /// Adds what a network of two dimensions gives for the slices of a plane through a tile's core.
  private func addSlices(of tile: Tile, in plane: Plane, _ execution: Execution) {
    func strides(_ extents: Extents) -> Extents { plane.view(Extents(z: extents.y * extents.x, y: extents.x, x: 1)) }
    let (input, core) = (plane.view(tile.input), plane.view(tile.core))
    let (from, to) = (strides(tile.input.extents), strides(tile.core.extents))
    for slice in core.z {
      let image = execution.input(0)
      for channel in 0..<image.channels {
        for row in 0..<input.y.count {
          let line = image.row(row, channel: channel)
          let source =
            pixels.pointer + channel * tile.input.count + (slice - input.z.lowerBound) * from.z + row * from.y
          for x in 0..<input.x.count { line[x] = source[x * from.x] }
        }
      }
      execution.forward(samples: 1)
      let output = execution.output(0)
      for channel in 0..<channels {
        for row in core.y {
          let line = output.row(row - input.y.lowerBound, channel: channel) + core.x.lowerBound - input.x.lowerBound
          let target =
            answers.pointer + channel * tile.core.count + (slice - core.z.lowerBound) * to.z
            + (row - core.y.lowerBound) * to.y
          for x in 0..<core.x.count { target[x * to.x] += line[x] }
        }
      }
    }
  }
}
