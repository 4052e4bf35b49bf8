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

  /// Writes a member's answer over a tile's core.
  ///
  /// - Parameters:
  ///   - pixels: what is read of the tile, `[channel, z, y, x]`.
  ///   - answers: receives `[channel, z, y, x]` over the core, or one answer for the image, and behind them the classes
  ///     that are told beside it.
  func run(
    _ index: Int, _ tile: Tile, of grid: TileGrid, _ pixels: UnsafePointer<Float>,
    to answers: UnsafeMutablePointer<Float>
  ) {
    let member = members[index]
    let network = networkOfMember[index]
    let holdsWeights = runners[network].member == index
    let runner = runners[network]
    if !holdsWeights {
      for execution in runner.runs {
        execution.parameters.buffer.copy(member.parameters)
        execution.statistics.buffer.copy(member.statistics)
      }
    }
    runners[network].member = index
    // The first pass of an execution packs the weights.
    var packed = Array(repeating: holdsWeights, count: runner.runs.count)
    func forward(_ run: Int) {
      runner.runs[run].forward(samples: 1, keepsWeights: packed[run])
      packed[run] = true
    }
    let pixelCount = task.answersImages ? channels : channels * tile.core.count
    // Flips of the plane alone for networks that see slices.
    let flips = averagesFlips ? Flip.all(hasDepth: member.graph.dimensions == 3) : [Flip()]
    let times = max(1, planes.count) * flips.count
    let adds = times > 1 || grid.windows != nil
    if adds { answers.update(repeating: 0, count: pixelCount + imageClasses) }
    for view in grid.views(of: tile) {
      var part = Part(tile: tile, view: view)
      part.shares = grid.windows?.shares(of: view, in: part.box)
      for flip in flips {
        part.flip = flip
        guard planes.isEmpty else {
          for (plane, run) in zip(planes, runner.place) {
            place(runner.runs[run], plane.view(view), flip, in: plane.view(grid.region))
            part.addSlices(in: plane, pixels, runner.runs[run], channels: channels, to: answers) { forward(run) }
          }
          continue
        }
        let execution = runner.runs[0]
        place(execution, view, flip, in: grid.region)
        part.write(pixels, to: execution.input(0))
        forward(0)
        if latents.count > 0, flip == Flip() { writeLatents(of: index, execution) }
        if task.answersImages {
          add(execution.output(0), to: answers, count: channels, adds: adds)
          continue
        }
        part.add(execution.output(0), channels: channels, to: answers, adds: adds)
        if imageClasses > 0, let tap = execution.plan.taps.firstIndex(where: { $0.name == NetworkGraph.classes }) {
          add(execution.tap(tap, 0), to: answers + pixelCount, count: imageClasses, adds: adds)
        }
      }
    }
    if times > 1 {
      let part = 1 / Float(times)
      for i in 0..<pixelCount + imageClasses { answers[i] *= part }
    }
    guard let scaling = member.targetScaling else { return }
    for channel in 0..<channels {
      for i in channel * tile.core.count..<(channel + 1) * tile.core.count {
        answers[i] = scaling.unscaled(answers[i], channel: channel % scaling.mean.count)
      }
    }
  }

  /// Takes the numbers of an image's answer, one a channel.
  private func add(
    _ output: FeaturePlanes, to answers: UnsafeMutablePointer<Float>, count: Int, adds: Bool
  ) {
    for channel in 0..<count {
      let value = output.row(0, channel: channel)[0]
      answers[channel] = adds ? answers[channel] + value : value
    }
  }

  /// Tells an execution for tiles where in the image, as a flip turns it, a view of one begins.
  private func place(_ execution: Execution, _ view: Box, _ flip: Flip, in image: Extents) {
    guard execution.plan.whole != nil else { return }
    let view = flip.box(view, in: image)
    execution.origin = Extents(z: view.z.lowerBound, y: view.y.lowerBound, x: view.x.lowerBound)
      .list(dimensions: execution.plan.graph.dimensions)
  }
}

/// What a network sees of a tile at once, and what of the tile's core its answer is for.
private struct Part {
  let tile: Tile
  let view: Box
  /// The part of the core.
  let box: Box
  /// What its answer counts along z, y and x of `box` among those of other windows; nil when there are none.
  var shares: (z: [Float], y: [Float], x: [Float])?
  /// How the network sees the view; of one that sees slices, within their plane.
  var flip = Flip()

  init(tile: Tile, view: Box) {
    self.tile = tile
    self.view = view
    let core = tile.core
    box = Box(z: core.z.clamped(to: view.z), y: core.y.clamped(to: view.y), x: core.x.clamped(to: view.x))
  }

