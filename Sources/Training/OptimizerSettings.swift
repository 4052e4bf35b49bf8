/// An optimizer and its settings, named and preset as in `torch.optim`.
///
/// Files hold one object, the name and beside it the settings: `{"name": "adam", "rate": 0.001}`.
public struct OptimizerSettings: Hashable, Sendable {
  /// The learning rate.
  public var rate: Double
  /// What is taken off a weight in a step, relative to the weight: through the gradient, or directly where decoupled.
  public var weightDecay: Double
  public var method: Method

  /// How much of the running means of gradients and of their squares remains in a step.
  public struct Betas: Hashable, Sendable {
    public var first: Double
    public var second: Double

    public init(_ first: Double = 0.9, _ second: Double = 0.999) {
      self.first = first
      self.second = second
    }
  }

  public enum Method: Hashable, Sendable {
    /// Gradient descent; the momentum may be Nesterov's (Sutskever et al., ICML 2013).
    case sgd(momentum: Double = 0, dampening: Double = 0, nesterov: Bool = false)
    /// Kingma and Ba (arXiv 1412.6980); with `amsgrad` Reddi et al. (arXiv 1904.09237).
    case adam(betas: Betas = Betas(), epsilon: Double = 1e-8, amsgrad: Bool = false)
    /// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).
    case adamw(betas: Betas = Betas(), epsilon: Double = 1e-8, amsgrad: Bool = false)
    /// Hinton's lecture 6e; centered as in Graves (arXiv 1308.0850).
    case rmsprop(alpha: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0, centered: Bool = false)
    /// Duchi, Hazan and Singer (JMLR 12, 2011).
    case adagrad(rateDecay: Double = 0, initialAccumulator: Double = 0, epsilon: Double = 1e-10)
    /// Adam with Nesterov's momentum (Dozat, 2016).
    case nadam(
      betas: Betas = Betas(), epsilon: Double = 1e-8, momentumDecay: Double = 0.004, decoupled: Bool = false)
    /// Adam with a rectified variance (Liu et al., arXiv 1908.03265).
    case radam(betas: Betas = Betas(), epsilon: Double = 1e-8, decoupled: Bool = false)
  }

  /// The names in job files.
  public enum Name: String, Codable, Hashable, Sendable, CaseIterable {
    case sgd, adam, adamw, rmsprop, adagrad, nadam, radam

    /// PyTorch's learning rate when none is given.
    public var defaultRate: Double {
      switch self {
      case .sgd, .adam, .adamw, .radam: 1e-3
      case .rmsprop, .adagrad: 1e-2
      case .nadam: 2e-3
      }
    }
  }

  public var name: Name {
    switch method {
    case .sgd: .sgd
    case .adam: .adam
    case .adamw: .adamw
    case .rmsprop: .rmsprop
    case .adagrad: .adagrad
    case .nadam: .nadam
    case .radam: .radam
    }
  }

  public init(_ method: Method, rate: Double, weightDecay: Double = 0) {
    self.method = method
    self.rate = rate
    self.weightDecay = weightDecay
  }

  /// An optimizer with PyTorch's defaults.
  public init(_ name: Name) {
    rate = name.defaultRate
    weightDecay = name == .adamw ? 0.01 : 0
    switch name {
    case .sgd: method = .sgd()
    case .adam: method = .adam()
    case .adamw: method = .adamw()
    case .rmsprop: method = .rmsprop()
    case .adagrad: method = .adagrad()
    case .nadam: method = .nadam()
    case .radam: method = .radam()
    }
  }

  /// Adam with PyTorch's defaults.
  public static func adam(rate: Double = 1e-3) -> OptimizerSettings { OptimizerSettings(.adam(), rate: rate) }

  var rule: OptimizerRule { OptimizerRule(self) }
}

// MARK: - Files

extension OptimizerSettings: Codable {
  /// The keys of job files.
  public enum Key: String, CodingKey, CaseIterable {
    case name, rate, betas, epsilon, momentum, dampening, nesterov, amsgrad, alpha, centered, decoupled
    case weightDecay = "weight-decay"
    case rateDecay = "rate-decay"
    case initialAccumulator = "initial-accumulator"
    case momentumDecay = "momentum-decay"
  }

