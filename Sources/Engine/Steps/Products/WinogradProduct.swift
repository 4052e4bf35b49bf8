import CKernels
import Host

// Products by Winograd's minimal filtering (docs/decisions/004-winograd.md). Transformed weights are four times as
// large, so they are transformed just before use, for a limited number of target channels at a time.

extension Execution {
  func winogradForward(_ stage: Stage) {
    guard let product = stage.product else { return }
    var job = winogradJob(product, from: stage.source, to: stage.raw)
    job.bias = product.bias.map { UnsafePointer(parameters.pointer + $0.offset) }
    run(job, product, transposed: false)
  }

  func winogradDataGradient(_ stage: Stage, accumulates: Bool) {
    guard let product = stage.product, let gradient = stage.targetGradient, let sourceGradient = stage.sourceGradient
    else { return }
    var job = winogradJob(product, from: gradient, to: sourceGradient)
    job.accumulate = accumulates
    run(job, product, transposed: true)
  }

  /// Target channels whose transformed weights are held at once. Depends on the shape alone.
  static func winogradTargets(_ targets: Int, depth: Int) -> Int {
    let piece = Int(tutti_winograd_weight_piece())
    let fit = winogradWeightBytes / (4 * Int(TUTTI_WINOGRAD_POINTS) * depth) / piece * piece
    return min(targets, max(piece, fit))
  }
  private static let winogradWeightBytes = 16 << 20

  private func run(_ job: tutti_winograd, _ product: Product, transposed: Bool) {
    let targets = Int(job.target_channels)
    let most = Self.winogradTargets(targets, depth: product.zTaps * Int(job.source_channels))
    var first = 0
    while first < targets {
      var part = job
      let held = min(most, targets - first)
      transformWeights(product, transposed: transposed, targets: targets, held: first..<first + held)
      part.target_channels = Int32(held)
      part.target += first * job.target_channel_stride
      part.bias = job.bias.map { $0 + first }
      run(part)
      first += held
    }
  }

  private func transformWeights(_ product: Product, transposed: Bool, targets: Int, held: Range<Int>) {
    let sources = transposed ? product.narrow.channels : product.wide.channels
    let piece = Int(tutti_winograd_weight_piece())
    team.run(count: (held.count + piece - 1) / piece) { index, _ in
      let first = held.lowerBound + index * piece
      tutti_winograd_weights(
        weights(product), Int32(targets), Int32(sources), Int32(product.zTaps), transposed, Int32(held.lowerBound),
        Int32(held.count), Int32(first), Int32(min(held.upperBound, first + piece)), winogradWeights.pointer)
    }
  }

  private func winogradJob(_ product: Product, from source: Place, to target: Place) -> tutti_winograd {
    let (from, to) = (planes(source, 0), planes(target, 0))
    var job = tutti_winograd()
    job.source = UnsafePointer(from.base)
    job.source_sample_stride = plan.arenaFloats
    job.source_channel_stride = from.geometry.channelStride
    job.source_channels = Int32(from.channels)
    job.source_pitch = Int32(from.geometry.pitch)
    job.target = to.base
    job.target_sample_stride = plan.arenaFloats
    job.target_channel_stride = to.geometry.channelStride
    job.target_channels = Int32(to.channels)
    job.target_pitch = Int32(to.geometry.pitch)
    job.samples = Int32(samples)
    job.planes = Int32(to.geometry.nz)
    job.rows = Int32(to.geometry.ny)
    job.width = Int32(to.geometry.nx)
    job.z_taps = Int32(product.zTaps)
    job.weights = UnsafePointer(winogradWeights.pointer)
    return job
  }

  private func run(_ job: tutti_winograd) {
    var job = job
    let vectors = Int(tutti_winograd_vectors(&job))
    let together = 2 * Int(tutti_winograd_together(&job))
    // How tiles are cut into pieces changes nothing: no tile depends on its neighbours.
    let piece = max(1, min(together, (vectors + team.size - 1) / team.size))
    let fixed = job
    team.run(count: (vectors + piece - 1) / piece) { index, thread in
      var job = fixed
      tutti_winograd_run(
        &job, Int32(index * piece), Int32(min(vectors, (index + 1) * piece)),
        scratch.pointer + thread * plan.sizes.scratchFloats)
    }
  }
}