  /// Copies what is seen of a tile's pixels, `[channel, z, y, x]` over its input, to a network's image.
  func write(_ pixels: UnsafePointer<Float>, to image: FeaturePlanes) {
    let input = tile.input
    for channel in 0..<image.channels {
      for z in view.z {
        for y in view.y {
          let line = (channel * input.z.count + z - input.z.lowerBound) * input.y.count + y - input.y.lowerBound
          let source = pixels + line * input.x.count + view.x.lowerBound - input.x.lowerBound
          let target = image.row(row(z, y), channel: channel)
          if flip.x {
            for x in 0..<view.x.count { target[view.x.count - 1 - x] = source[x] }
          } else {
            target.update(from: source, count: view.x.count)
          }
        }
      }
    }
  }

  /// The row of the view that the network sees at a place of the image.
  private func row(_ z: Int, _ y: Int) -> Int {
    let slice = flip.z ? view.z.upperBound - 1 - z : z - view.z.lowerBound
    return slice * view.y.count + (flip.y ? view.y.upperBound - 1 - y : y - view.y.lowerBound)
  }

  /// Writes what a network gives over the core, or adds it, or its share of it.
  func add(_ output: FeaturePlanes, channels: Int, to answers: UnsafeMutablePointer<Float>, adds: Bool) {
    let core = tile.core
    let first = flip.x ? view.x.upperBound - 1 - box.x.lowerBound : box.x.lowerBound - view.x.lowerBound
    let step = flip.x ? -1 : 1
    for channel in 0..<channels {
      for (iz, z) in box.z.enumerated() {
        for (iy, y) in box.y.enumerated() {
          let line = output.row(row(z, y), channel: channel) + first
          let place = (channel * core.z.count + z - core.z.lowerBound) * core.y.count + y - core.y.lowerBound
          let target = answers + place * core.x.count + box.x.lowerBound - core.x.lowerBound
          if let shares {
            let share = shares.z[iz] * shares.y[iy]
            for x in 0..<box.x.count { target[x] += line[step * x] * (share * shares.x[x]) }
          } else if adds {
            for x in 0..<box.x.count { target[x] += line[step * x] }
          } else {
            target.update(from: line, count: box.x.count)
          }
        }
      }
    }
  }

  /// Adds what a network of two dimensions gives for the slices of a plane through the core.
  func addSlices(
    in plane: Plane, _ pixels: UnsafePointer<Float>, _ execution: Execution, channels: Int,
    to answers: UnsafeMutablePointer<Float>, forward: () -> Void
  ) {
    func strides(_ extents: Extents) -> Extents { plane.view(Extents(z: extents.y * extents.x, y: extents.x, x: 1)) }
    let (input, core) = (plane.view(tile.input), plane.view(tile.core))
    let (view, box) = (plane.view(self.view), plane.view(self.box))
    let (from, to) = (strides(tile.input.extents), strides(tile.core.extents))
    let shares = shares.map { plane.view(z: $0.z, y: $0.y, x: $0.x) }
    let step = flip.x ? -1 : 1
    let first = flip.x ? view.x.upperBound - 1 - box.x.lowerBound : box.x.lowerBound - view.x.lowerBound
    for (index, slice) in box.z.enumerated() {
      let image = execution.input(0)
      for channel in 0..<image.channels {
        for row in 0..<view.y.count {
          let seen = flip.y ? view.y.count - 1 - row : row
          let line = image.row(seen, channel: channel) + (flip.x ? view.x.count - 1 : 0)
          let source =
            pixels + channel * tile.input.count + (slice - input.z.lowerBound) * from.z
            + (view.y.lowerBound - input.y.lowerBound + row) * from.y
            + (view.x.lowerBound - input.x.lowerBound) * from.x
          for x in 0..<view.x.count { line[step * x] = source[x * from.x] }
        }
      }
      forward()
      let output = execution.output(0)
      for channel in 0..<channels {
        for (iy, row) in box.y.enumerated() {
          let seen = flip.y ? view.y.upperBound - 1 - row : row - view.y.lowerBound
          let line = output.row(seen, channel: channel) + first
          let target =
            answers + channel * tile.core.count + (slice - core.z.lowerBound) * to.z
            + (row - core.y.lowerBound) * to.y + (box.x.lowerBound - core.x.lowerBound) * to.x
          if let shares {
            let share = shares.slice[index] * shares.row[iy]
            for x in 0..<box.x.count { target[x * to.x] += line[step * x] * (share * shares.column[x]) }
          } else {
            for x in 0..<box.x.count { target[x * to.x] += line[step * x] }
          }
        }
      }
    }
  }
}
