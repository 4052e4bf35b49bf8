import Foundation

/// Names of files: patterns and the order of numbers in them.
enum FileNames {
  /// Names with numbers in the order of their values: `cut 9` before `cut 10`.
  static func natural(_ names: [String]) -> [String] {
    names.map { (key: pieces($0), name: $0) }.sorted { isBefore($0, $1) }.map(\.name)
  }

  private static func isBefore(_ a: (key: [Piece], name: String), _ b: (key: [Piece], name: String)) -> Bool {
    for (left, right) in zip(a.key, b.key) where left != right {
      switch (left, right) {
      case (.number(let left), .number(let right)): return left < right
      case (.text(let left), .text(let right)): return left < right
      case (.number, .text): return true
      case (.text, .number): return false
      }
    }
    return a.key.count == b.key.count ? a.name < b.name : a.key.count < b.key.count
  }

  private enum Piece: Equatable {
    case text(Substring)
    case number(Int)
  }

  private static func pieces(_ name: String) -> [Piece] {
    var pieces: [Piece] = []
    var rest = Substring(name)
    while let first = rest.first {
      let isDigit = first.isASCII && first.isNumber
      let piece = rest.prefix { ($0.isASCII && $0.isNumber) == isDigit }
      if isDigit, let number = Int(piece) { pieces.append(.number(number)) } else { pieces.append(.text(piece)) }
      rest = rest[piece.endIndex...]
    }
    return pieces
  }

  /// The numbers that are missing where the names differ in one number alone; empty when they differ otherwise.
  static func gaps(in names: [String]) -> [Int] {
    let all = names.map(pieces)
    guard let first = all.first, names.count > 1, all.allSatisfy({ $0.count == first.count }) else { return [] }
    let differing = first.indices.filter { place in all.contains { $0[place] != first[place] } }
    guard differing.count == 1 else { return [] }
    let numbers = all.compactMap { if case .number(let number) = $0[differing[0]] { number } else { nil } }
    guard numbers.count == all.count, let low = numbers.min(), let high = numbers.max() else { return [] }
    // Every second or tenth slice is a series without a gap.
    let steps = Set(zip(numbers, numbers.dropFirst()).map { $1 - $0 })
    guard steps.count > 1, let step = steps.min(), step > 0, (high - low) / step < 1_000_000 else { return [] }
    let there = Set(numbers)
    return stride(from: low, through: high, by: step).filter { !there.contains($0) }
  }

  /// What is to be said of numbers that are missing; nil when none are.
  static func noteOfGaps(in names: [String]) -> String? {
    let gaps = gaps(in: names)
    guard !gaps.isEmpty else { return nil }
    let shown = gaps.prefix(8).map(String.init).joined(separator: ", ")
    return "the numbers of the files have gaps: \(shown)\(gaps.count > 8 ? " and \(gaps.count - 8) more" : "") "
      + "\(gaps.count == 1 ? "is" : "are") not there"
  }

  /// Names that differ in their last number alone, together; the others each by itself.
  static func series(_ names: [String]) -> [[String]] {
    var groups: [String: [String]] = [:]
    var order: [String] = []
    for name in names {
      let key = parts(name).map { "\($0.before)\u{0}\($0.after)" } ?? name
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(name)
    }
    return order.compactMap { groups[$0] }
  }

  /// A pattern of the names of a series, as in `scan_[0-9]*.tif`; nil when they are none.
  static func pattern(of series: [String]) -> String? {
    guard let first = series.first.flatMap(parts) else { return nil }
    let isPlain = !(first.before + first.after).contains { "*?[]\\".contains($0) }
    return isPlain ? first.before + "[0-9]*" + first.after : nil
  }

  /// What stands before and after the last number of a name, which is not in its ending; nil without a number.
  private static func parts(_ name: String) -> (before: String, after: String)? {
    let end = name.lastIndex(of: ".") ?? name.endIndex
    guard let last = name[..<end].lastIndex(where: { $0.isASCII && $0.isNumber }) else { return nil }
    let before = name[..<last].reversed().drop { $0.isASCII && $0.isNumber }.reversed()
    return (String(before), String(name[name.index(after: last)...]))
  }

  /// The files that a pattern of the shell means (`glob`), in natural order.
  static func matching(_ pattern: String) -> [String] {
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern, 0, nil, &result) == 0 else { return [] }
    return natural((0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } })
  }

  /// The files of a folder, in natural order, without hidden ones.
  static func inFolder(_ folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return natural(names.filter { !$0.hasPrefix(".") && !FileBytes.isFolder("\(folder)/\($0)") })
  }
}
