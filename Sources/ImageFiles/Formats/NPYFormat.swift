import HDF5

/// NumPy's format of one array (`numpy.save`), versions 1 to 3, in C and Fortran order.
///
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
enum NPYFormat: ImageFormat {
  static var name: String { "NPY" }

  static func recognizes(_ head: [UInt8], path: String) -> Bool { head.starts(with: [0x93] + Array("NUMPY".utf8)) }

  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    try requireNoDataset(location)
    let file = try FileBytes(location.file, name: location.name)
    let start = HeaderBytes(bytes: try file.read(at: 0, upTo: 12))
    guard start.bytes.count == 12, (1...3).contains(start.bytes[6]) else {
      throw ImageFileError(.damaged, location.name, "is an NPY file of no known version, or cut off")
    }
    let isFirst = start.bytes[6] == 1
    let length = isFirst ? Int(start.number(at: 8, as: UInt16.self)) : Int(start.number(at: 8, as: UInt32.self))
    let offset = (isFirst ? 10 : 12) + length
    guard offset <= file.count, length < 1 << 20 else {
      throw ImageFileError(.damaged, location.name, "is cut off within its header")
    }
    let text = String(decoding: try file.read(at: offset - length, upTo: length), as: UTF8.self)
    guard let type = value(of: "descr", in: text), let order = value(of: "fortran_order", in: text),
      let extents = value(of: "shape", in: text)
    else { throw ImageFileError(.damaged, location.name, "has a header that is not NumPy's: \(text.prefix(80))") }
    let parts = extents.dropFirst().dropLast().split(separator: ",").map { String($0).trimmed }
    // A tuple may end in a comma.
    let shape = (parts.last == "" ? parts.dropLast() : parts[...]).map { Int($0.filter { $0 != "L" }) }
    guard extents.hasPrefix("("), !shape.contains(where: { $0.map { $0 < 0 } ?? true }) else {
      throw ImageFileError(.damaged, location.name, "has the shape \(extents), which is none")
    }
    let (elementType, isBigEndian) = try self.type(type, of: location)
    let isFortran = order == "True"
    let stored = isFortran ? shape.compactMap { $0 }.reversed() : shape.compactMap { $0 }
    let array = try FlatArray(
      location, file, ArrayFacts(format: name, shape: Array(stored), elementType: elementType), offset: offset,
      isBigEndian: isBigEndian)
    guard isFortran, stored.count > 1 else { return (location, array) }
    return (location, PermutedArray(array, order: stored.indices.reversed().map { $0 }, axes: nil))
  }

  /// The text of a value of the header, a Python dictionary.
  private static func value(of key: String, in text: String) -> String? {
    guard let start = ["'\(key)':", "\"\(key)\":"].lazy.compactMap({ text.firstRange(of: $0) }).first else {
      return nil
    }
    let rest = text[start.upperBound...].drop { $0 == " " }
    switch rest.first {
    case "(": return rest.firstIndex(of: ")").map { String(rest[...$0]) }
    case "'", "\"":
      return rest.dropFirst().firstIndex(of: rest[rest.startIndex]).map { String(rest[...$0].dropFirst().dropLast()) }
    default: return String(rest.prefix { $0 != "," && $0 != "}" }).trimmed
    }
  }

  /// The element type that NumPy's `descr` names, such as `<f4`.
  private static func type(_ text: String, of location: ArrayLocation) throws(ImageFileError) -> (ElementType, Bool) {
    let types: [String: ElementType] = [
      "b1": .bool, "i1": .integer(bits: 8, signed: true), "u1": .integer(bits: 8, signed: false),
      "i2": .integer(bits: 16, signed: true), "u2": .integer(bits: 16, signed: false),
      "i4": .integer(bits: 32, signed: true), "u4": .integer(bits: 32, signed: false),
      "i8": .integer(bits: 64, signed: true), "u8": .integer(bits: 64, signed: false), "f2": .float(bits: 16),
      "f4": .float(bits: 32), "f8": .float(bits: 64),
    ]
    guard let order = text.first, "<>|=".contains(order), let type = types[String(text.dropFirst())] else {
      throw ImageFileError(
        .unsupported, location.name,
        "holds elements of NumPy's type ‘\(text)’, not numbers; convert them (array.astype(\"float32\"))")
    }
    return (type, order == ">")
  }
}

extension String {
  /// Without spaces at its ends.
  var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
