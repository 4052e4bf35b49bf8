import CKernels
import Host
import Networks

/// Softmax over channels, or its logarithm.
struct Softmax: Ported {
  var ports: Ports
  var logarithm: Bool
}

extension PlanCompiler {
  func makeSoftmax(_ node: Int, _ ports: Ports) -> Softmax {
    guard case .softmax(let logarithm) = graph.nodes[node].operation else { preconditionFailure("a softmax") }
    return Softmax(ports: ports, logarithm: logarithm)
  }
}

extension Execution {
  func forward(_ softmax: Softmax) {
    team.run(count: samples) { sample, _ in
      let source = planes(softmax.source, sample)
      let target = planes(softmax.target, sample)
      tutti_softmax(
        source.base, source.geometry.channelStride, source.geometry.pitch, target.base, target.geometry.channelStride,
        target.geometry.pitch, Int32(source.channels), Int64(source.geometry.rows), Int32(source.geometry.nx),
        softmax.logarithm)
      for channel in 0..<target.channels { fillHalo(target, channel, softmax.border) }
    }
  }

  func backward(_ softmax: Softmax) {
    guard let gradient = softmax.targetGradient, let sourceGradient = softmax.sourceGradient else { return }
    foldHalo(gradient, border: softmax.border)
    team.run(count: samples) { sample, _ in
      let y = planes(softmax.target, sample)
      let g = planes(gradient, sample)
      let gx = planes(sourceGradient, sample)
      tutti_softmax_gradient(
        y.base, y.geometry.channelStride, y.geometry.pitch, g.base, g.geometry.channelStride, g.geometry.pitch, gx.base,
        gx.geometry.channelStride, gx.geometry.pitch, Int32(y.channels), Int64(y.geometry.rows), Int32(y.geometry.nx),
        softmax.logarithm, true)
    }
  }
}
