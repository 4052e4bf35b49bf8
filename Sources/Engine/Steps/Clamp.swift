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
    forEachPlane(from: clamp.ports) { source, target, _, _ in
      tutti_clamp_rows(
        source.row, source.pitch, target.row, target.pitch, Int64(target.geometry.rows), Int32(target.geometry.nx),
        clamp.minimum, clamp.maximum)
    }
  }

  func backward(_ clamp: Clamp) {
    forEachGradientPlane(of: clamp.ports) { gradient, target, sample, channel in
      let source = planes(clamp.source, sample)
      tutti_clamp_rows_gradient(
        gradient.row, gradient.pitch, source.row(0, channel: channel), source.geometry.pitch, target.row, target.pitch,
        Int64(gradient.geometry.rows), Int32(gradient.geometry.nx), clamp.minimum, clamp.maximum)
    }
  }
}
