import CHDF5

/// Strings in memory and in files: UTF-8 of any length, or of a fixed number of bytes.
enum Text {
  /// A string type: of any length, or of `bytes` bytes padded with zeros.
  static func type(bytes: Int?, at place: Place) throws -> Identifier {
    let type = try place.own(H5Tcopy(chdf5_c_string()), .type, "H5Tcopy", "make a string type")
    try place.check(H5Tset_size(type.raw, bytes ?? chdf5_variable()), "H5Tset_size", "make a string type")
    try place.check(H5Tset_cset(type.raw, H5T_CSET_UTF8), "H5Tset_cset", "make a string type")
    let padding = bytes == nil ? H5T_STR_NULLTERM : H5T_STR_NULLPAD
    try place.check(H5Tset_strpad(type.raw, padding), "H5Tset_strpad", "make a string type")
    return type
  }

  /// Calls `body` with an array of pointers to the strings as C strings.
  static func withPointers<Result>(
    _ strings: [String], _ body: (UnsafeRawPointer) throws -> Result
  ) rethrows -> Result {
    var text: [CChar] = []
    var starts: [Int] = []
    for string in strings {
      starts.append(text.count)
      text.append(contentsOf: string.utf8CString)
    }
    return try text.withUnsafeBufferPointer { buffer in
      var pointers = starts.map { start in buffer.baseAddress.map { $0 + start } }
      if pointers.isEmpty { pointers = [nil] }
      return try pointers.withUnsafeBytes { try body($0.baseAddress!) }
    }
  }

  /// The strings one after another, each padded with zeros to `bytes`.
  static func packed(_ strings: [String], bytes: Int) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: max(1, strings.count * bytes))
    for (index, string) in strings.enumerated() {
      for (offset, byte) in string.utf8.enumerated() { result[index * bytes + offset] = byte }
    }
    return result
  }

  /// Reads `count` strings with one of the library's reading calls, which `read` makes.
  static func read(
    count: Int, stored: Identifier, at place: Place, _ call: String, _ doing: String,
    _ read: (_ type: hid_t, _ target: UnsafeMutableRawPointer) -> herr_t
  ) throws -> [String] {
    if count == 0 { return [] }
    if try place.check(H5Tis_variable_str(stored.raw), "H5Tis_variable_str", doing) > 0 {
      // The character set must be that of the file: the library does not convert ASCII to UTF-8.
      let type = try place.own(H5Tcopy(stored.raw), .type, "H5Tcopy", doing)
      let count = try Memory.count([count], of: MemoryLayout<UnsafeMutablePointer<CChar>?>.stride, at: place)
      var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
      let code = pointers.withUnsafeMutableBytes { read(type.raw, $0.baseAddress!) }
      defer { for case let pointer? in pointers { H5free_memory(pointer) } }
      try place.check(code, call, doing)
      return pointers.map { $0.map { String(cString: $0) } ?? "" }
    }
    let bytes = Int(H5Tget_size(stored.raw))
    let spaces = H5Tget_strpad(stored.raw) == H5T_STR_SPACEPAD
    var text = [UInt8](repeating: 0, count: try Memory.count([count, bytes], of: 1, at: place))
    try place.check(text.withUnsafeMutableBytes { read(stored.raw, $0.baseAddress!) }, call, doing)
    return (0..<count).map { index in
      var piece = text[index * bytes..<(index + 1) * bytes].prefix { $0 != 0 }
      if spaces { while piece.last == 0x20 { piece.removeLast() } }
      return String(decoding: piece, as: UTF8.self)
    }
  }
}

extension String: AttributeElement {
  public static func writeAttribute(_ values: [String], shape: [Int], _ name: String, of object: ObjectHandle) throws {
    try object.use { _ in
      let type = try Text.type(bytes: nil, at: object.place)
      try Text.withPointers(values) { try OpenAttribute.write(name, of: object, type: type, shape: shape, $0) }
    }
  }

  public static func readAttribute(_ name: String, of object: ObjectHandle) throws -> [String] {
    try OpenAttribute.with(name, of: object) { attribute in
      guard case .string = attribute.elementType else {
        throw object.place.error(
          .wrongType, "attribute ‘\(name)’ holds \(attribute.elementType), which is not text")
      }
      return try Text.read(
        count: attribute.count, stored: attribute.type, at: object.place, "H5Aread",
        "read attribute ‘\(name)’"
      ) { H5Aread(attribute.identifier.raw, $0, $1) }
    }
  }
}

extension Dataset {
  /// Reads all strings of the dataset, in row order.
  ///
  /// - Throws: `HDF5Error` of kind `wrongType` when it holds no text.
  public func readStrings() throws -> [String] {
    try object.use { raw in
      let place = object.place
      guard case .string = elementType else {
        throw place.error(.wrongType, "it holds \(elementType), which is not text")
      }
      let type = try place.own(H5Dget_type(raw), .type, "H5Dget_type", "read its type")
      return try Text.read(
        count: try Memory.count(shape, of: 1, at: place), stored: type, at: place, "H5Dread", "read its text"
      ) { H5Dread(raw, $0, chdf5_all(), chdf5_all(), chdf5_default(), $1) }
    }
  }
}

extension Container {
  /// Creates a dataset of UTF-8 strings and writes it.
  ///
  /// - Parameter fixedBytes: the bytes of each string; nil: any length.
  /// - Throws: `HDF5Error` of kind `alreadyExists` or `wrongShape`, or when the disk is full.
  @discardableResult
  public func write(
    _ strings: [String], shape: [Int]? = nil, to path: String, fixedBytes: Int? = nil
  ) throws -> Dataset {
    try object.use { _ in
      let place = object.place(path)
      let shape = shape ?? [strings.count]
      guard shape.reduce(1, *) == strings.count else {
        throw place.error(.wrongShape, "\(strings.count) strings do not fill the shape \(shape)")
      }
      let longest = max(1, strings.map(\.utf8.count).max() ?? 1)
      if let fixedBytes, fixedBytes < longest {
        throw place.error(.wrongShape, "a string of \(longest) bytes does not fit into \(fixedBytes)")
      }
      let type = try Text.type(bytes: fixedBytes, at: place)
      let dataset = try makeDataset(path, type: type, bytes: fixedBytes, shape: shape, layout: .contiguous)
      if strings.isEmpty { return dataset }
      let raw = dataset.object.identifier.raw
      func write(_ source: UnsafeRawPointer) -> herr_t {
        H5Dwrite(raw, type.raw, chdf5_all(), chdf5_all(), chdf5_default(), source)
      }
      let code: herr_t =
        if let fixedBytes {
          Text.packed(strings, bytes: fixedBytes).withUnsafeBytes { write($0.baseAddress!) }
        } else {
          Text.withPointers(strings) { write($0) }
        }
      try place.check(code, "H5Dwrite", "write its text")
      return dataset
    }
  }

  /// Creates a dataset of one string and writes it.
  ///
  /// - Throws: `HDF5Error` of kind `alreadyExists`, or when the disk is full.
  @discardableResult
  public func write(_ string: String, to path: String) throws -> Dataset {
    try write([string], shape: [], to: path)
  }

  /// Reads all strings of a dataset, in row order.
  ///
  /// - Throws: `HDF5Error` of kind `missingObject`, `wrongKind` or `wrongType`.
  public func readStrings(_ path: String) throws -> [String] {
    try dataset(path).readStrings()
  }
}
