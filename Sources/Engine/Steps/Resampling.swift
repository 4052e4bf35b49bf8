import CKernels
import Networks

/// Upsampling, nearest or linear.
struct Resampling: Ported {
  var ports: Ports
  var z: tutti_resampling_axis
  var y: tutti_resampling_axis
  var x: tutti_resampling_axis
  var isLinear: Bool
  /// Its place in `Plan.resamplings`, when the tables are those of tiles.
  var window: Int?
}

/// A resampling in the plan of a tile: which part of the image's resampling it computes depends on where the tile lies.
struct ResamplingWindow: Sendable {
  /// One axis of the source or the target.
  struct Axis {
    /// Pixels of the tile, and of the image that it is cut from.
    var tile: Int
    var whole: Int
    /// Pixels of the network's input to a pixel.
    var step: Double
  }

  /// Along z, y and x.
  var source: [Axis]
  var target: [Axis]
  var settings: Upsampling

  /// The tables of a tile that begins at these pixels (z, y, x) of the network's input.
  func tables(origin: [Int]) -> [ResamplingTable] {
    (0..<3).map { axis in
      let (source, target) = (source[axis], target[axis])
      return ResamplingTable(
        source: source.whole, target: target.whole, alignCorners: settings.alignCorners, mode: settings.mode,
        window: ResamplingTable.Window(
          source: Self.range(source, origin[axis]), target: Self.range(target, origin[axis])))
    }
  }

  private static func range(_ axis: Axis, _ origin: Int) -> Range<Int> {
    let first = Int((Double(origin) / axis.step).rounded())
    return first..<first + axis.tile
  }
}

extension PlanCompiler {
  mutating func makeResampling(_ node: Int, _ ports: Ports) -> Resampling {
    guard case .upsampling(let settings) = graph.nodes[node].operation else { preconditionFailure("an upsampling") }
    let (from, to) = (ports.source.geometry, ports.target.geometry)
    let axes = [(from.nz, to.nz), (from.ny, to.ny), (from.nx, to.nx)].map {
      ResamplingTable(source: $0.0, target: $0.1, alignCorners: settings.alignCorners, mode: settings.mode)
    }
    tables += axes as [AnyObject & Sendable]
    let window = window(of: node, settings).map { window in
      resamplings.append(window)
      return resamplings.count - 1
    }
    return Resampling(
      ports: ports, z: axes[0].entries, y: axes[1].entries, x: axes[2].entries, isLinear: settings.mode == .linear,
      window: window)
  }
}

extension PlanCompiler {
  /// What a resampling computes for tiles; nil for images.
  private func window(of node: Int, _ settings: Upsampling) -> ResamplingWindow? {
    guard let whole else { return nil }
    func axes(_ id: Int) -> [ResamplingWindow.Axis] {
      let missing = 3 - graph.dimensions
      return (0..<3).map { axis in
        guard axis >= missing else { return ResamplingWindow.Axis(tile: 1, whole: 1, step: 1) }
        return ResamplingWindow.Axis(
          tile: shapes[id].extents[axis - missing], whole: whole.shapes[id].extents[axis - missing],
          step: whole.steps[id][axis - missing])
      }
    }
    return ResamplingWindow(source: axes(graph.nodes[node].inputs[0]), target: axes(node), settings: settings)
  }
}

extension Execution {
  func forward(_ resampling: Resampling) {
    var resampling = resampling
    if let window = resampling.window {
      let axes = resamplingTables[window]
      (resampling.z, resampling.y, resampling.x) = (axes[0].entries, axes[1].entries, axes[2].entries)
    }
    let fixed = resampling
    forEachPlane(from: fixed.ports) { source, target, _, _ in
      let geometry = target.geometry
      tutti_resample(
        source.row, Int32(source.geometry.ny), source.pitch, target.row, geometry.pitch, Int32(geometry.nz),
        Int32(geometry.ny), Int32(geometry.nx), fixed.z, fixed.y, fixed.x, fixed.isLinear)
    }
  }

  func backward(_ resampling: Resampling) {
    forEachGradientPlane(of: resampling.ports) { gradient, source, _, _ in
      let geometry = gradient.geometry
      tutti_resample_gradient(
        gradient.row, geometry.pitch, source.row, Int32(source.geometry.ny), source.pitch, Int32(geometry.nz),
        Int32(geometry.ny), Int32(geometry.nx), resampling.z, resampling.y, resampling.x, resampling.isLinear)
    }
  }
}
