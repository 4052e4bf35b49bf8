import CKernels
import Host
import Networks

/// Runs a plan, forward and backward: holds the parameters, the statistics and the feature maps of one batch.
///
/// The batch is a sequence of shards of `samplesPerShard` samples, the last of which may be short. The plan cuts all
/// work into pieces; the team only decides which thread computes which piece when. After the first one, a pass
/// allocates no memory.
public final class Execution {
  /// The plan that is run.
  public let plan: Plan
  /// The most samples of a batch.
  public let capacity: Int
  /// Samples of a shard.
  public let samplesPerShard: Int

  /// All parameters, in the order of `plan.layout`.
  public let parameters: AlignedBuffer<Float>
  /// Running means and variances, in the order of `plan.layout`.
  public let statistics: AlignedBuffer<Float>
  /// The gradient of the loss after `backward`, laid out as the parameters; empty in a plan for inference.
  public let gradients: AlignedBuffer<Float>

  let team: ThreadTeam
  let reduction: any ShardReduction
  let exchange: (any GradientExchange)?
  /// The plan's buffers, for each sample.
  let arena: AlignedBuffer<Float>
  /// Weights in the kernels' layouts.
  let packed: AlignedBuffer<Float>
  /// Coefficients of normalizations (`CoefficientRow`, `tutti_line`).
  let coefficients: AlignedBuffer<Float>
  /// Partial results of the current step by (sample, channel, band): moments forward, gradient sums backward.
  let moments: AlignedBuffer<tutti_moments>
  let sums: AlignedBuffer<tutti_gradient_sums>
  /// The shards' operands of a reduction over the batch.
  let operands: AlignedBuffer<Double>
  /// For each shard, the sums that are reduced at the end of the backward pass.
  let lateSums: AlignedBuffer<Double>
  /// For each shard with the scope `shard`, the new values of the running statistics, and a 1 that counts it.
  let shardStatistics: AlignedBuffer<Double>
  /// Weight gradients of the current group for all shards, and of the current piece for the tree over shards.
  let shardWeights: AlignedBuffer<Float>
  let pieceWeights: AlignedBuffer<Float>
  /// Each thread's scratch memory.
  let scratch: AlignedBuffer<Float>
  /// Each thread's planes of a concatenation that is never materialized.
  let virtualPlanes: AlignedBuffer<Float>
  /// The transformed weights of the current product.
  let winogradWeights: AlignedBuffer<Float>
  /// Each thread's lists of channels for a filtering kernel.
  let channelLists: AlignedBuffer<UnsafeMutablePointer<Float>?>
  /// The parameters rounded to bfloat16; empty in float32.
  let roundedParameters: AlignedBuffer<Float>

  /// Where in the image the input begins, in a plan for tiles of an image (`Plan.whole`): pixels along (z,) y, x.
  ///
  /// Upsampling to extents that are no multiple of its source's moves pixels by an amount that changes over the image,
  /// so that a tile must know its place. All other steps need not.
  public var origin: [Int] = [] {
    didSet { if origin != oldValue { placeResamplings() } }
  }
  private(set) var resamplingTables: [[ResamplingTable]] = []

  /// Samples of the current batch.
  var samples = 0
  /// Shards of the current batch.
  var shards: Int { (samples + samplesPerShard - 1) / samplesPerShard }
  /// The key of the current pass's random numbers.
  var randomKey: DropoutKey?

