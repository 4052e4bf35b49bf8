import Engine
import Tensors

/// The loss of a network on samples that it is not trained with.
///
/// The loss is that of all samples as one batch; the samples' sums are added in order, so that it depends on nothing else.
public final class Validator {
  private let execution: Execution
  private let loss: any Loss
  private let targets: TargetBuffer
  private let source: any BatchSource
  private let team: ThreadTeam
  private let width: Int
  private let channels: Int
  /// Classes of labels.
  private let classes: Int
  private let threshold: Float
  /// Sums of each sample of a batch.
  private let sums: AlignedBuffer<Double>
  /// `[sample, true class, predicted class]`.
  private let counts: AlignedBuffer<Int64>
  /// Planes of the output's shape for each thread.
  private let scratch: AlignedBuffer<Float>

  /// - Parameters:
  ///   - plan: of the network for inference.
  ///   - source: its epoch 0 is the validation part.
  ///   - batch: samples that are computed at once.
  ///   - threshold: of one output channel, above which a pixel is of class 1: 0 for logits.
  /// - Throws: `LossError` when the loss has no meaning for the target or the output.
  public init(
    _ plan: Plan, loss: any Loss, target: TargetKind, source: any BatchSource, batch: Int, threshold: Float = 0,
    team: ThreadTeam
  ) throws(LossError) {
    channels = plan.outputShape.channels
    classes = max(channels, 2)
    self.threshold = threshold
    try loss.check(target: target, channels: channels)
    self.loss = loss
    self.source = source
    self.team = team
    execution = Execution(plan, samplesPerShard: 1, shards: max(1, min(batch, source.samplesPerEpoch)), team: team)
    targets = TargetBuffer(target, pixels: plan.outputShape.pixels, samples: execution.capacity)
    width = loss.width(channels: channels)
    sums = AlignedBuffer(count: width * (execution.capacity + 1))
    counts = AlignedBuffer(count: target.hasLabels ? classes * classes * execution.capacity : 0)
    scratch = AlignedBuffer(count: team.size * execution.output(0).geometry.sampleStride)
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
    return (loss.value(sums: total, channels: channels), metrics)
  }

  private func judge(_ sample: Int, thread: Int) {
    let output = execution.output(sample)
    let geometry = output.geometry
    let planes = FeaturePlanes(
      base: scratch.pointer + thread * geometry.sampleStride + geometry.lead, geometry: geometry, channels: channels)
    let target = targets[sample]
    loss.writeSums(
      LossSample(output: output, target: target, gradient: planes), to: sums.pointer + width * sample)
    guard counts.count > 0 else { return }
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
