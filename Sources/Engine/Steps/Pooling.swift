import CKernels
import Networks

/// Max pooling.
struct Pooling: Ported {
  var ports: Ports
  /// Buffer of the chosen pixels' offsets, an Int32 each; tightly packed.
  var choices: BufferID
  var kernel: (z: Int, y: Int, x: Int)
  var stride: (z: Int, y: Int, x: Int)
}

extension PlanCompiler {
  mutating func makePooling(_ node: Int, _ ports: Ports, _ step: StepID) -> Pooling {
    guard case .maxPooling(let pooling) = graph.nodes[node].operation else { preconditionFailure("a pooling") }
    let geometry = ports.target.plainGeometry
    let choices = addBuffer(
      geometry, floats: geometry.channels * geometry.pixels, first: step.number,
      last: training ? backwardTime(step) : step.number)
    let kernel = axes3(pooling.kernel, absent: 1)
    let stride = axes3(pooling.stride, absent: 1)
    return Pooling(
      ports: ports, choices: choices, kernel: (kernel[0], kernel[1], kernel[2]),
      stride: (stride[0], stride[1], stride[2]))
  }
}

extension Execution {
  private func choices(_ pooling: Pooling, _ sample: Int, _ channel: Int) -> UnsafeMutablePointer<Int32> {
    (UnsafeMutableRawPointer(address(pooling.choices, sample)) + 4 * channel * pooling.target.geometry.pixels)
      .assumingMemoryBound(to: Int32.self)
  }

  func forward(_ pooling: Pooling) {
    forEachPlane(from: pooling.ports) { source, target, sample, channel in
      let geometry = target.geometry
      tutti_max_pool(
        source.row, Int32(source.geometry.ny), Int32(source.pitch), target.row, Int32(geometry.pitch),
        Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx), Int32(pooling.kernel.z), Int32(pooling.kernel.y),
        Int32(pooling.kernel.x), Int32(pooling.stride.z), Int32(pooling.stride.y), Int32(pooling.stride.x),
        choices(pooling, sample, channel))
    }
  }

  func backward(_ pooling: Pooling) {
    forEachGradientPlane(of: pooling.ports) { gradient, source, sample, channel in
      let geometry = gradient.geometry
      tutti_max_pool_gradient(
        gradient.row, Int32(geometry.pitch), Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx),
        choices(pooling, sample, channel), source.row)
    }
  }
}
