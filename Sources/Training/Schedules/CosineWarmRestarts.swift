import Settings

/// Half cosines from the rate to `minimum`, each `factor` times as long as the one before
/// (`CosineAnnealingWarmRestarts`; Loshchilov and Hutter, arXiv 1608.03983).
public struct CosineWarmRestarts: ScheduleShape {
  public static let name = "cosine-warm-restarts"
  public static let meaning =
    "the rate falls along half a cosine, again and again (Loshchilov and Hutter, arXiv 1608.03983)"
  public static let settings: [Setting<Self>] = [
    Setting("first", \.first, .times(from: 1), isRequired: true, "epochs or steps of the first fall"),
    Setting("factor", \.factor, .integer(1...1000), "length of a fall over that of the one before"),
    .minimum(\.minimum),
  ]

  /// Epochs or steps of the first fall.
  public var first: Int
  /// The length of a fall over that of the one before.
  public var factor: Int
  /// The smallest rate.
  public var minimum: Double

  public init() { self.init(first: 1) }

  /// Falls, the first of so many epochs or steps.
  public init(first: Int, factor: Int = 1, minimum: Double = 0) {
    self.first = first
    self.factor = factor
    self.minimum = minimum
  }

  public var dependsOnTotal: Bool { false }

  /// - Complexity: O(log *time*); O(1) for falls of one length.
  public func rate(at time: Int, of total: Int, base: Double) -> Double {
    var (start, length) = (factor == 1 ? time / first * first : 0, first)
    while time >= start + length {
      start += length
      length *= factor
    }
    return Self.halfCosine(from: base, to: minimum, Double(time - start) / Double(length))
  }
}
