import CKernels

#if canImport(Glibc)
  import Glibc
#endif

/// The scalars of an optimizer's steps, as `torch.optim` has them.
struct OptimizerRule {
  private let settings: OptimizerSettings
  /// What the kernel has to keep (`TUTTI_FIRST` and so on).
  let parts: Int
  /// What the sum of squares begins with.
  let initialSecond: Double

  init(_ settings: OptimizerSettings) {
    self.settings = settings
    var parts = 0
    var initialSecond = 0.0
    switch settings.method {
    case .sgd(let momentum, _, _): if momentum != 0 { parts = TUTTI_FIRST }
    case .adam(_, _, let amsgrad), .adamw(_, _, let amsgrad):
      parts = TUTTI_FIRST | TUTTI_SECOND | (amsgrad ? TUTTI_LARGEST : 0)
    case .nadam, .radam: parts = TUTTI_FIRST | TUTTI_SECOND
    case .rmsprop(_, _, let momentum, let centered):
      parts = TUTTI_SECOND | (centered ? TUTTI_CENTERED : 0) | (momentum > 0 ? TUTTI_DIVIDED_FIRST : 0)
    case .adagrad(_, let accumulator, _):
      parts = TUTTI_SECOND
      initialSecond = accumulator
    }
    self.parts = parts
    self.initialSecond = initialSecond
  }

  func has(_ part: Int) -> Bool { parts & part != 0 }

  var bufferCount: Int {
    [TUTTI_FIRST | TUTTI_DIVIDED_FIRST, TUTTI_SECOND, TUTTI_LARGEST | TUTTI_CENTERED].count { parts & $0 != 0 }
  }

  /// The kernel's scalars in step `t`, counted from 1.
  ///
  /// - Parameter momentumProduct: of NAdam, over the steps before; moved on.
  func step(_ t: Int, rate: Double, momentumProduct: inout Double) -> tutti_optimizer_step {
    var s = Scalars(rate: rate, decay: settings.weightDecay)
    let time = Double(t)
    switch settings.method {
    case .sgd(let momentum, let dampening, let nesterov):
      guard momentum != 0 else {
        s.direct = rate
        break
      }
      // The first step begins the running sum with the whole gradient.
      s.keepFirst = t == 1 ? 0 : momentum
      s.blendFirst = t == 1 ? 1 : 1 - dampening
      s.direct = nesterov ? rate : 0
      s.through = nesterov ? rate * momentum : rate
    case .adam(let betas, let epsilon, _):
      s.setMoments(betas, epsilon: epsilon, time: time)
    case .adamw(let betas, let epsilon, _):
      s.decouple()
      s.setMoments(betas, epsilon: epsilon, time: time)
    case .nadam(let betas, let epsilon, let momentumDecay, let decoupled):
      if decoupled { s.decouple() }
      s.setMoments(betas, epsilon: epsilon, time: time)
      // Dozat, "Incorporating Nesterov momentum into Adam".
      let now = betas.first * (1 - 0.5 * pow(0.96, time * momentumDecay))
      let next = betas.first * (1 - 0.5 * pow(0.96, (time + 1) * momentumDecay))
      momentumProduct *= now
      s.direct = rate * (1 - now) / (1 - momentumProduct)
      s.through = rate * next / (1 - momentumProduct * next)
    case .radam(let betas, let epsilon, let decoupled):
      if decoupled { s.decouple() }
      s.setMoments(betas, epsilon: epsilon, time: time)
      s.rectify(betas, time: time)
    case .rmsprop(let alpha, let epsilon, let momentum, _):
      s.keepSecond = alpha
      s.blendSecond = 1 - alpha
      s.epsilon = epsilon
      s.keepFirst = momentum
      s.blendFirst = 1
      s.direct = rate
      s.through = rate
    case .adagrad(let rateDecay, _, let epsilon):
      s.keepSecond = 1
      s.blendSecond = 1
      s.epsilon = epsilon
      s.direct = rate / (1 + (time - 1) * rateDecay)
    }
    return s.kernel(parts: parts)
  }
}

/// The scalars before they are rounded.
private struct Scalars {
  let rate: Double
  var decay: Double
  var shrink = 1.0
  var keepFirst = 0.0
  var blendFirst = 0.0
  var keepSecond = 0.0
  var blendSecond = 0.0
  var root = 1.0
  var epsilon = 0.0
  var direct = 0.0
  var through = 0.0

  init(rate: Double, decay: Double) {
    self.rate = rate
    self.decay = decay
  }

  /// Decays the weights directly and not through the gradient (Loshchilov and Hutter, arXiv 1711.05101).
  mutating func decouple() {
    shrink = 1 - rate * decay
    decay = 0
  }

  /// Adam's running means and their bias corrections (Kingma and Ba, arXiv 1412.6980, algorithm 1).
  mutating func setMoments(_ betas: OptimizerSettings.Betas, epsilon: Double, time: Double) {
    keepFirst = betas.first
    blendFirst = 1 - betas.first
    keepSecond = betas.second
    blendSecond = 1 - betas.second
    root = (1 - pow(betas.second, time)).squareRoot()
    self.epsilon = epsilon
    through = rate / (1 - pow(betas.first, time))
  }

  /// The rectification of the variance (Liu et al., arXiv 1908.03265, algorithm 2), after `setMoments`.
  mutating func rectify(_ betas: OptimizerSettings.Betas, time: Double) {
    let power = pow(betas.second, time)
    let limit = 2 / (1 - betas.second) - 1
    let length = limit - 2 * time * power / (1 - power)
    guard length > 5 else {
      // Too few squares for a divisor: it becomes 1.
      root = .infinity
      epsilon = 1
      return
    }
    let numerator = (length - 4) * (length - 2) * limit
    through *= root * (numerator / ((limit - 4) * (limit - 2) * length)).squareRoot()
    root = 1
  }

  func kernel(parts: Int) -> tutti_optimizer_step {
    tutti_optimizer_step(
      parts: Int32(parts), decay: Float(decay), shrink: Float(shrink), keep_first: Float(keepFirst),
      blend_first: Float(blendFirst), keep_second: Float(keepSecond), blend_second: Float(blendSecond),
      root: Float(root), epsilon: Float(epsilon), direct: Float(direct), through: Float(through))
  }
}
