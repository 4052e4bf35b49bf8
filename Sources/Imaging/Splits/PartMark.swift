import ImageFiles

/// What stands for a part in a dataset: a whole number, or a word in one of text (`true` and `false` in one of truth
/// values).
public enum PartMark: Sendable, Hashable {
  case number(Int)
  case word(String)

  /// The mark as text.
  public var text: String {
    switch self {
    case .number(let number): "\(number)"
    case .word(let word): word
    }
  }

  /// What a dataset holds for each image or slice, as text.
  ///
  /// - Throws: `ImagingError.splitNames` when it holds numbers and a mark is a word; `HDF5Error`, `ImageFileError`.
  static func texts(
    of array: any StoredArray, _ location: ArrayLocation, _ marks: [PartMark]
  ) throws -> [String] {
    switch array.facts.elementType {
    case .string: return try array.texts()
    case .bool:
      // Words for truth values, or 0 and 1.
      let hasWords = marks.contains { ["true", "false"].contains($0.text) }
      return try array.read(as: Int.self).map { hasWords ? "\($0 != 0)" : "\($0)" }
    case .integer, .float, .enumeration, .other:
      for case .word(let word) in marks { throw ImagingError.splitNames(location, word) }
      return try array.read(as: Int.self).map { "\($0)" }
    }
  }
}

extension PartMark: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  public init(integerLiteral value: Int) { self = .number(value) }
  public init(stringLiteral value: String) { self = .word(value) }
}
