import HDF5

/// The part of an array that a location means, as NumPy writes it: `[0:20, 3, ::2]`.
///
/// `a:b` keeps the elements a to b − 1 of an axis, `a:b:c` every c-th of them; a number keeps one and removes the axis;
/// numbers below 0 count from the end; `...` stands for all axes that are not named. Axes at the end may be left out.
public struct ArraySlices: Hashable, Sendable, CustomStringConvertible {
  /// What is kept of one axis.
  enum Item: Hashable, Sendable {
    case range(from: Int?, to: Int?, step: Int)
    case index(Int)
    case others
  }

  let items: [Item]
  /// As written, with brackets.
  public let description: String

  /// Slices as written, with brackets; nil when the text is none.
  public init?(_ text: String) {
    guard let (before, slices) = Self.split("x" + text), before == "x" else { return nil }
    self = slices
  }

  private init(items: [Item], description: String) { (self.items, self.description) = (items, description) }

  /// The slices at the end of a text, and what stands before them; nil when it does not end in slices.
  static func split(_ text: String) -> (before: Substring, ArraySlices)? {
    guard text.last == "]", let open = text.lastIndex(of: "["), open > text.startIndex else { return nil }
    let inside = text[text.index(after: open)...].dropLast()
    var items: [Item] = []
    for part in inside.split(separator: ",", omittingEmptySubsequences: false) {
      guard let item = item(part.filter { $0 != " " }) else { return nil }
      items.append(item)
    }
    guard items.count(where: { $0 == .others }) <= 1 else { return nil }
    return (text[..<open], ArraySlices(items: items, description: String(text[open...])))
  }

  private static func item(_ text: String) -> Item? {
    if text == "..." { return .others }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts.map { Int($0) }
    guard zip(parts, numbers).allSatisfy({ $0.isEmpty || $1 != nil }) else { return nil }
    switch parts.count {
    case 1: return numbers[0].map { .index($0) }
    case 2: return .range(from: numbers[0], to: numbers[1], step: 1)
    case 3:
      let step = numbers[2] ?? 1
      return step > 0 ? .range(from: numbers[0], to: numbers[1], step: step) : nil
    default: return nil
    }
  }

  /// The selection of an array of `shape`, and which of its axes are kept.
  ///
  /// - Throws: `ImageFileError` when there are more slices than axes, or a number is outside its axis.
  func selection(in shape: [Int], of location: ArrayLocation) throws(ImageFileError) -> (Hyperslab, kept: [Int]) {
    var items = items
    let missing = shape.count - items.count(where: { $0 != .others })
    guard missing >= 0 else {
      throw ImageFileError(
        .wrongShape, location, "names \(shape.count - missing) axes, but the array has the shape \(shape)")
    }
    let all = Array(repeating: Item.range(from: nil, to: nil, step: 1), count: missing)
    let place = items.firstIndex(of: .others)
    items.replaceSubrange(place.map { $0..<$0 + 1 } ?? items.endIndex..<items.endIndex, with: all)
    var slab = Hyperslab(all: shape)
    var kept: [Int] = []
    for (axis, item) in items.enumerated() {
      let extent = shape[axis]
      func absolute(_ number: Int) -> Int { number < 0 ? max(0, number + extent) : min(number, extent) }
      switch item {
      case .index(let number):
        guard (-extent..<extent).contains(number) else {
          throw ImageFileError(
            .wrongShape, location, "takes \(number) of axis \(axis), which has \(extent) elements (shape \(shape))")
        }
        (slab.start[axis], slab.count[axis]) = (number < 0 ? number + extent : number, 1)
      case .range(let from, let to, let step):
        let (first, end) = (absolute(from ?? 0), absolute(to ?? extent))
        slab.start[axis] = first
        slab.count[axis] = end > first ? (end - first - 1) / step + 1 : 0
        slab.stride[axis] = step
        kept.append(axis)
      case .others: break
      }
    }
    guard !slab.isEmpty || shape.contains(0) else {
      throw ImageFileError(.wrongShape, location, "takes nothing of an array of shape \(shape)")
    }
    return (slab, kept)
  }
}
