/// Extents along z, y and x, in voxels; a 2-D image has z = 1.
public struct Extents: Hashable, Sendable, Codable {
  /// Slices; 1 of a 2-D image.
  public var z: Int
  /// Rows.
  public var y: Int
  /// Columns.
  public var x: Int

  /// Extents as given.
  public init(z: Int = 1, y: Int, x: Int) {
    self.z = z
    self.y = y
    self.x = x
  }

  /// The extents of a list `[y, x]` or `[z, y, x]`; `nil` for another number of axes.
  public init?(_ list: [Int]) {
    switch list.count {
    case 2: self.init(y: list[0], x: list[1])
    case 3: self.init(z: list[0], y: list[1], x: list[2])
    default: return nil
    }
  }

  /// The extents of a list `[x]`, `[y, x]` or `[z, y, x]`, in which `missing` stands for the axes that it lacks.
  public init(_ list: [Int], missing: Int) {
    precondition((1...3).contains(list.count), "\(list.count) axes are not one to three")
    let all = Array(repeating: missing, count: 3 - list.count) + list
    self.init(z: all[0], y: all[1], x: all[2])
  }

  /// The innermost extents, outermost axis first, as a network of so many dimensions has them.
  public func list(dimensions: Int) -> [Int] { Array([z, y, x].suffix(dimensions)) }

  /// The number of voxels.
  ///
  /// - Precondition: it is an `Int`; `checkedCount` asks.
  public var count: Int { z * y * x }

  /// The number of voxels; `nil` when it is larger than an `Int`, as of a damaged file.
  public var checkedCount: Int? {
    let (plane, first) = y.multipliedReportingOverflow(by: x)
    let (count, second) = z.multipliedReportingOverflow(by: plane)
    return first || second ? nil : count
  }

  /// Whether a box of these extents lies within one of `other`'s.
  public func fits(in other: Extents) -> Bool { z <= other.z && y <= other.y && x <= other.x }
}

extension Extents: CustomStringConvertible {
  public var description: String { "[\(z), \(y), \(x)]" }
}
