/// The class that each label of a file stands for; several labels may be of one class.
public struct LabelMap: Sendable, Hashable {
  private let classes: [Int: Int]
  /// Of labels that are bytes, the class; −1 for none.
  private let bytes: [Int16]

  /// Labels with their classes, which are 0 … 254.
  public init(_ classes: [Int: Int]) {
    self.classes = classes
    bytes = (0..<256).map { Int16(classes[$0] ?? -1) }
  }

  /// The labels that have a class, ascending.
  public var labels: [Int] { classes.keys.sorted() }

  /// The class of a label; nil when it has none.
  public subscript(label: Int) -> Int? {
    guard bytes.indices.contains(label) else { return classes[label] }
    let known = bytes[label]
    return known < 0 ? nil : Int(known)
  }
}
