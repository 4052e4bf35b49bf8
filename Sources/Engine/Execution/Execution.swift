import CKernels
import Host
import Networks

/// Runs a plan: holds the parameters, the statistics and the feature maps of one batch, forward and backward.
///
/// The batch is a sequence of shards of `samplesPerShard` samples, the last of which may be short. All work is cut by the plan; the team
/// only decides which thread does what when. A steady-state pass allocates nothing.
public final class Execution {
  public let plan: Plan
  /// Samples that a full batch holds.
  public let capacity: Int
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
  let arena: AlignedBuffer<Float>
  let packed: AlignedBuffer<Float>
  let coefficients: AlignedBuffer<Float>
  let moments: AlignedBuffer<tutti_moments>
  let sums: AlignedBuffer<tutti_gradient_sums>
  let operands: AlignedBuffer<Double>
  /// For each shard the sums that are reduced at the end of the backward pass, `plan.sumDoubles`.
  let lateSums: AlignedBuffer<Double>
  /// For each shard what its moments say of the running statistics, and a 1; with the scope `shard`.
  let shardStatistics: AlignedBuffer<Double>
  let shardWeights: AlignedBuffer<Float>
  let pieceWeights: AlignedBuffer<Float>
  let scratch: AlignedBuffer<Float>
  /// Each thread's planes of a stack without a buffer.
  let activatedPlanes: AlignedBuffer<Float>
  /// The transformed weights of the product at work.
  let winogradWeights: AlignedBuffer<Float>
  /// Each thread's lists of channels of a job by minimal filtering along y.
  let channelLists: AlignedBuffer<UnsafeMutablePointer<Float>?>
  /// The parameters as operands of products; empty in float32.
  let roundedParameters: AlignedBuffer<Float>

  /// Samples and shards of the batch at work.
  var samples = 0
  var shards: Int { (samples + samplesPerShard - 1) / samplesPerShard }
  /// What random numbers of the pass are keyed by, besides the node and the sample.
  var randomKey: DropoutKey?