  /// Allocates memory for the part of a batch that this process computes.
  ///
  /// - Parameters:
  ///   - samplesPerShard: samples of a shard.
  ///   - shards: the most shards that this process computes of a batch.
  ///   - team: the threads.
  ///   - reduction: sums over the shards of the whole batch.
  public init(
    _ plan: Plan, samplesPerShard: Int, shards: Int, team: ThreadTeam, reduction: any ShardReduction = LocalShards()
  ) {
    precondition(samplesPerShard > 0 && shards > 0, "a batch has samples")
    self.plan = plan
    self.samplesPerShard = samplesPerShard
    self.team = team
    self.reduction = reduction
    exchange = reduction.gradientExchange
    capacity = samplesPerShard * shards
    let (sizes, training) = (plan.sizes, plan.purpose == .training)
    parameters = AlignedBuffer(count: plan.layout.parameterCount)
    statistics = AlignedBuffer(count: plan.layout.statisticCount)
    let gradientCount = training ? plan.layout.parameterCount : 0
    if let exchange, training {
      gradients = AlignedBuffer(borrowing: exchange.storage(count: gradientCount), count: gradientCount)
    } else {
      gradients = AlignedBuffer(count: gradientCount)
    }
    arena = AlignedBuffer(count: plan.arenaFloats * capacity + 64)
    packed = AlignedBuffer(count: sizes.packedFloats)
    coefficients = AlignedBuffer(count: sizes.coefficientFloats * (plan.normalizationScope == .shard ? shards : 1))
    moments = AlignedBuffer(count: sizes.partials * capacity)
    sums = AlignedBuffer(count: training ? sizes.partials * capacity : 0)
    operands = AlignedBuffer(count: 3 * sizes.partials * shards)
    lateSums = AlignedBuffer(count: training ? sizes.lateSums * shards : 0)
    shardStatistics = AlignedBuffer(
      count: plan.normalizationScope == .shard ? (plan.layout.statisticCount + 1) * shards : 0)
    shardWeights = AlignedBuffer(count: training ? sizes.largestJoined * shards : 0)
    pieceWeights = AlignedBuffer(count: training ? sizes.largestPiece * Self.levels(shards: shards) * team.size : 0)
    scratch = AlignedBuffer(count: sizes.scratchFloats * team.size)
    virtualPlanes = AlignedBuffer(count: sizes.virtualFloats * team.size)
    winogradWeights = AlignedBuffer(count: sizes.winogradFloats)
    channelLists = AlignedBuffer(count: sizes.longestChannelList * team.size)
    roundedParameters = AlignedBuffer(count: plan.roundedFloats)
    placeResamplings()
    for entry in plan.layout.statistics {
      if case .constant(let value) = entry.initial {
        for index in entry.range { statistics.pointer[index] = value }
      }
    }
  }

  /// Bytes of memory that an execution of a plan needs, besides parameters, their gradients and the optimizer's state.
  ///
  /// - Parameters:
  ///   - capacity: the most samples of a batch.
  ///   - shards: the most shards of a batch.
  ///   - threads: threads of the team.
  public static func bytes(_ plan: Plan, capacity: Int, shards: Int, threads: Int) -> Int {
    let (sizes, training) = (plan.sizes, plan.purpose == .training)
    let floats =
      plan.arenaFloats * capacity + sizes.packedFloats + sizes.coefficientFloats
      + (sizes.scratchFloats + sizes.virtualFloats) * threads + sizes.winogradFloats + plan.roundedFloats
      + (training ? sizes.largestJoined * shards + sizes.largestPiece * levels(shards: shards) * threads : 0)
    let partial = MemoryLayout<tutti_moments>.stride + (training ? MemoryLayout<tutti_gradient_sums>.stride : 0)
    return 4 * floats + partial * sizes.partials * capacity + 24 * sizes.partials * shards
      + (training ? 8 * sizes.lateSums * shards : 0)
  }

  private func placeResamplings() {
    guard !plan.resamplings.isEmpty else { return }
    let place = Array(repeating: 0, count: 3 - origin.count) + origin
    resamplingTables = plan.resamplings.map { $0.tables(origin: place) }
  }

  // MARK: Input and output

  /// The planes of a sample's image, to be written before `forward`.
  public func input(_ sample: Int) -> FeaturePlanes { planes(plan.input, sample) }
  /// The planes of a sample's output, after `forward`.
  public func output(_ sample: Int) -> FeaturePlanes { planes(plan.output, sample) }
  /// The planes of the loss's gradient with respect to a sample's output, to be written between `forward` and
  /// `backward`.
  public func outputGradient(_ sample: Int) -> FeaturePlanes { planes(trainingPlace(plan.outputGradient), sample) }
  /// The planes of the loss's gradient with respect to a sample's image, after `backward`, if the plan was compiled
  /// with it.
  public func inputGradient(_ sample: Int) -> FeaturePlanes { planes(trainingPlace(plan.inputGradient), sample) }