  /// Settings left out have PyTorch's defaults.
  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let name = try container.decode(Name.self, forKey: .name)
    self.init(name)
    func value<Value: Decodable>(_ key: Key, _ standard: Value) throws -> Value {
      try container.decodeIfPresent(Value.self, forKey: key) ?? standard
    }
    rate = try value(.rate, rate)
    weightDecay = try value(.weightDecay, weightDecay)
    let betas = try value(.betas, Betas())
    switch method {
    case .sgd(let momentum, let dampening, let nesterov):
      method = .sgd(
        momentum: try value(.momentum, momentum), dampening: try value(.dampening, dampening),
        nesterov: try value(.nesterov, nesterov))
    case .adam(_, let epsilon, let amsgrad):
      method = .adam(betas: betas, epsilon: try value(.epsilon, epsilon), amsgrad: try value(.amsgrad, amsgrad))
    case .adamw(_, let epsilon, let amsgrad):
      method = .adamw(betas: betas, epsilon: try value(.epsilon, epsilon), amsgrad: try value(.amsgrad, amsgrad))
    case .rmsprop(let alpha, let epsilon, let momentum, let centered):
      method = .rmsprop(
        alpha: try value(.alpha, alpha), epsilon: try value(.epsilon, epsilon),
        momentum: try value(.momentum, momentum), centered: try value(.centered, centered))
    case .adagrad(let rateDecay, let accumulator, let epsilon):
      method = .adagrad(
        rateDecay: try value(.rateDecay, rateDecay),
        initialAccumulator: try value(.initialAccumulator, accumulator), epsilon: try value(.epsilon, epsilon))
    case .nadam(_, let epsilon, let momentumDecay, let decoupled):
      method = .nadam(
        betas: betas, epsilon: try value(.epsilon, epsilon), momentumDecay: try value(.momentumDecay, momentumDecay),
        decoupled: try value(.decoupled, decoupled))
    case .radam(_, let epsilon, let decoupled):
      method = .radam(
        betas: betas, epsilon: try value(.epsilon, epsilon), decoupled: try value(.decoupled, decoupled))
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(rate, forKey: .rate)
    try container.encode(weightDecay, forKey: .weightDecay)
    func encode(_ betas: Betas, _ epsilon: Double) throws {
      try container.encode(betas, forKey: .betas)
      try container.encode(epsilon, forKey: .epsilon)
    }
    switch method {
    case .sgd(let momentum, let dampening, let nesterov):
      try container.encode(momentum, forKey: .momentum)
      try container.encode(dampening, forKey: .dampening)
      try container.encode(nesterov, forKey: .nesterov)
    case .adam(let betas, let epsilon, let amsgrad), .adamw(let betas, let epsilon, let amsgrad):
      try encode(betas, epsilon)
      try container.encode(amsgrad, forKey: .amsgrad)
    case .rmsprop(let alpha, let epsilon, let momentum, let centered):
      try container.encode(alpha, forKey: .alpha)
      try container.encode(epsilon, forKey: .epsilon)
      try container.encode(momentum, forKey: .momentum)
      try container.encode(centered, forKey: .centered)
    case .adagrad(let rateDecay, let accumulator, let epsilon):
      try container.encode(rateDecay, forKey: .rateDecay)
      try container.encode(accumulator, forKey: .initialAccumulator)
      try container.encode(epsilon, forKey: .epsilon)
    case .nadam(let betas, let epsilon, let momentumDecay, let decoupled):
      try encode(betas, epsilon)
      try container.encode(momentumDecay, forKey: .momentumDecay)
      try container.encode(decoupled, forKey: .decoupled)
    case .radam(let betas, let epsilon, let decoupled):
      try encode(betas, epsilon)
      try container.encode(decoupled, forKey: .decoupled)
    }
  }
}

extension OptimizerSettings.Betas: Codable {
  public init(from decoder: Decoder) throws {
    var container = try decoder.unkeyedContainer()
    self.init(try container.decode(Double.self), try container.decode(Double.self))
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.unkeyedContainer()
    try container.encode(first)
    try container.encode(second)
  }
}