  /// Takes memory for `shards` × `samplesPerShard` samples: those of a batch that are held here.
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
    let training = plan.purpose == .training
    parameters = AlignedBuffer(count: plan.layout.parameterCount)
    statistics = AlignedBuffer(count: plan.layout.statisticCount)
    let gradientCount = training ? plan.layout.parameterCount : 0
    if let exchange, training {
      gradients = AlignedBuffer(borrowing: exchange.storage(count: gradientCount), count: gradientCount)
    } else {
      gradients = AlignedBuffer(count: gradientCount)
    }
    arena = AlignedBuffer(count: plan.arenaFloats * capacity + 64)
    packed = AlignedBuffer(count: plan.packedFloats)
    coefficients = AlignedBuffer(count: plan.coefficientFloats * (plan.normalizationScope == .shard ? shards : 1))
    moments = AlignedBuffer(count: plan.partials * capacity)
    sums = AlignedBuffer(count: training ? plan.partials * capacity : 0)
    operands = AlignedBuffer(count: 3 * plan.partials * shards)
    lateSums = AlignedBuffer(count: training ? plan.sumDoubles * shards : 0)
    shardStatistics = AlignedBuffer(
      count: plan.normalizationScope == .shard ? (plan.layout.statisticCount + 1) * shards : 0)
    shardWeights = AlignedBuffer(count: training ? plan.largestJoined * shards : 0)
    pieceWeights = AlignedBuffer(count: training ? plan.largestPiece * Self.levels(shards: shards) * team.size : 0)
    scratch = AlignedBuffer(count: plan.scratchFloats * team.size)
    activatedPlanes = AlignedBuffer(count: plan.activatedFloats * team.size)
    winogradWeights = AlignedBuffer(count: plan.winogradFloats)
    channelLists = AlignedBuffer(count: plan.largestLists * team.size)
    roundedParameters = AlignedBuffer(count: plan.roundedFloats)
    for entry in plan.layout.statistics {
      if case .constant(let value) = entry.initial {
        for index in entry.range { statistics.pointer[index] = value }
      }
    }
  }

  /// Bytes that an execution of this plan takes, parameters, their gradients and optimizer state not counted.
  public static func bytes(_ plan: Plan, capacity: Int, shards: Int, threads: Int) -> Int {
    let training = plan.purpose == .training
    let floats =
      plan.arenaFloats * capacity + plan.packedFloats + plan.coefficientFloats
      + (plan.scratchFloats + plan.activatedFloats) * threads + plan.winogradFloats + plan.roundedFloats
      + (training ? plan.largestJoined * shards + plan.largestPiece * levels(shards: shards) * threads : 0)
    let partial = MemoryLayout<tutti_moments>.stride + (training ? MemoryLayout<tutti_gradient_sums>.stride : 0)
    return 4 * floats + partial * plan.partials * capacity + 24 * plan.partials * shards
      + (training ? 8 * plan.sumDoubles * shards : 0)
  }

  // MARK: Input and output

  /// The planes of a sample's image, to be written before `forward`.
  public func input(_ sample: Int) -> FeaturePlanes { planes(plan.input, sample) }
  /// The planes of a sample's result.
  public func output(_ sample: Int) -> FeaturePlanes { planes(plan.output, sample) }
  /// The planes of the loss's gradient with respect to a sample's result, to be written between `forward` and `backward`.
  public func outputGradient(_ sample: Int) -> FeaturePlanes { planes(trainingPlace(plan.outputGradient), sample) }
  /// The gradient with respect to a sample's image, after `backward`, when the plan was asked for it.
  public func inputGradient(_ sample: Int) -> FeaturePlanes { planes(trainingPlace(plan.inputGradient), sample) }

  /// The planes of a sample's value `plan.taps[tap]`, after `forward`.
  public func tap(_ tap: Int, _ sample: Int) -> FeaturePlanes { planes(plan.taps[tap].place, sample) }
  /// The planes of the loss's gradient with respect to a tapped value, 0 unless written between `forward` and `backward`.
  public func tapGradient(_ tap: Int, _ sample: Int) -> FeaturePlanes {
    planes(trainingPlace(plan.taps[tap].gradient), sample)
  }

  private func trainingPlace(_ place: Place?) -> Place {
    guard let place else { preconditionFailure("the plan was not made for this gradient") }
    return place
  }

  // MARK: Passes

  /// Computes the results of the first `samples` samples: those held here of the batch at work, perhaps none.
  ///
  /// - Parameters:
  ///   - randomKey: what this pass's random numbers (dropout) are keyed by; needed in training when there is dropout.
  ///   - updatesStatistics: whether a training pass moves the running statistics.
  public func forward(samples: Int, randomKey: DropoutKey? = nil, updatesStatistics: Bool = true) {
    precondition((0...capacity).contains(samples), "a batch holds 0 to \(capacity) samples")
    // A prediction is part of what its caller does.
    let start = plan.purpose == .training ? team.timeline.start() : nil
    defer { if let start { team.timeline.end(.forward, start) } }
    self.samples = samples
    self.randomKey = randomKey
    roundParameters()
    for index in plan.steps.indices {
      if case .stages(let group) = plan.steps[index] { pack(group) }
    }
    fillInputHalo()
    roundValue(plan.input, border: plan.inputBorder)
    for index in plan.steps.indices {
      switch plan.steps[index] {
      case .stages(let group): forward(group, updatesStatistics: updatesStatistics)
      case .restack(let restack): forward(restack, updatesStatistics: updatesStatistics)
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
      if plan.precision == .bfloat16, let (place, border) = plan.steps[index].unrounded {
        roundValue(place, border: border)
      }
    }
    if plan.normalizationScope == .shard, updatesStatistics { moveStatisticsOfShards() }
    if let place = plan.outputGradient { zero(buffer: place.buffer) }
    for tap in plan.taps.indices {
      if let place = plan.taps[tap].gradient { zero(buffer: place.buffer) }
    }
  }

  /// Computes the gradients of all parameters from those of the results, which must have been written to `outputGradient`.
  public func backward() {
    precondition(plan.purpose == .training, "a plan for inference has no backward pass")
    let start = team.timeline.start()
    defer { team.timeline.end(.backward, start) }
    gradients.pointer.update(repeating: 0, count: gradients.count)
    var index = plan.steps.count
    while index > 0 {
      index -= 1
      for place in plan.zeroRanges[index] { zero(buffer: plan.zeroed[place]) }
      switch plan.steps[index] {
      case .stages(let group): backward(group)
      case .restack(let restack): backward(restack)
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
    finishSums()
    if let exchange { team.timeline.measure(.exchange) { exchange.finish(team: team) } }
    if let place = plan.inputGradient { foldHalo(place, border: plan.inputBorder) }
  }
}