  /// The planes of a sample's value of `plan.taps[tap]`, after `forward`.
  public func tap(_ tap: Int, _ sample: Int) -> FeaturePlanes { planes(plan.taps[tap].place, sample) }
  /// The planes of the loss's gradient with respect to a tapped value; 0 unless written between `forward` and
  /// `backward`.
  public func tapGradient(_ tap: Int, _ sample: Int) -> FeaturePlanes {
    planes(trainingPlace(plan.taps[tap].gradient), sample)
  }

  private func trainingPlace(_ place: Place?) -> Place {
    guard let place else { preconditionFailure("the plan was not compiled for this gradient") }
    return place
  }

  // MARK: Passes

  /// Computes the outputs of the first `samples` samples.
  ///
  /// - Parameters:
  ///   - samples: this process's samples of the batch, perhaps none.
  ///   - randomKey: the key of this pass's random numbers; needed in training when the network has dropout.
  ///   - updatesStatistics: whether a training pass moves the running statistics.
  ///   - keepsWeights: whether `parameters` are those of the pass before, so that their copies in the kernels' layouts
  ///     are right.
  public func forward(
    samples: Int, randomKey: DropoutKey? = nil, updatesStatistics: Bool = true, keepsWeights: Bool = false
  ) {
    precondition((0...capacity).contains(samples), "a batch holds 0 to \(capacity) samples")
    // A prediction is timed by its caller.
    let start = plan.purpose == .training ? team.timeline.start() : nil
    defer { if let start { team.timeline.end(.forward, start) } }
    self.samples = samples
    self.randomKey = randomKey
    if !keepsWeights {
      roundParameters()
      for id in plan.steps.indices {
        if case .stages(let group) = plan.steps[id] { pack(group) }
      }
    }
    fillInputHalo()
    roundValue(plan.input, border: plan.inputBorder)
    for id in plan.steps.indices {
      switch plan.steps[id] {
      case .stages(let group): forward(group, updatesStatistics: updatesStatistics)
      case .stackNormalization(let step): forward(step, updatesStatistics: updatesStatistics)
      case .pooling(let pooling): forward(pooling)
      case .softmax(let softmax): forward(softmax)
      case .dropout(let dropout): forward(dropout)
      case .copy(let copy): forward(copy)
      case .groupNormalization(let normalization): forward(normalization)
      case .prelu(let prelu): forward(prelu)
      case .clamp(let clamp): forward(clamp)
      case .resampling(let resampling): forward(resampling)
      case .reshape(let reshape): forward(reshape)
      }
      if plan.precision == .bfloat16, let ports = plan.steps[id].unrounded {
        roundValue(ports.target, border: ports.border)
      }
    }
    if plan.normalizationScope == .shard, updatesStatistics { moveStatisticsOfShards() }
    if let place = plan.outputGradient { zero(buffer: place.buffer) }
    for tap in plan.taps.indices {
      if let place = plan.taps[tap].gradient { zero(buffer: place.buffer) }
    }
  }

  /// Computes the gradients of all parameters from those of the outputs, which must have been written to
  /// `outputGradient`.
  public func backward() {
    precondition(plan.purpose == .training, "a plan for inference has no backward pass")
    let start = team.timeline.start()
    defer { team.timeline.end(.backward, start) }
    gradients.pointer.update(repeating: 0, count: gradients.count)
    for id in plan.steps.indices.reversed() {
      for entry in plan.zeroedRanges[id] { zero(buffer: plan.zeroedBuffers[entry]) }
      switch plan.steps[id] {
      case .stages(let group): backward(group)
      case .stackNormalization(let step): backward(step)
      case .pooling(let pooling): backward(pooling)
      case .softmax(let softmax): backward(softmax)
      case .dropout(let dropout): backward(dropout)
      case .copy(let copy): backward(copy)
      case .groupNormalization(let normalization): backward(normalization)
      case .prelu(let prelu): backward(prelu)
      case .clamp(let clamp): backward(clamp)
      case .resampling(let resampling): backward(resampling)
      case .reshape(let reshape): backward(reshape)
      }
      exchange?.progress(team: team)
    }
    reduceLateSums()
    if let exchange { team.timeline.measure(.exchange) { exchange.finish(team: team) } }
    if let place = plan.inputGradient { foldHalo(place, border: plan.inputBorder) }
  }
}
