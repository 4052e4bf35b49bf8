import CKernels
import Host
import Settings

/// An optimizer that a job file can name: its settings, what it keeps from step to step, and the scalars of each step,
/// as the optimizer of the same name in `torch.optim`.
///
/// The rate and the weight decay, which all have, are in `OptimizerSettings`. To add an optimizer, write a file with a
/// type that conforms, and a line in `Optimizers.all`.
public protocol OptimizerMethod: NamedSection {
  /// PyTorch's learning rate when none is given.
  static var defaultRate: Double { get }
  /// PyTorch's weight decay when none is given.
  static var defaultWeightDecay: Double { get }

  /// What is kept for every parameter.
  var state: OptimizerState { get }
  /// What the means of squares begin with.
  var initialSquares: Double { get }

  /// What settings that are right by themselves contradict each other, with the key that is named for it; nil: none.
  var contradiction: SettingError? { get }

  /// Sets the scalars of a step.
  func set(_ step: inout OptimizerStep)
}

extension OptimizerMethod {
  public static var defaultRate: Double { 1e-3 }
  public static var defaultWeightDecay: Double { 0 }
  public var initialSquares: Double { 0 }
  public var contradiction: SettingError? { nil }
}

/// What an optimizer keeps for every parameter from step to step.
public struct OptimizerState: OptionSet, Hashable, Sendable {
  /// Flags of the kernel, `TUTTI_FIRST` and so on.
  public let rawValue: Int

  public init(rawValue: Int) { self.rawValue = rawValue }

  /// A running sum of gradients.
  public static let gradients = OptimizerState(rawValue: TUTTI_FIRST)
  /// A running sum of gradients that were divided by the root of their squares.
  public static let dividedGradients = OptimizerState(rawValue: TUTTI_DIVIDED_FIRST)
  /// A running sum of squares.
  public static let squares = OptimizerState(rawValue: TUTTI_SECOND)
  /// The largest value that each sum of squares had so far.
  public static let largestSquares = OptimizerState(rawValue: TUTTI_LARGEST)
  /// A running mean of gradients, which is taken off the squares.
  public static let center = OptimizerState(rawValue: TUTTI_CENTERED)

  /// Buffers as long as the parameters that hold it.
  var bufferCount: Int {
    [[.gradients, .dividedGradients], .squares, [.largestSquares, .center]].count { !isDisjoint(with: $0) }
  }
}

/// The scalars of one step of an optimizer, before they are rounded to `Float`; `tutti_optimize` has the formula that
/// they are put in.
public struct OptimizerStep {
  /// Steps with this one.
  public let time: Double
  /// The learning rate.
  public let rate: Double
  /// What is added to the gradient, relative to the weight.
  public var decay: Double
  /// What weights are multiplied by beforehand.
  public var shrink = 1.0
  /// What remains of the sum of gradients, and the factor of the new gradient in it.
  public var keepFirst = 0.0
  /// The factor of a new gradient in the sum of gradients.
  public var blendFirst = 0.0
  /// What remains of the sum of squares, and the factor of the new square in it.
  public var keepSecond = 0.0
  /// The factor of a new square in the sum of squares.
  public var blendSecond = 0.0
  /// What the root of the squares is divided by.
  public var root = 1.0
  /// What is added to the divisor.
  public var epsilon = 0.0
  /// The factor of the gradient in the move.
  public var direct = 0.0
  /// The factor of the sum of gradients in the move.
  public var through = 0.0
  /// The product of all momenta so far, of optimizers whose momentum changes.
  public var momentumProduct: Double

  init(time: Int, rate: Double, decay: Double, momentumProduct: Double) {
    self.time = Double(time)
    self.rate = rate
    self.decay = decay
    self.momentumProduct = momentumProduct
  }

  /// Decays the weights directly and not through the gradient (Loshchilov and Hutter, arXiv 1711.05101).
  public mutating func decouple() {
    shrink = 1 - rate * decay
    decay = 0
  }

  /// Adam's running means and their bias corrections (Kingma and Ba, arXiv 1412.6980, algorithm 1).
  public mutating func setMoments(_ betas: Betas, epsilon: Double) {
    keepFirst = betas.first
    blendFirst = 1 - betas.first
    keepSecond = betas.second
    blendSecond = 1 - betas.second
    root = (1 - Elementary.pow(betas.second, time)).squareRoot()
    self.epsilon = epsilon
    through = rate / (1 - Elementary.pow(betas.first, time))
  }

  func kernel(_ state: OptimizerState) -> tutti_optimizer_step {
    tutti_optimizer_step(
      parts: Int32(state.rawValue), decay: Float(decay), shrink: Float(shrink), keep_first: Float(keepFirst),
      blend_first: Float(blendFirst), keep_second: Float(keepSecond), blend_second: Float(blendSecond),
      root: Float(root), epsilon: Float(epsilon), direct: Float(direct), through: Float(through))
  }
}

/// How much of the running means of gradients and of their squares remains in a step.
public struct Betas: Hashable, SettingConvertible {
  /// Of the running mean of gradients.
  public var first: Double
  /// Of the running mean of squares.
  public var second: Double

  /// Adam's defaults are 0.9 and 0.999.
  public init(_ first: Double = 0.9, _ second: Double = 0.999) {
    self.first = first
    self.second = second
  }

  public init(settingValue value: SettingValue) throws(SettingError) {
    let values = try [Double](settingValue: value)
    guard values.count == 2 else { throw SettingError("two numbers belong here, not \(values.count)") }
    self.init(values[0], values[1])
  }

  public var settingValue: SettingValue { [.number(first), .number(second)] }
}

extension SettingDeclaration.Kind {
  /// A part of something, less than all of it.
  static let part = SettingDeclaration.Kind.number(.atLeast(0, below: 1))
}

extension Setting where Section: OptimizerMethod {
  static func betas(_ path: WritableKeyPath<Section, Betas> & Sendable) -> Setting {
    Setting("betas", path, .list(of: .part, 2), "decay of the running means of gradients and squares")
  }

  static func epsilon(_ path: WritableKeyPath<Section, Double> & Sendable) -> Setting {
    Setting("epsilon", path, .number(.above(0, limit: 1e6)), "added to the divisor")
  }

  static func amsgrad(_ path: WritableKeyPath<Section, Bool> & Sendable) -> Setting {
    Setting("amsgrad", path, .boolean, "whether to divide by the largest mean of squares so far (arXiv 1904.09237)")
  }

  static func decoupled(_ path: WritableKeyPath<Section, Bool> & Sendable) -> Setting {
    Setting(
      "decoupled", path, .boolean, "whether weight decay acts on the weights, as in AdamW, and not on the gradient")
  }
}
