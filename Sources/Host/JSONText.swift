import Foundation

/// Figures as JSON, for programs.
public enum JSONText {
  /// One JSON object or array with sorted keys.
  ///
  /// - Parameter isOnOneLine: as collections of many of them want it.
  /// - Throws: `EncodingError` when a number is not finite.
  public static func text(_ value: some Encodable, isOnOneLine: Bool = false) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if !isOnOneLine { encoder.outputFormatting.insert(.prettyPrinted) }
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
