import HDF5

/// An array of numbers in a file, or in several, that is read by region.
///
/// Every format has one type that conforms; `ArrayFile.open` gives the one for a location. Reading needs memory for the
/// region and for one chunk, strip or row of the file, and may be done by any number of ranks at once.
public protocol StoredArray: Sendable {
  /// What the file says about the array.
  var facts: ArrayFacts { get }

  /// Reads a region in row order.
  ///
  /// - Parameters:
  ///   - type: the type of the numbers in memory. A number that it cannot hold (300 as `UInt8`, 1.5 as an integer) is an
  ///     error, loss of digits is not.
  ///   - bytes: room for `slab.elements` numbers of the type, aligned for it.
  /// - Throws: `ImageFileError`, `HDF5Error`.
  func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws

  /// All of an array of text, in row order.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error` when it holds none.
  func texts() throws -> [String]
}

/// What a file says about an array.
public struct ArrayFacts: Hashable, Sendable, Codable {
  /// The name of the file's format.
  public var format: String
  /// The extents, the slowest axis first.
  public var shape: [Int]
  /// The type of the stored numbers.
  public var elementType: ElementType
  /// A letter for each axis: `t` times, `z`, `y`, `x`, `c` channels, `i` images of no known order; nil: not known.
  public var axes: String?
  /// The distance of neighbouring elements along each axis; nil where it is not known.
  public var spacing: [Length?]
  /// The shape of what is stored together; nil: rows.
  public var chunk: [Int]?
  /// How the numbers are packed; nil: not at all.
  public var compression: String?
  /// The names of the elements of the axis of channels; nil where the file does not say them.
  public var channels: [String]?
  /// What else a person wants to know about the file: one phrase each.
  public var notes: [String] = []

  /// Facts as given; spacings are not known.
  public init(
    format: String, shape: [Int], elementType: ElementType, axes: String? = nil, spacing: [Length?]? = nil,
    chunk: [Int]? = nil, compression: String? = nil
  ) {
    self.format = format
    self.shape = shape
    self.elementType = elementType
    self.axes = axes
    self.spacing = spacing ?? Array(repeating: nil, count: shape.count)
    self.chunk = chunk
    self.compression = compression
  }
}

extension StoredArray {
  public func texts() throws -> [String] {
    throw ImageFileError(.wrongType, "the array", "holds \(facts.elementType), which cannot be read as text")
  }

  /// The extents, the slowest axis first.
  public var shape: [Int] { facts.shape }

  /// Reads a region in row order into a buffer of as many elements.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`, when the file cannot be read or holds a number that the type cannot.
  public func read<Scalar: ImageScalar>(
    into values: UnsafeMutableBufferPointer<Scalar>, _ slab: Hyperslab? = nil
  ) throws {
    let slab = slab ?? Hyperslab(all: shape)
    precondition(slab.elements == values.count, "a buffer of another size than the region")
    if values.isEmpty { return }
    try read(slab, as: Scalar.numberType, into: UnsafeMutableRawBufferPointer(values))
  }

  /// Reads a region, or all of the array, in row order.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`.
  public func read<Scalar: ImageScalar>(as type: Scalar.Type, _ slab: Hyperslab? = nil) throws -> [Scalar] {
    let slab = slab ?? Hyperslab(all: shape)
    var values = [Scalar](repeating: .zero, count: slab.elements)
    try values.withUnsafeMutableBufferPointer { try read(into: $0, slab) }
    return values
  }
}
