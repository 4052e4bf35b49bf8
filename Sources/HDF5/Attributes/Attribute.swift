import CHDF5

/// A type that attributes can hold: numbers, `Bool` and `String`.
public protocol AttributeElement: Sendable {
  /// Writes an attribute, replacing one of that name; `setAttribute` is the form to call.
  ///
  /// - Throws: `HDF5Error` when the library cannot make or write it.
  static func writeAttribute(_ values: [Self], shape: [Int], _ name: String, of object: ObjectHandle) throws
  /// Reads all elements of an attribute in row order; `attributes(_:as:)` is the form to call.
  ///
  /// - Throws: `HDF5Error` of kind `missingAttribute` or `wrongType`.
  static func readAttribute(_ name: String, of object: ObjectHandle) throws -> [Self]
}

extension Attributed {
  /// The names of the object's attributes, sorted (`H5Aiterate2`).
  ///
  /// - Throws: `HDF5Error` when they cannot be listed.
  public func attributeNames() throws -> [String] {
    try object.use { raw in
      try object.place.listing("H5Aiterate2", "list its attributes") { chdf5_list_attributes(raw, $0) }
    }
  }

  /// Whether the object has an attribute of this name (`H5Aexists`).
  ///
  /// - Throws: `HDF5Error` when the file is closed or its metadata are damaged.
  public func hasAttribute(_ name: String) throws -> Bool {
    try object.use { try object.place.check(H5Aexists($0, name), "H5Aexists", "look for attribute ‘\(name)’") > 0 }
  }

  /// Sets an attribute to one value, replacing one of that name.
  ///
  /// - Throws: `HDF5Error` when the library cannot make or write it.
  public func setAttribute<Element: AttributeElement>(_ name: String, _ value: Element) throws {
    try Element.writeAttribute([value], shape: [], name, of: object)
  }

  /// Sets an attribute to a list of values, replacing one of that name.
  ///
  /// - Throws: `HDF5Error` when the library cannot make or write it.
  public func setAttribute<Element: AttributeElement>(_ name: String, _ values: [Element]) throws {
    try Element.writeAttribute(values, shape: [values.count], name, of: object)
  }

  /// Reads an attribute of one value.
  ///
  /// - Throws: `HDF5Error` of kind `missingAttribute`, `wrongType` or `wrongShape`.
  public func attribute<Element: AttributeElement>(_ name: String, as type: Element.Type) throws -> Element {
    let values = try type.readAttribute(name, of: object)
    guard let value = values.first, values.count == 1 else {
      throw object.place.error(.wrongShape, "attribute ‘\(name)’ has \(values.count) values where one was expected")
    }
    return value
  }

  /// Reads all values of an attribute, in row order.
  ///
  /// - Throws: `HDF5Error` of kind `missingAttribute` or `wrongType`.
  public func attributes<Element: AttributeElement>(_ name: String, as type: Element.Type) throws -> [Element] {
    try type.readAttribute(name, of: object)
  }

  /// The stored type of an attribute's elements.
  ///
  /// - Throws: `HDF5Error` of kind `missingAttribute`.
  public func attributeType(_ name: String) throws -> ElementType {
    try OpenAttribute.with(name, of: object) { $0.elementType }
  }

  /// Removes an attribute (`H5Adelete`).
  ///
  /// - Throws: `HDF5Error` when there is none of that name.
  public func removeAttribute(_ name: String) throws {
    try object.use { raw in
      _ = try object.place.check(H5Adelete(raw, name), "H5Adelete", "remove attribute ‘\(name)’")
    }
  }
}

/// An open attribute: its identifiers, type and size.
struct OpenAttribute {
  let identifier: Identifier
  let type: Identifier
  let elementType: ElementType
  /// The number of elements.
  let count: Int

  /// Opens an attribute and passes it to `body`.
  static func with<Result>(
    _ name: String, of object: ObjectHandle, _ body: (OpenAttribute) throws -> Result
  ) throws -> Result {
    try object.use { raw in
      let place = object.place
      if try place.check(H5Aexists(raw, name), "H5Aexists", "look for attribute ‘\(name)’") == 0 {
        let names = try place.listing("H5Aiterate2", "list its attributes") { chdf5_list_attributes(raw, $0) }
        throw place.error(
          .missingAttribute, "there is no attribute ‘\(name)’" + Suggestion.name(near: name, among: names))
      }
      let doing = "open attribute ‘\(name)’"
      let identifier = try place.own(H5Aopen(raw, name, chdf5_default()), .attribute, "H5Aopen", doing)
      let type = try place.own(H5Aget_type(identifier.raw), .type, "H5Aget_type", doing)
      let space = try place.own(H5Aget_space(identifier.raw), .space, "H5Aget_space", doing)
      let count = try place.check(H5Sget_simple_extent_npoints(space.raw), "H5Sget_simple_extent_npoints", doing)
      let elementType = try ElementType(type, at: place)
      return try body(OpenAttribute(identifier: identifier, type: type, elementType: elementType, count: Int(count)))
    }
  }

  /// Creates and writes an attribute, replacing one of that name.
  static func write(
    _ name: String, of object: ObjectHandle, type: Identifier, shape: [Int], _ values: UnsafeRawPointer
  ) throws {
    try object.use { raw in
      let place = object.place
      if try place.check(H5Aexists(raw, name), "H5Aexists", "look for attribute ‘\(name)’") > 0 {
        try place.check(H5Adelete(raw, name), "H5Adelete", "replace attribute ‘\(name)’")
      }
      let space = try Layout.space(shape, at: place)
      let attribute = try place.own(
        H5Acreate2(raw, name, type.raw, space.raw, chdf5_default(), chdf5_default()), .attribute, "H5Acreate2",
        "make attribute ‘\(name)’")
      try place.check(H5Awrite(attribute.raw, type.raw, values), "H5Awrite", "write attribute ‘\(name)’")
    }
  }
}

extension HDF5Scalar {
  public static func writeAttribute(_ values: [Self], shape: [Int], _ name: String, of object: ObjectHandle) throws {
    try object.use { _ in
      let type = try memoryType.identifier(at: object.place)
      try (values.isEmpty ? [zero] : values).withUnsafeBytes { bytes in
        try OpenAttribute.write(name, of: object, type: type, shape: shape, bytes.baseAddress!)
      }
    }
  }

  public static func readAttribute(_ name: String, of object: ObjectHandle) throws -> [Self] {
    try OpenAttribute.with(name, of: object) { attribute in
      let place = object.place
      guard memoryType == .bool ? attribute.elementType == .bool : attribute.elementType.isNumeric else {
        throw place.error(
          .wrongType, "attribute ‘\(name)’ holds \(attribute.elementType), which cannot be read as \(Self.self)")
      }
      if attribute.count == 0 { return [] }
      let type = try memoryType.identifier(at: place)
      let count = try Memory.count([attribute.count], of: MemoryLayout<Self>.stride, at: place)
      var values = [Self](repeating: zero, count: count)
      let code = values.withUnsafeMutableBytes { H5Aread(attribute.identifier.raw, type.raw, $0.baseAddress) }
      try place.check(code, "H5Aread", "read attribute ‘\(name)’")
      return values
    }
  }
}
