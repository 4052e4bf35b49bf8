/// The extents of an array, outermost axis first; elements are stored row-major.
public struct Shape: Hashable, Sendable, Codable {
  /// The extent of each axis, none negative.
  public var extents: [Int]

  /// A shape with the given extents.
  public init(_ extents: [Int]) {
    precondition(extents.allSatisfy { $0 >= 0 }, "an extent is negative")
    self.extents = extents
  }

  /// The number of axes.
  public var rank: Int { extents.count }

  /// The product of the extents; 1 for a scalar's empty shape.
  public var elementCount: Int { extents.reduce(1, *) }

  /// The distance between neighbours along each axis, in elements.
  public var strides: [Int] {
    var strides = extents
    var stride = 1
    for axis in extents.indices.reversed() {
      strides[axis] = stride
      stride *= extents[axis]
    }
    return strides
  }

  /// The place of an element in row-major order.
  public func offset(of index: [Int]) -> Int {
    precondition(index.count == rank, "\(index.count) indices for a shape of \(rank) axes")
    var offset = 0
    for axis in 0..<rank {
      precondition(0 <= index[axis] && index[axis] < extents[axis], "an index is outside its axis")
      offset = offset * extents[axis] + index[axis]
    }
    return offset
  }
}

extension Shape: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: RandomAccessCollection, MutableCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { extents.count }
  public subscript(axis: Int) -> Int {
    get { extents[axis] }
    set {
      precondition(newValue >= 0, "an extent is negative")
      extents[axis] = newValue
    }
  }
}

extension Shape: CustomStringConvertible {
  public var description: String { extents.description }
}
