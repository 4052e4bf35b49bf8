import Settings

/// The rate rises to `maximum` and falls again, along cosines in two phases (`OneCycleLR`; Smith and Topin, arXiv
/// 1708.07120). The rate given with the optimizer does not matter.
public struct OneCycleSchedule: ScheduleShape {
  public static let name = "one-cycle"
  public static let meaning =
    "the rate rises to `maximum` and falls, along cosines, whatever the optimizer's rate (Smith and Topin, arXiv 1708.07120)"
  public static let settings: [Setting<Self>] = [
    Setting("maximum", \.maximum, .number(.above(0, limit: 1e6)), isRequired: true, "the largest rate"),
    .length(\.length),
    Setting("rise", \.rise, .number(.above(0, below: 1)), "the part of the length in which it rises"),
    Setting("divisor", \.divisor, .number(.above(0, limit: 1e12)), "largest over first rate"),
    Setting("final-divisor", \.finalDivisor, .number(.above(0, limit: 1e12)), "first over last rate"),
  ]

  /// The largest rate.
  public var maximum: Double
  /// Epochs or steps; nil: what remains of the training.
  public var length: Int?
  /// The part of the cycle in which the rate rises.
  public var rise: Double
  /// `maximum` over the first rate.
  public var divisor: Double
  /// The first rate over the last.
  public var finalDivisor: Double

  public init() { self.init(maximum: 1) }

  /// A cycle up to `maximum`.
  public init(
    maximum: Double, length: Int? = nil, rise: Double = 0.3, divisor: Double = 25, finalDivisor: Double = 1e4
  ) {
    self.maximum = maximum
    self.length = length
    self.rise = rise
    self.divisor = divisor
    self.finalDivisor = finalDivisor
  }

  public var dependsOnTotal: Bool { length == nil }

  public func rate(at time: Int, of total: Int, base: Double) -> Double {
    let (time, length) = (Double(time), Double(self.length ?? total))
    let first = maximum / divisor
    let last = first / finalDivisor
    let top = rise * length - 1
    if time <= top, top > 0 { return Self.halfCosine(from: first, to: maximum, time / top) }
    let end = length - 1
    return Self.halfCosine(from: maximum, to: last, min(1, (time - top) / max(1, end - top)))
  }
}
