import CKernels
import Host
import Settings

/// An average of weights over steps, to predict with.
public struct AveragingSettings: SettingsSection {
  public static let settings: [Setting<Self>] = [
    Setting("decay", \.decay, .number(.from(0...1)), "what remains of the average in a step"),
    Setting(
      "warm-up", \.warmUp, .boolean,
      "whether the decay is at most (1 + steps) / (10 + steps), so that the first weights are soon forgotten"),
  ]

  /// What remains of the average in a step.
  public var decay: Double
  /// Whether the decay is at most (1 + steps) ÷ (10 + steps), so that the initial weights are soon forgotten.
  public var warmUp: Bool

  public init() { self.init(decay: 0.999) }

  /// An average of which `decay` remains in a step.
  public init(decay: Double = 0.999, warmUp: Bool = true) {
    self.decay = decay
    self.warmUp = warmUp
  }
}

/// An exponential moving average of a network's weights and running statistics (`torch.optim.swa_utils.AveragedModel`
/// with `get_ema_multi_avg_fn` and buffers; Polyak and Juditsky, doi:10.1137/0330046).
public final class WeightAverage {
  /// The decay.
  public let settings: AveragingSettings
  /// The average of the weights.
  public let parameters: AlignedBuffer<Float>
  /// The average of the running statistics.
  public let statistics: AlignedBuffer<Float>
  /// Steps that the average has seen.
  public internal(set) var steps = 0
  private let blocks: [ParameterBlocks]

  /// An average of so many weights and statistics.
  public init(_ settings: AveragingSettings, parameters: Int, statistics: Int) {
    self.settings = settings
    self.parameters = AlignedBuffer(count: parameters)
    self.statistics = AlignedBuffer(count: statistics)
    blocks = [parameters, statistics].map { ParameterBlocks(of: [0..<$0]) }
  }

  /// Moves the average towards the weights after a step; it begins with those of the first.
  public func update(
    parameters: UnsafePointer<Float>, statistics: UnsafePointer<Float>, team: ThreadTeam
  ) {
    let limit = settings.warmUp ? Double(1 + steps) / Double(10 + steps) : 1
    let part = steps == 0 ? 1 : Float(1 - min(settings.decay, limit))
    steps += 1
    move(self.parameters.pointer, towards: parameters, part, blocks[0], team)
    move(self.statistics.pointer, towards: statistics, part, blocks[1], team)
  }

  private func move(
    _ average: UnsafeMutablePointer<Float>, towards values: UnsafePointer<Float>, _ part: Float,
    _ blocks: ParameterBlocks, _ team: ThreadTeam
  ) {
    team.run(count: blocks.count) { index, _ in
      let (start, count) = blocks[index]
      if part == 1 {
        (average + start).update(from: values + start, count: count)
      } else {
        tutti_lerp(average + start, values + start, part, count)
      }
    }
  }
}
