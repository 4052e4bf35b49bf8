import Foundation

/// Text forms of measurements.
enum Report {
  /// Names and values in two columns.
  static func lines(_ lines: [(name: String, value: String)]) -> String {
    let width = lines.map(\.name.count).max() ?? 0
    return lines.map { $0.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.value }
      .joined(separator: "\n")
  }
}

extension Double {
  /// With so many digits behind the point.
  func text(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }

  /// As a share of a hundred.
  var percent: String { (100 * self).text(0) + " %" }
}
