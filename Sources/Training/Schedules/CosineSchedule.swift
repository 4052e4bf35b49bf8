import Settings

/// Half a cosine from the rate to `minimum` over `length` (`CosineAnnealingLR`).
public struct CosineSchedule: ScheduleShape {
  public static let name = "cosine"
  public static let meaning = "the rate falls along half a cosine"
  public static let settings: [Setting<Self>] = [.length(\.length), .minimum(\.minimum)]

  /// Epochs or steps; nil: what remains of the training.
  public var length: Int?
  /// The smallest rate.
  public var minimum: Double

  public init() { self.init(length: nil) }

  /// A fall over `length`.
  public init(length: Int? = nil, minimum: Double = 0) {
    self.length = length
    self.minimum = minimum
  }

  public var dependsOnTotal: Bool { length == nil }

  public func rate(at time: Int, of total: Int, base: Double) -> Double {
    Self.halfCosine(from: base, to: minimum, Double(time) / Double(length ?? total))
  }
}
