/// A colour for each number from 0 to 1.
public struct ColourMap: Sendable {
  /// Red, green and blue, each 0 to 255, at even distances.
  private let stops: [SIMD3<Float>]

  /// Viridis (S. van der Walt and N. Smith, 2015): perceptually uniform, and safe for colour-blind readers.
  public static let viridis = ColourMap(stops: [
    [68, 1, 84], [72, 36, 117], [65, 68, 135], [53, 95, 141], [42, 120, 142], [33, 145, 140], [34, 168, 132],
    [68, 191, 112], [122, 209, 81], [189, 223, 38], [253, 231, 37],
  ])

  /// Black to white.
  public static let grey = ColourMap(stops: [[0, 0, 0], [255, 255, 255]])

  /// The colour of a line by its place in a legend; colours come again after the last.
  static func line(_ place: Int) -> String { lines[place % lines.count] }

  /// Colours of lines on white, which colour-blind people tell apart (M. Okabe and K. Ito, *Color universal design*, 2008).
  static let lines = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#4d4d4d"]

  /// Colours of kinds, which colour-blind people tell apart (M. Okabe and K. Ito, *Color universal design*, 2008); the
  /// first is dark.
  public static let kinds: [SIMD3<UInt8>] = [
    [38, 38, 43], [86, 180, 233], [230, 159, 0], [0, 158, 115], [204, 121, 167], [240, 228, 66], [213, 94, 0],
    [0, 114, 178],
  ]

  /// The colour of a kind for SVG; colours come again after the last.
  static func kind(_ place: Int) -> String { css(kinds[place % kinds.count]) }

  /// Whether a kind's colour is so dark that what is written on it is white.
  static func isDarkKind(_ place: Int) -> Bool { [0, kinds.count - 1].contains(place % kinds.count) }

  /// The colour of a value for SVG.
  func css(_ value: Double) -> String {
    Self.css(colour(Float(value)))
  }

  /// A colour for SVG.
  static func css(_ colour: SIMD3<UInt8>) -> String { "rgb(\(colour.x),\(colour.y),\(colour.z))" }

  /// The colour of a value; beyond 0 and 1 that of the nearer end, and grey of a value that is no number.
  public func colour(_ value: Float) -> SIMD3<UInt8> {
    guard !value.isNaN else { return [128, 128, 128] }
    let place = min(max(value, 0), 1) * Float(stops.count - 1)
    let first = min(Int(place), stops.count - 2)
    let mixed = stops[first] + (stops[first + 1] - stops[first]) * (place - Float(first))
    return SIMD3<UInt8>(truncatingIfNeeded: SIMD3<Int32>(mixed.rounded(.toNearestOrEven)))
  }
}
