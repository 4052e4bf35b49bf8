import HDF5
import JobFiles

/// How a dataset of a results file stores numbers.
enum NumberForm: Hashable, Sendable {
  case float32
  case float16
  /// A code c from 0 to 254 means c · scale + offset; 255 means no number.
  case uint8(scale: Double, offset: Double)

  /// The code of no number.
  static let missing: UInt8 = 255
  /// The largest code of a number.
  private static let most = 254.0

  /// Eight bits for numbers of a range.
  static func uint8(_ low: Double, _ high: Double) -> NumberForm {
    .uint8(scale: (high - low) / most, offset: low)
  }

  /// Whether numbers are stored without loss.
  var isExact: Bool { self == .float32 }

  /// The numbers in 16 bits, the nearest ones.
  ///
  /// - Throws: `RunError.numberTooLarge` for a finite number that has none.
  static func halves(_ values: [Float]) throws(RunError) -> [Float16] {
    var result: [Float16] = []
    result.reserveCapacity(values.count)
    for value in values {
      let half = Float16(value)
      if half.isInfinite, value.isFinite { throw .numberTooLarge(Double(value)) }
      result.append(half)
    }
    return result
  }

  /// The codes of numbers; those beyond the range have the codes of its ends.
  static func codes(_ values: [Float], scale: Double, offset: Double) -> [UInt8] {
    values.map { value in
      let code = ((Double(value) - offset) / scale).rounded(.toNearestOrEven)
      return code.isNaN ? missing : UInt8(min(max(code, 0), most))
    }
  }
}

/// A dataset of a results file whose numbers are read as they were, whatever form they are stored in.
struct NumberDataset {
  let dataset: Dataset
  let form: NumberForm

  /// Opens a dataset.
  ///
  /// - Throws: `HDF5Error`.
  init(_ dataset: Dataset) throws {
    self.dataset = dataset
    switch dataset.elementType {
    case .float(bits: 16): form = .float16
    case .integer(bits: 8, signed: false):
      form = .uint8(
        scale: try dataset.attribute("scale_factor", as: Double.self),
        offset: try dataset.attribute("add_offset", as: Double.self))
    default: form = .float32
    }
  }

  /// A dataset whose elements are what they say: classes, sets, bounds.
  init(whole dataset: Dataset) { (self.dataset, form) = (dataset, .float32) }

  var shape: [Int] { get throws { try dataset.shape } }
  var chunk: [Int]? { dataset.chunk }

  /// The numbers of a part, in row order.
  ///
  /// - Throws: `HDF5Error`.
  func read(_ slab: Hyperslab) throws -> [Float] {
    guard case .uint8(let scale, let offset) = form else { return try dataset.read(as: Float.self, slab) }
    let numbers = (0...NumberForm.missing).map { code in
      code == NumberForm.missing ? Float.nan : Float(Double(code) * scale + offset)
    }
    return try dataset.read(as: UInt8.self, slab).map { numbers[Int($0)] }
  }
}

extension NumberDataset {
  /// Tells readers how numbers are stored: CF's attributes, and NeXus's fields beside the dataset.
  ///
  /// - Throws: `HDF5Error`.
  static func describe(_ name: String, in group: Group, _ form: NumberForm) throws {
    guard case .uint8(let scale, let offset) = form else { return }
    let dataset = try group.dataset(name)
    try dataset.setAttribute("scale_factor", scale)
    try dataset.setAttribute("add_offset", offset)
    try dataset.setAttribute("_FillValue", NumberForm.missing)
    // NeXus adds before it multiplies.
    try group.write(scale, to: "\(name)_scaling_factor")
    try group.write(offset / scale, to: "\(name)_offset")
  }
}
