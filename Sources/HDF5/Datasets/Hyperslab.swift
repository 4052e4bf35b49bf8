/// A regular selection of a dataset: along every axis `count` elements from `start` on, `stride` apart.
public struct Hyperslab: Sendable, Hashable {
  /// The first element along every axis.
  public var start: [Int]
  /// The number of elements along every axis.
  public var count: [Int]
  /// The distance between elements along every axis.
  public var stride: [Int]

  /// A selection by its parts.
  ///
  /// - Parameter stride: nil: 1 along every axis.
  public init(start: [Int], count: [Int], stride: [Int]? = nil) {
    self.start = start
    self.count = count
    self.stride = stride ?? Array(repeating: 1, count: start.count)
  }

  /// All elements of an array.
  public init(all shape: [Int]) {
    self.init(start: Array(repeating: 0, count: shape.count), count: shape)
  }

  /// The number of elements; `Int.max` when there are more.
  public var elements: Int {
    isEmpty ? 0 : count.reduce(1) { $0.multipliedReportingOverflow(by: $1).overflow ? .max : $0 * $1 }
  }

  /// Whether it selects no element.
  public var isEmpty: Bool { count.contains(0) }

  /// What is wrong with this selection of an array of `shape`, or nil.
  public func fault(in shape: [Int]) -> String? {
    if isEmpty { return nil }
    guard start.count == shape.count, count.count == shape.count, stride.count == shape.count else {
      return "the selection has \(start.count) axes (start), \(count.count) (count) and \(stride.count) (stride)"
        + " but the dataset has \(shape.count): \(shape)"
    }
    for axis in shape.indices {
      guard start[axis] >= 0, count[axis] > 0, stride[axis] > 0 else {
        return "the selection has start \(start[axis]), count \(count[axis]) and stride \(stride[axis]) along axis"
          + " \(axis); start must be 0 or more, the others 1 or more"
      }
      let (span, overflow) = (count[axis] - 1).multipliedReportingOverflow(by: stride[axis])
      guard !overflow, span < shape[axis] - start[axis] else {
        return "the selection reaches beyond the end along axis \(axis): start \(start[axis]), count \(count[axis]),"
          + " stride \(stride[axis]) of an extent of \(shape[axis])"
      }
    }
    return nil
  }
}
