import CKernels
import Host

/// Moves parameters against their gradients, step by step as the optimizer of the same name in `torch.optim`.
///
/// All rules are cases of one kernel (`tutti_optimize`); what differs are its scalars, which are made here in double. The
/// state is up to three buffers as long as the parameters that are moved here. A step allocates nothing.
public final class Optimizer {
  public let settings: OptimizerSettings
  /// The learning rate of the next step: the settings' one until a schedule changes it.
  public var rate: Double
  /// Steps done.
  public private(set) var steps = 0
  /// NAdam's product of all momenta so far.
  private var momentumProduct = 1.0
  private let rule: OptimizerRule
  /// The rule's running means and sums, each as long as `held`: in the order of the kernel, those that it has.
  public let state: [AlignedBuffer<Float>]
  private let first: UnsafeMutablePointer<Float>?
  private let second: UnsafeMutablePointer<Float>?
  private let third: UnsafeMutablePointer<Float>?
  private let blocks: ParameterBlocks
  /// The parameters that are moved here, and that `state` belongs to.
  public let held: Range<Int>

  /// - Parameters:
  ///   - count: of parameters.
  ///   - trainable: what is moved; the other parameters are frozen. Ranges ascend and do not overlap; nil: all.
  ///   - held: what is moved here, where processes divide the parameters among them; nil: all.
  public init(
    _ settings: OptimizerSettings, count: Int, trainable: [Range<Int>]? = nil, held: Range<Int>? = nil
  ) {
    self.settings = settings
    rate = settings.rate
    rule = settings.rule
    let trainable = trainable ?? [0..<count]
    precondition(trainable.allSatisfy { $0.upperBound <= count }, "a trainable range ends beyond the parameters")
    let held = held ?? 0..<count
    self.held = held
    blocks = ParameterBlocks(of: trainable.map { $0.clamped(to: held) }.filter { !$0.isEmpty })
    var buffers: [AlignedBuffer<Float>] = []
    func buffer(_ isNeeded: Bool, filled value: Double = 0) -> UnsafeMutablePointer<Float>? {
      guard isNeeded else { return nil }
      let buffer = AlignedBuffer<Float>(count: held.count)
      if value != 0 { buffer.pointer.update(repeating: Float(value), count: held.count) }
      buffers.append(buffer)
      return buffer.pointer
    }
    first = buffer(rule.has(TUTTI_FIRST) || rule.has(TUTTI_DIVIDED_FIRST))
    second = buffer(rule.has(TUTTI_SECOND), filled: rule.initialSecond)
    third = buffer(rule.has(TUTTI_LARGEST) || rule.has(TUTTI_CENTERED))
    state = buffers
  }

  /// Bytes that the state takes.
  public static func bytes(_ settings: OptimizerSettings, count: Int) -> Int {
    4 * count * settings.rule.bufferCount
  }

  /// Moves the parameters one step against the gradients.
  public func step(
    parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, team: ThreadTeam
  ) {
    let begin = team.timeline.start()
    defer { team.timeline.end(.update, begin) }
    steps += 1
    var kernel = rule.step(steps, rate: rate, momentumProduct: &momentumProduct)
    withUnsafePointer(to: &kernel) { kernel in
      team.run(count: blocks.count) { index, _ in
        let (start, count) = blocks[index]
        let place = start - held.lowerBound
        tutti_optimize(
          kernel, parameters + start, gradients + start, first.map { $0 + place }, second.map { $0 + place },
          third.map { $0 + place }, count)
      }
    }
  }
}

extension Optimizer {
  /// What the state is besides the buffers.
  public struct Progress: Codable, Hashable, Sendable {
    public var steps: Int
    public var rate: Double
    public var momentumProduct: Double

    public init(steps: Int = 0, rate: Double, momentumProduct: Double = 1) {
      self.steps = steps
      self.rate = rate
      self.momentumProduct = momentumProduct
    }
  }

  /// With `state` all that the next steps depend on.
  public var progress: Progress {
    get { Progress(steps: steps, rate: rate, momentumProduct: momentumProduct) }
    set {
      steps = newValue.steps
      rate = newValue.rate
      momentumProduct = newValue.momentumProduct
    }
  }
}
