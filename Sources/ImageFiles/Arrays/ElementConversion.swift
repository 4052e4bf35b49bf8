import HDF5
import Host

/// An array whose format hands out numbers as they are stored; they are converted here.
protocol ElementArray: StoredArray {
  /// The file as messages name it.
  var location: ArrayLocation { get }

  /// Reads a region in row order, as elements of the stored type in this machine's byte order.
  func readElements(_ slab: Hyperslab, into bytes: UnsafeMutableRawBufferPointer) throws
}

extension ElementArray {
  func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    if let fault = slab.fault(in: shape) { throw ImageFileError(.wrongShape, location, "cannot be read: \(fault)") }
    if facts.elementType == type.elementType { return try readElements(slab, into: bytes) }
    let stored = AlignedBuffer<UInt8>(count: slab.elements * facts.elementType.bytes)
    try readElements(slab, into: UnsafeMutableRawBufferPointer(stored.buffer))
    guard ElementConversion.convert(UnsafeRawBufferPointer(stored.buffer), facts.elementType, to: bytes, type) else {
      throw ImageFileError(
        .wrongType, location, "holds \(facts.elementType), and a value does not fit the type that was asked for")
    }
  }
}

extension NumberType {
  /// The stored type that needs no conversion.
  var elementType: ElementType {
    switch self {
    case .uint8: .integer(bits: 8, signed: false)
    case .uint16: .integer(bits: 16, signed: false)
    case .int32: .integer(bits: 32, signed: true)
    case .int64: .integer(bits: 64, signed: true)
    case .float: .float(bits: 32)
    case .double: .float(bits: 64)
    }
  }
}

extension ElementType {
  /// The bytes of an element in memory.
  var bytes: Int {
    switch self {
    case .integer(let bits, _), .float(let bits), .enumeration(let bits): bits / 8
    case .bool: 1
    case .string, .other: 0
    }
  }
}

/// Numbers of one type turned into those of another.
enum ElementConversion {
  /// Converts elements in this machine's byte order.
  ///
  /// - Returns: false when a number does not fit the type.
  static func convert(
    _ source: UnsafeRawBufferPointer, _ stored: ElementType, to target: UnsafeMutableRawBufferPointer,
    _ type: NumberType
  ) -> Bool {
    switch type {
    case .uint8: convert(source, stored, to: target.bindMemory(to: UInt8.self))
    case .uint16: convert(source, stored, to: target.bindMemory(to: UInt16.self))
    case .int32: convert(source, stored, to: target.bindMemory(to: Int32.self))
    case .int64: convert(source, stored, to: target.bindMemory(to: Int.self))
    case .float: convert(source, stored, to: target.bindMemory(to: Float.self))
    case .double: convert(source, stored, to: target.bindMemory(to: Double.self))
    }
  }

  @inline(__always)
  private static func convert<Scalar: ImageScalar>(
    _ source: UnsafeRawBufferPointer, _ stored: ElementType, to target: UnsafeMutableBufferPointer<Scalar>
  ) -> Bool {
    switch stored {
    case .integer(8, false), .bool: integers(source.bindMemory(to: UInt8.self), to: target)
    case .integer(8, true): integers(source.bindMemory(to: Int8.self), to: target)
    case .integer(16, false): integers(source.bindMemory(to: UInt16.self), to: target)
    case .integer(16, true): integers(source.bindMemory(to: Int16.self), to: target)
    case .integer(32, false): integers(source.bindMemory(to: UInt32.self), to: target)
    case .integer(32, true): integers(source.bindMemory(to: Int32.self), to: target)
    case .integer(64, false): integers(source.bindMemory(to: UInt64.self), to: target)
    case .integer(64, true): integers(source.bindMemory(to: Int64.self), to: target)
    case .float(16): halves(source.bindMemory(to: UInt16.self), to: target)
    case .float(32): floats(source.bindMemory(to: Float.self), to: target)
    case .float(64): floats(source.bindMemory(to: Double.self), to: target)
    default: false
    }
  }

  @inline(__always)
  private static func integers<Source: FixedWidthInteger, Scalar: ImageScalar>(
    _ source: UnsafeBufferPointer<Source>, to target: UnsafeMutableBufferPointer<Scalar>
  ) -> Bool { fill(target) { Scalar.converted(source[$0]) } }

  @inline(__always)
  private static func floats<Source: BinaryFloatingPoint, Scalar: ImageScalar>(
    _ source: UnsafeBufferPointer<Source>, to target: UnsafeMutableBufferPointer<Scalar>
  ) -> Bool { fill(target) { Scalar.converted(source[$0]) } }

  @inline(__always)
  private static func halves<Scalar: ImageScalar>(
    _ source: UnsafeBufferPointer<UInt16>, to target: UnsafeMutableBufferPointer<Scalar>
  ) -> Bool { fill(target) { Scalar.converted(single(fromHalf: source[$0])) } }

  /// Writes a number at each place; false when there is none for one.
  @inline(__always)
  private static func fill<Scalar: ImageScalar>(
    _ target: UnsafeMutableBufferPointer<Scalar>, _ value: (Int) -> Scalar?
  ) -> Bool {
    for i in 0..<target.count {
      guard let value = value(i) else { return false }
      target[i] = value
    }
    return true
  }

  /// The value of the 16 bits of an IEEE 754 binary16 number.
  static func single(fromHalf bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1f
    let fraction = UInt32(bits & 0x3ff)
    switch exponent {
    case 0: return (sign == 0 ? 1 : -1) * Float(fraction) * 0x1p-24
    case 31: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// Turns the bytes of every element of `size` bytes round.
  static func swap(_ bytes: UnsafeMutableRawBufferPointer, size: Int) {
    func swap<Word: FixedWidthInteger>(_ words: UnsafeMutableBufferPointer<Word>) {
      for i in words.indices { words[i] = words[i].byteSwapped }
    }
    switch size {
    case 2: swap(bytes.bindMemory(to: UInt16.self))
    case 4: swap(bytes.bindMemory(to: UInt32.self))
    case 8: swap(bytes.bindMemory(to: UInt64.self))
    default: break
    }
  }
}
