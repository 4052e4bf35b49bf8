extension RateSchedule: Codable {
  /// The names in job files.
  public enum Name: String, Codable, Hashable, Sendable, CaseIterable {
    case constant, step, multistep, exponential, cosine, linear, polynomial, plateau
    case cosineWarmRestarts = "cosine-warm-restarts"
    case oneCycle = "one-cycle"
  }

  public var name: Name {
    switch shape {
    case .constant: .constant
    case .step: .step
    case .multistep: .multistep
    case .exponential: .exponential
    case .cosine: .cosine
    case .cosineWarmRestarts: .cosineWarmRestarts
    case .oneCycle: .oneCycle
    case .linear: .linear
    case .polynomial: .polynomial
    case .plateau: .plateau
    }
  }

  /// The keys of job files.
  public enum Key: String, CodingKey, CaseIterable {
    case name, per, size, gamma, milestones, length, minimum, first, factor, maximum, rise, divisor, start, end, power
    case patience, threshold, cooldown
    case finalDivisor = "final-divisor"
    case warmUp = "warm-up"
    case warmUpStart = "warm-up-start"
  }

  /// Settings left out have PyTorch's defaults; those that it has none for must be given.
  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func need<Value: Decodable>(_ key: Key) throws -> Value { try container.decode(Value.self, forKey: key) }
    func value<Value: Decodable>(_ key: Key, _ standard: Value) throws -> Value {
      try container.decodeIfPresent(Value.self, forKey: key) ?? standard
    }
    let length = try container.decodeIfPresent(Int.self, forKey: .length)
    let minimum = try value(.minimum, 0.0)
    switch try container.decode(Name.self, forKey: .name) {
    case .constant: shape = .constant
    case .step: shape = .step(size: try need(.size), gamma: try value(.gamma, 0.1))
    case .multistep: shape = .multistep(milestones: try need(.milestones), gamma: try value(.gamma, 0.1))
    case .exponential: shape = .exponential(gamma: try need(.gamma))
    case .cosine: shape = .cosine(length: length, minimum: minimum)
    case .cosineWarmRestarts:
      shape = .cosineWarmRestarts(first: try need(.first), factor: try value(.factor, 1), minimum: minimum)
    case .oneCycle:
      let standard = OneCycle(maximum: try need(.maximum), length: length)
      shape = .oneCycle(
        OneCycle(
          maximum: standard.maximum, length: length, rise: try value(.rise, standard.rise),
          divisor: try value(.divisor, standard.divisor),
          finalDivisor: try value(.finalDivisor, standard.finalDivisor)))
    case .linear:
      shape = .linear(start: try value(.start, 1.0 / 3), end: try value(.end, 1), length: length)
    case .polynomial: shape = .polynomial(length: length, power: try value(.power, 1))
    case .plateau:
      let standard = Plateau()
      shape = .plateau(
        Plateau(
          factor: try value(.factor, standard.factor), patience: try value(.patience, standard.patience),
          threshold: try value(.threshold, standard.threshold), cooldown: try value(.cooldown, standard.cooldown),
          minimum: minimum))
    }
    unit = try value(.per, .epoch)
    warmUp = try value(.warmUp, 0)
    warmUpStart = try value(.warmUpStart, 0.1)
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(unit, forKey: .per)
    try container.encode(warmUp, forKey: .warmUp)
    try container.encode(warmUpStart, forKey: .warmUpStart)
    switch shape {
    case .constant: break
    case .step(let size, let gamma):
      try container.encode(size, forKey: .size)
      try container.encode(gamma, forKey: .gamma)
    case .multistep(let milestones, let gamma):
      try container.encode(milestones, forKey: .milestones)
      try container.encode(gamma, forKey: .gamma)
    case .exponential(let gamma): try container.encode(gamma, forKey: .gamma)
    case .cosine(let length, let minimum):
      try container.encodeIfPresent(length, forKey: .length)
      try container.encode(minimum, forKey: .minimum)
    case .cosineWarmRestarts(let first, let factor, let minimum):
      try container.encode(first, forKey: .first)
      try container.encode(factor, forKey: .factor)
      try container.encode(minimum, forKey: .minimum)
    case .oneCycle(let cycle):
      try container.encode(cycle.maximum, forKey: .maximum)
      try container.encodeIfPresent(cycle.length, forKey: .length)
      try container.encode(cycle.rise, forKey: .rise)
      try container.encode(cycle.divisor, forKey: .divisor)
      try container.encode(cycle.finalDivisor, forKey: .finalDivisor)
    case .linear(let start, let end, let length):
      try container.encode(start, forKey: .start)
      try container.encode(end, forKey: .end)
      try container.encodeIfPresent(length, forKey: .length)
    case .polynomial(let length, let power):
      try container.encodeIfPresent(length, forKey: .length)
      try container.encode(power, forKey: .power)
    case .plateau(let plateau):
      try container.encode(plateau.factor, forKey: .factor)
      try container.encode(plateau.patience, forKey: .patience)
      try container.encode(plateau.threshold, forKey: .threshold)
      try container.encode(plateau.cooldown, forKey: .cooldown)
      try container.encode(plateau.minimum, forKey: .minimum)
    }
  }
}
