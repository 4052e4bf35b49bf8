import CKernels
import Networks

/// Upsampling, nearest or linear.
struct Resampling: Ported {
  var ports: Ports
  var z: tutti_resampling_axis
  var y: tutti_resampling_axis
  var x: tutti_resampling_axis
  var isLinear: Bool
}

extension PlanCompiler {
  mutating func makeResampling(_ node: Int, _ ports: Ports) -> Resampling {
    guard case .upsampling(let settings) = graph.nodes[node].operation else { preconditionFailure("an upsampling") }
    let (from, to) = (ports.source.geometry, ports.target.geometry)
    let axes = [(from.nz, to.nz), (from.ny, to.ny), (from.nx, to.nx)].map {
      ResamplingTable(source: $0.0, target: $0.1, alignCorners: settings.alignCorners, mode: settings.mode)
    }
    tables += axes as [AnyObject & Sendable]
    return Resampling(
      ports: ports, z: axes[0].entries, y: axes[1].entries, x: axes[2].entries, isLinear: settings.mode == .linear)
  }
}

extension Execution {
  func forward(_ resampling: Resampling) {
    forEachPlane(resampling.target) { target, geometry, sample, channel in
      let source = planes(resampling.source, sample)
      tutti_resample(
        source.row(0, channel: channel), Int32(source.geometry.ny), source.geometry.pitch, target, geometry.pitch,
        Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx), resampling.z, resampling.y, resampling.x,
        resampling.isLinear)
      fillHalo(planes(resampling.target, sample), channel, resampling.border)
    }
  }

  func backward(_ resampling: Resampling) {
    guard let gradient = resampling.targetGradient, let sourceGradient = resampling.sourceGradient else { return }
    foldHalo(gradient, border: resampling.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      let source = planes(sourceGradient, sample)
      tutti_resample_gradient(
        g, geometry.pitch, source.row(0, channel: channel), Int32(source.geometry.ny), source.geometry.pitch,
        Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx), resampling.z, resampling.y, resampling.x,
        resampling.isLinear)
    }
  }
}
