import CKernels
import Networks

/// Values cut off at two limits.
struct Clamp: Ported {
  var ports: Ports
  var minimum: Float
  var maximum: Float
}

extension PlanCompiler {
  func makeClamp(_ node: Int, _ ports: Ports) -> Clamp {
    guard case .clamp(let minimum, let maximum) = graph.nodes[node].operation else { preconditionFailure("a clamp") }
    return Clamp(ports: ports, minimum: Float(minimum), maximum: Float(maximum))
  }
}

extension Execution {
  func forward(_ clamp: Clamp) {
    forEachPlane(clamp.target) { target, geometry, sample, channel in
      let source = planes(clamp.source, sample)
      tutti_clamp_rows(
        source.row(0, channel: channel), source.geometry.pitch, target, geometry.pitch, Int64(geometry.rows),
        Int32(geometry.nx), clamp.minimum, clamp.maximum)
      fillHalo(planes(clamp.target, sample), channel, clamp.border)
    }
  }

  func backward(_ clamp: Clamp) {
    guard let gradient = clamp.targetGradient, let sourceGradient = clamp.sourceGradient else { return }
    foldHalo(gradient, border: clamp.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      let source = planes(clamp.source, sample)
      let target = planes(sourceGradient, sample)
      tutti_clamp_rows_gradient(
        g, geometry.pitch, source.row(0, channel: channel), source.geometry.pitch, target.row(0, channel: channel),
        target.geometry.pitch, Int64(geometry.rows), Int32(geometry.nx), clamp.minimum, clamp.maximum)
    }
  }
}
