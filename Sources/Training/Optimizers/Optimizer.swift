import CKernels
import Host

/// Moves parameters against their gradients, step by step as the optimizer of the same name in `torch.optim`.
///
/// All methods are cases of one kernel (`tutti_optimize`); what differs are its scalars, which a method computes in
/// double precision. The state is up to three buffers as long as the parameters that are moved here. A step allocates
/// nothing.
public final class Optimizer {
  /// The method, with rate and weight decay.
  public let settings: OptimizerSettings
  /// The learning rate of the next step: the settings' one until a schedule changes it.
  public var rate: Double
  /// Steps done.
  public private(set) var steps = 0
  /// The product of all momenta so far, of methods whose momentum changes.
  private var momentumProduct = 1.0
  private let method: any OptimizerMethod
  private let kept: OptimizerState
  /// The method's running means and sums, each as long as `held`: in the order of the kernel, those that it has.
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
    method = settings.method
    kept = settings.method.state
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
    first = buffer(!kept.isDisjoint(with: [.gradients, .dividedGradients]))
    second = buffer(kept.contains(.squares), filled: method.initialSquares)
    third = buffer(!kept.isDisjoint(with: [.largestSquares, .center]))
    state = buffers
  }

  /// Bytes that the state takes.
  public static func bytes(_ settings: OptimizerSettings, count: Int) -> Int {
    4 * count * settings.method.state.bufferCount
  }

  /// Moves the parameters one step against the gradients.
  public func step(
    parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, team: ThreadTeam
  ) {
    let begin = team.timeline.start()
    defer { team.timeline.end(.update, begin) }
    steps += 1
    var step = OptimizerStep(
      time: steps, rate: rate, decay: settings.weightDecay, momentumProduct: momentumProduct)
    method.set(&step)
    momentumProduct = step.momentumProduct
    var kernel = step.kernel(kept)
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
    /// Steps done.
    public var steps: Int
    /// The learning rate of the next step.
    public var rate: Double
    /// The product of all momenta so far.
    public var momentumProduct: Double

    /// Progress after so many steps.
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
