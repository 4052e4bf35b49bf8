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
    forEachPlane(pooling.target) { target, geometry, sample, channel in
      let source = planes(pooling.source, sample)
      tutti_max_pool(
        source.row(0, channel: channel), Int32(source.geometry.ny), Int32(source.geometry.pitch), target,
        Int32(geometry.pitch), Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx), Int32(pooling.kernel.z),
        Int32(pooling.kernel.y), Int32(pooling.kernel.x), Int32(pooling.stride.z), Int32(pooling.stride.y),
        Int32(pooling.stride.x), choices(pooling, sample, channel))
      fillHalo(planes(pooling.target, sample), channel, pooling.border)
    }
  }

  func backward(_ pooling: Pooling) {
    guard let gradient = pooling.targetGradient, let sourceGradient = pooling.sourceGradient else { return }
    foldHalo(gradient, border: pooling.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      tutti_max_pool_gradient(
        g, Int32(geometry.pitch), Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx),
        choices(pooling, sample, channel), planes(sourceGradient, sample).row(0, channel: channel))
    }
  }
}
