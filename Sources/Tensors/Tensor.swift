/// An array of any rank with value semantics, row-major: for data sets and for weights in files, not for inner loops.
public struct Tensor<Element> {
  /// The extents, outermost axis first.
  public let shape: Shape
  /// The elements in row-major order, `shape.elementCount` of them.
  public var elements: [Element] {
    didSet { precondition(elements.count == shape.elementCount, "the number of elements does not fit the shape") }
  }

  /// A tensor of the given elements in row-major order.
  public init(shape: Shape, elements: [Element]) {
    precondition(
      elements.count == shape.elementCount, "\(elements.count) elements for a tensor of shape \(shape)")
    self.shape = shape
    self.elements = elements
  }

  /// A tensor with the same value everywhere.
  public init(shape: Shape, repeating value: Element) {
    self.init(shape: shape, elements: Array(repeating: value, count: shape.elementCount))
  }

  /// The element at an index with one number for each axis.
  public subscript(index: Int...) -> Element {
    get { elements[shape.offset(of: index)] }
    set { elements[shape.offset(of: index)] = newValue }
  }

  /// The tensor of the transformed elements.
  public func map<Result>(_ transform: (Element) throws -> Result) rethrows -> Tensor<Result> {
    Tensor<Result>(shape: shape, elements: try elements.map(transform))
  }

  /// The same elements under another shape of as many elements.
  public func reshaped(to shape: Shape) -> Tensor { Tensor(shape: shape, elements: elements) }
}

extension Tensor: Sendable where Element: Sendable {}
extension Tensor: Equatable where Element: Equatable {}
extension Tensor: Hashable where Element: Hashable {}
