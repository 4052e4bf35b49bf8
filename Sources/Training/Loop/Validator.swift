import Engine
import Host

/// The loss of a network on samples that it is not trained with.
///
/// The loss is that of all samples as one batch; the samples' sums are added in order, so that it depends on nothing
/// else.
public final class Validator {
  private let execution: Execution
  private let objective: Objective
  private let targets: TargetBuffer
  private let source: any BatchSource
  private let team: ThreadTeam
  private let width: Int
  /// Classes of labels: of pixels, or of images that are told beside the output.
  private let classes: Int
  private let threshold: Float
  /// Sums of each sample of a batch.
  private let sums: AlignedBuffer<Double>
  /// `[sample, true class, predicted class]`.
  private let counts: AlignedBuffer<Int64>
  /// Planes of the output's shape, or of the classes told beside it, for each thread.
  private let scratch: AlignedBuffer<Float>
  private let scratchCount: Int

  /// - Parameters:
  ///   - plan: of the network for inference.
  ///   - classifier: as for `Trainer`.
  ///   - source: its epoch 0 is the validation part.
  ///   - batch: samples that are computed at once.
  ///   - threshold: of one output channel, above which a pixel is of class 1: 0 for logits.
  /// - Throws: `LossError` when the loss has no meaning for the target or the output.
  public init(
    _ plan: Plan, loss: any Loss, classifier: (any Loss)? = nil, target: TargetKind, source: any BatchSource,
    batch: Int, threshold: Float = 0, team: ThreadTeam
  ) throws(LossError) {
    objective = try Objective(loss, classifier: classifier, target: target, plan: plan)
    classes = objective.classes?.count ?? max(plan.outputShape.channels, 2)
    self.threshold = threshold
    self.source = source
    self.team = team
    execution = Execution(plan, samplesPerShard: 1, shards: max(1, min(batch, source.samplesPerEpoch)), team: team)
    targets = TargetBuffer(target, pixels: plan.outputShape.pixels, samples: execution.capacity)
    width = objective.width
    sums = AlignedBuffer(count: width * (execution.capacity + 1))
    counts = AlignedBuffer(count: target.hasLabels || target.hasImageLabel ? classes * classes * execution.capacity : 0)
    var stride = execution.output(0).geometry.sampleStride
    if let tap = objective.classes?.tap { stride = max(stride, execution.tap(tap, 0).geometry.sampleStride) }
    scratchCount = stride
    scratch = AlignedBuffer(count: team.size * scratchCount)
  }

  /// Bytes that a validator takes, its targets not counted.
  public static func bytes(_ plan: Plan, batch: Int, threads: Int) -> Int {
    let channels = plan.outputShape.channels
    let classes = max(channels, 2)
    return Execution.bytes(plan, capacity: batch, shards: batch, threads: threads)
      + 4 * (plan.layout.parameterCount + plan.layout.statisticCount)
      + 4 * threads * channels * plan.outputShape.pixels + 8 * classes * classes * batch
  }

  /// The loss and figures of these weights.
  public func evaluate(
    parameters: UnsafePointer<Float>, statistics: UnsafePointer<Float>
  ) -> (loss: Double, metrics: [String: Double]) {
    let start = team.timeline.start()
    defer { team.timeline.end(.validate, start) }
    execution.parameters.pointer.update(from: parameters, count: execution.parameters.count)
    execution.statistics.pointer.update(from: statistics, count: execution.statistics.count)
    let total = sums.pointer + width * execution.capacity
    total.update(repeating: 0, count: width)
    var confusion = ConfusionMatrix(classes: classes)
    for first in stride(from: 0, to: source.samplesPerEpoch, by: execution.capacity) {
      let samples = min(execution.capacity, source.samplesPerEpoch - first)
      team.run(count: samples) { sample, _ in
        source.load(epoch: 0, position: first + sample, image: execution.input(sample), target: targets[sample])
      }
      execution.forward(samples: samples)
      team.run(count: samples) { sample, thread in judge(sample, thread: thread) }
      for sample in 0..<samples {
        for index in 0..<width { total[index] += sums.pointer[width * sample + index] }
      }
      if counts.count > 0 {
        let size = classes * classes
        for sample in 0..<samples {
          let part = UnsafeBufferPointer(start: counts.pointer + sample * size, count: size)
          confusion.merge(ConfusionMatrix(classes: classes, counts: Array(part)))
        }
      }
    }
    var metrics: [String: Double] = [:]
    if confusion.pixels > 0 { metrics = ["accuracy": confusion.accuracy, "f1_macro": confusion.f1Macro] }
    return (objective.value(sums: total), metrics)
  }

  private func judge(_ sample: Int, thread: Int) {
    var target = targets[sample]
    objective.writeSums(execution, sample, target, to: sums.pointer + width * sample) { planes, _ in
      let geometry = planes.geometry
      return FeaturePlanes(
        base: scratch.pointer + thread * scratchCount + geometry.lead, geometry: geometry, channels: planes.channels)
    }
    guard counts.count > 0 else { return }
    var output = execution.output(sample)
    if let tap = objective.classes?.tap { (output, target) = (execution.tap(tap, sample), target.ofImage) }
    let (geometry, channels) = (output.geometry, output.channels)
    let own = counts.pointer + sample * classes * classes
    own.update(repeating: 0, count: classes * classes)
    for row in 0..<geometry.rows {
      for x in 0..<geometry.nx {
        let label = Int(target.labels[row * geometry.nx + x])
        guard label < classes else { continue }
        var largest = channels == 1 && output.row(row, channel: 0)[x] > threshold ? 1 : 0
        for channel in 1..<max(channels, 1)
        where output.row(row, channel: channel)[x] > output.row(row, channel: largest)[x] {
          largest = channel
        }
        own[label * classes + largest] += 1
      }
    }
  }
}
