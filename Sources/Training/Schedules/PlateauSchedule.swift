import Settings

/// The rate × `factor` when the watched loss has not fallen for a while (`ReduceLROnPlateau` in its mode `min` with a
/// relative threshold).
public struct PlateauSchedule: ScheduleShape {
  public static let name = "plateau"
  public static let meaning =
    "the rate falls when the validation loss (or training loss, where nothing validates) does not any more"
  public static let settings: [Setting<Self>] = [
    Setting("factor", \.factor, .number(.above(0, below: 1)), "what it is multiplied by"),
    Setting("patience", \.patience, .times(from: 0), "epochs without an improvement that are let pass"),
    Setting(
      "threshold", \.threshold, .number(.atLeast(0, below: 1)), "the part that an improvement must be more than"),
    Setting("cooldown", \.cooldown, .times(from: 0), "epochs after a fall that do not count"), .minimum(\.minimum),
  ]

  /// What the rate is multiplied by.
  public var factor: Double
  /// Epochs without an improvement that are let pass.
  public var patience: Int
  /// An improvement is a fall by more than this part.
  public var threshold: Double
  /// Epochs after a change that do not count.
  public var cooldown: Int
  /// The smallest rate.
  public var minimum: Double

  public init() { self.init(factor: 0.1) }

  /// Falls by `factor` after `patience` epochs without an improvement.
  public init(
    factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4, cooldown: Int = 0, minimum: Double = 0
  ) {
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.cooldown = cooldown
    self.minimum = minimum
  }

  public var dependsOnTotal: Bool { false }

  public func rate(at time: Int, of total: Int, base: Double) -> Double { base }

  public func adjusted(_ rate: Double, by watch: PlateauWatch) -> Double { watch.rate ?? rate }

  /// Takes note of an epoch's loss, as `ReduceLROnPlateau.step`.
  public func note(_ loss: Double, base: Double, in watch: inout PlateauWatch) {
    if watch.best.map({ loss < $0 * (1 - threshold) }) ?? true {
      watch.best = loss
      watch.waited = 0
    } else {
      watch.waited += 1
    }
    if watch.cooling > 0 {
      watch.cooling -= 1
      watch.waited = 0
    }
    guard watch.waited > patience else { return }
    let old = watch.rate ?? base
    let new = max(old * factor, minimum)
    // PyTorch's eps: a smaller change is none.
    if old - new > 1e-8 { watch.rate = new }
    watch.cooling = cooldown
    watch.waited = 0
  }
}

/// What a plateau schedule remembers.
public struct PlateauWatch: Codable, Hashable, Sendable {
  /// The rate that holds; nil before the first change.
  public var rate: Double?
  /// The least loss so far.
  public var best: Double?
  /// Epochs since the last improvement.
  public var waited = 0
  /// Epochs of cooling down that are left.
  public var cooling = 0

  public init() {}
}
