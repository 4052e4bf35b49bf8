#if canImport(Glibc)
  import Glibc
#endif

/// How the learning rate changes during training, named and preset as in `torch.optim.lr_scheduler`.
///
/// A rate is a function of the schedule's time, counted from 0 in epochs or in steps, and for `plateau` of what was watched
/// before. Nothing is multiplied from step to step, so a run that goes on elsewhere meets the same rates.
///
/// Files hold one object, the name and beside it the settings: `{"name": "cosine", "warm-up": 5}`.
public struct RateSchedule: Hashable, Sendable {
  public var shape: Shape
  /// What time is counted in.
  public var unit: Unit
  /// Times of linear rise from `warmUpStart` × the rate before the shape begins (`LinearLR`, then `SequentialLR`).
  public var warmUp: Int
  public var warmUpStart: Double

  public enum Unit: String, Codable, Hashable, Sendable, CaseIterable {
    case epoch, step
  }

  /// How the rate goes after the warm-up; a length of nil is what remains of the training.
  public enum Shape: Hashable, Sendable {
    case constant
    /// × `gamma` every `size` (`StepLR`).
    case step(size: Int, gamma: Double = 0.1)
    /// × `gamma` at each milestone (`MultiStepLR`).
    case multistep(milestones: [Int], gamma: Double = 0.1)
    /// × `gamma` every time (`ExponentialLR`).
    case exponential(gamma: Double)
    /// Half a cosine down to `minimum` over `length` (`CosineAnnealingLR`).
    case cosine(length: Int? = nil, minimum: Double = 0)
    /// Half cosines, each `factor` times as long as the one before (`CosineAnnealingWarmRestarts`; Loshchilov and Hutter,
    /// arXiv 1608.03983).
    case cosineWarmRestarts(first: Int, factor: Int = 1, minimum: Double = 0)
    /// Up to `maximum` and down again (`OneCycleLR`; Smith and Topin, arXiv 1708.07120). The rate given with the optimizer
    /// does not matter.
    case oneCycle(OneCycle)
    /// From `start` × the rate to `end` × the rate over `length`, then constant (`LinearLR`).
    case linear(start: Double = 1.0 / 3, end: Double = 1, length: Int? = nil)
    /// × (1 − time ÷ `length`)^`power` (`PolynomialLR`).
    case polynomial(length: Int? = nil, power: Double = 1)
    /// × `factor` when what is watched has not fallen for a while (`ReduceLROnPlateau`).
    case plateau(Plateau)
  }

  /// Settings of `OneCycleLR`; the rate goes by cosines, in two phases.
  public struct OneCycle: Hashable, Sendable {
    public var maximum: Double
    public var length: Int?
    /// The part of the cycle in which the rate rises.
    public var rise: Double
    /// `maximum` over the first rate.
    public var divisor: Double
    /// The first rate over the last.
    public var finalDivisor: Double

    public init(
      maximum: Double, length: Int? = nil, rise: Double = 0.3, divisor: Double = 25, finalDivisor: Double = 1e4
    ) {
      self.maximum = maximum
      self.length = length
      self.rise = rise
      self.divisor = divisor
      self.finalDivisor = finalDivisor
    }
  }

  /// Settings of `ReduceLROnPlateau` in its mode `min` with a relative threshold.
  public struct Plateau: Hashable, Sendable {
    public var factor: Double
    /// Epochs without an improvement that are let pass.
    public var patience: Int
    /// An improvement is a fall by more than this part.
    public var threshold: Double
    /// Epochs after a change that do not count.
    public var cooldown: Int
    public var minimum: Double

    public init(
      factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4, cooldown: Int = 0, minimum: Double = 0
    ) {
      self.factor = factor
      self.patience = patience
      self.threshold = threshold
      self.cooldown = cooldown
      self.minimum = minimum
    }
  }

  public init(_ shape: Shape = .constant, per unit: Unit = .epoch, warmUp: Int = 0, warmUpStart: Double = 0.1) {
    self.shape = shape
    self.unit = unit
    self.warmUp = warmUp
    self.warmUpStart = warmUpStart
  }

  public static let constant = RateSchedule()

  /// The rate at a time.
  ///
  /// - Parameters:
  ///   - base: the optimizer's rate.
  ///   - total: times of the whole training, the warm-up included.
  ///   - plateau: what a `plateau` schedule has seen so far.
  public func rate(at time: Int, of total: Int, base: Double, plateau: PlateauWatch = PlateauWatch()) -> Double {
    if time < warmUp { return base * (warmUpStart + (1 - warmUpStart) * Double(time) / Double(warmUp)) }
    return rate(after: time - warmUp, of: max(1, total - warmUp), base, plateau)
  }

  private func rate(after time: Int, of total: Int, _ base: Double, _ plateau: PlateauWatch) -> Double {
    let t = Double(time)
    switch shape {
    case .constant: return base
    case .step(let size, let gamma): return base * pow(gamma, Double(time / size))
    case .multistep(let milestones, let gamma):
      return base * pow(gamma, Double(milestones.count { $0 <= time }))
    case .exponential(let gamma): return base * pow(gamma, t)
    case .cosine(let length, let minimum):
      return Self.halfCosine(from: base, to: minimum, t / Double(length ?? total))
    case .cosineWarmRestarts(let first, let factor, let minimum):
      var (start, length) = (0, first)
      while time >= start + length {
        start += length
        length *= factor
      }
      return Self.halfCosine(from: base, to: minimum, Double(time - start) / Double(length))
    case .oneCycle(let cycle): return cycle.rate(at: t, of: total)
    case .linear(let start, let end, let length):
      let length = length ?? total
      return base * (start + (end - start) * Double(min(time, length)) / Double(length))
    case .polynomial(let length, let power):
      let length = length ?? total
      return base * pow(1 - Double(min(time, length)) / Double(length), power)
    case .plateau: return plateau.rate ?? base
    }
  }

  fileprivate static func halfCosine(from start: Double, to end: Double, _ part: Double) -> Double {
    end + (start - end) * (1 + cos(.pi * part)) / 2
  }
}

extension RateSchedule.OneCycle {
  func rate(at time: Double, of total: Int) -> Double {
    let length = Double(self.length ?? total)
    let first = maximum / divisor
    let last = first / finalDivisor
    let top = rise * length - 1
    if time <= top, top > 0 { return RateSchedule.halfCosine(from: first, to: maximum, time / top) }
    let end = length - 1
    return RateSchedule.halfCosine(from: maximum, to: last, min(1, (time - top) / max(1, end - top)))
  }
}

/// What a plateau schedule remembers.
public struct PlateauWatch: Codable, Hashable, Sendable {
  /// The rate that holds; nil before the first change.
  public var rate: Double?
  public var best: Double?
  /// Epochs since the last improvement.
  public var waited = 0
  /// Epochs of cooling down that are left.
  public var cooling = 0

  public init() {}

  /// Takes note of an epoch's loss, as `ReduceLROnPlateau.step`.
  public mutating func note(_ loss: Double, _ settings: RateSchedule.Plateau, base: Double) {
    if best.map({ loss < $0 * (1 - settings.threshold) }) ?? true {
      best = loss
      waited = 0
    } else {
      waited += 1
    }
    if cooling > 0 {
      cooling -= 1
      waited = 0
    }
    guard waited > settings.patience else { return }
    let old = rate ?? base
    let new = max(old * settings.factor, settings.minimum)
    // PyTorch's eps: a smaller change is none.
    if old - new > 1e-8 { rate = new }
    cooling = settings.cooldown
    waited = 0
  }
}
