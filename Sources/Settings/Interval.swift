/// A range of numbers whose ends may be left out.
///
/// A `limit` is an upper end of another kind: it has no meaning for the setting, and only keeps numbers that nobody
/// wants from reaching arithmetic that they would overflow. Documentation leaves it out.
public struct Interval: Sendable, CustomStringConvertible {
  private enum Bound: Sendable {
    case none
    case included(Double)
    case excluded(Double)
  }
  private var low = Bound.none
  private var high = Bound.none
  private var limit: Double?

  /// Numbers from `low` on.
  public static func atLeast(_ low: Double, limit: Double? = nil) -> Interval {
    Interval(low: .included(low), limit: limit)
  }
  /// Numbers greater than `low`.
  public static func above(_ low: Double, limit: Double? = nil) -> Interval {
    Interval(low: .excluded(low), limit: limit)
  }
  /// Numbers between two ends, both left out.
  public static func above(_ low: Double, below high: Double) -> Interval {
    Interval(low: .excluded(low), high: .excluded(high))
  }
  /// Numbers greater than `low`, up to `high`.
  public static func above(_ low: Double, atMost high: Double) -> Interval {
    Interval(low: .excluded(low), high: .included(high))
  }
  /// Numbers from `low` on that are less than `high`.
  public static func atLeast(_ low: Double, below high: Double) -> Interval {
    Interval(low: .included(low), high: .excluded(high))
  }
  /// Numbers of a closed range.
  public static func from(_ range: ClosedRange<Double>) -> Interval {
    Interval(low: .included(range.lowerBound), high: .included(range.upperBound))
  }

  /// Whether a number is in the range.
  public func contains(_ value: Double) -> Bool {
    let aboveLow =
      switch low {
      case .none: true
      case .included(let bound): value >= bound
      case .excluded(let bound): value > bound
      }
    let belowHigh =
      switch high {
      case .none: true
      case .included(let bound): value <= bound
      case .excluded(let bound): value < bound
      }
    return aboveLow && belowHigh && value <= limit ?? .infinity
  }

  /// Which numbers are allowed, as one that is not should be told.
  public func bounds(against value: Double) -> String {
    if let limit, value > limit { return "at most \(SettingValue.number(limit))" }
    return description
  }

  public var description: String {
    let lowText =
      switch low {
      case .none: ""
      case .included(let bound): "at least \(SettingValue.number(bound))"
      case .excluded(let bound): "above \(SettingValue.number(bound))"
      }
    let highText =
      switch high {
      case .none: ""
      case .included(let bound): "at most \(SettingValue.number(bound))"
      case .excluded(let bound): "below \(SettingValue.number(bound))"
      }
    return [lowText, highText].filter { !$0.isEmpty }.joined(separator: " and ")
  }

  /// The range in JSON Schema.
  public var schema: [String: Any] {
    var result: [String: Any] = ["type": "number"]
    switch low {
    case .none: break
    case .included(let bound): result["minimum"] = bound
    case .excluded(let bound): result["exclusiveMinimum"] = bound
    }
    switch high {
    case .none: break
    case .included(let bound): result["maximum"] = bound
    case .excluded(let bound): result["exclusiveMaximum"] = bound
    }
    if let limit { result["maximum"] = limit }
    return result
  }
}
