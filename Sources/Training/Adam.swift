import CKernels
import Tensors

#if canImport(Glibc)
  import Glibc
#endif

/// The optimizer of Kingma and Ba (arXiv 1412.6980), step by step as `torch.optim.Adam`, or `AdamW` when decay is decoupled.
public final class Adam {
  public struct Settings: Hashable, Sendable, Codable {
    public var rate: Double
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    public var weightDecay: Double
    /// Decay the weights directly (Loshchilov and Hutter, arXiv 1711.05101) and not through the gradient.
    public var decoupled: Bool

    public init(
      rate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
      weightDecay: Double = 0, decoupled: Bool = false
    ) {
      self.rate = rate
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
      self.decoupled = decoupled
    }
  }

  public var settings: Settings
  /// Steps done.
  public var steps = 0
  /// First and second moments of the gradients, as long as the parameters.
  public let firstMoments: AlignedBuffer<Float>
  public let secondMoments: AlignedBuffer<Float>

  public init(_ settings: Settings, count: Int) {
    self.settings = settings
    firstMoments = AlignedBuffer(count: count)
    secondMoments = AlignedBuffer(count: count)
  }

  /// Moves the parameters one step against the gradients.
  public func step(
    parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, team: ThreadTeam
  ) {
    steps += 1
    var kernel = tutti_adam(
      rate: settings.rate, beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
      weight_decay: settings.weightDecay, correction1: 1 - pow(settings.beta1, Double(steps)),
      correction2: 1 - pow(settings.beta2, Double(steps)), decoupled: settings.decoupled)
    let count = firstMoments.count
    let piece = 65536
    withUnsafePointer(to: &kernel) { kernel in
      team.run(count: (count + piece - 1) / piece) { index, _ in
        let first = index * piece
        tutti_adam_step(
          kernel, parameters + first, gradients + first, firstMoments.pointer + first, secondMoments.pointer + first,
          min(piece, count - first))
      }
    }
  }
}
