import Host
import ImageFiles

/// The values of a box as the file has them, and which of its pixels were measured: read once.
struct StoredBox {
  /// `[channel, z, y, x]`, in numbers that hold them without rounding.
  enum Values {
    case narrow(AlignedBuffer<Float>)
    case wide(AlignedBuffer<Double>)
  }

  let values: Values
  /// `[z, y, x]`: 1 where something was measured, else 0; nil when all were.
  let valid: AlignedBuffer<UInt8>?

  /// 1 where nothing was measured, else 0; nil when all were.
  var invalid: AlignedBuffer<UInt8>? {
    guard let valid else { return nil }
    let result = AlignedBuffer<UInt8>(count: valid.count)
    for place in 0..<valid.count { result.pointer[place] = valid.pointer[place] == 0 ? 1 : 0 }
    return result
  }
}

extension ImageSource {
  /// Reads a box.
  ///
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read.
  func stored(_ box: Box, ofImage image: Int) throws -> StoredBox {
    func read<Value: ImageScalar & BinaryFloatingPoint & BitwiseCopyable>(
      _: Value.Type
    ) throws -> (AlignedBuffer<Value>, AlignedBuffer<UInt8>?) {
      let values = AlignedBuffer<Value>(count: channels * box.count)
      try self.read(box, ofImage: image, into: values.buffer)
      return (values, try self.valid(UnsafeBufferPointer(values.buffer), box, image: image))
    }
    if isWide {
      let (values, valid) = try read(Double.self)
      return StoredBox(values: .wide(values), valid: valid)
    }
    let (values, valid) = try read(Float.self)
    return StoredBox(values: .narrow(values), valid: valid)
  }
}
