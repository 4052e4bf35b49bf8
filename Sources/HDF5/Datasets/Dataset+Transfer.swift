import CHDF5

extension Dataset {
  /// Reads the selected part of the dataset, or all of it (`H5Dread`).
  ///
  /// Numbers are converted. One that does not fit the target (300 into `UInt8`, 1.5 or NaN into an integer) is an
  /// error, loss of digits is not.
  /// - Returns: the elements in row order.
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`.
  public func read<Scalar: HDF5Scalar>(as type: Scalar.Type, _ slab: Hyperslab? = nil) throws -> [Scalar] {
    try object.use { _ in
      let slab = try slab ?? Hyperslab(all: shape)
      if let fault = slab.fault(in: try shape) { throw object.place.error(.wrongShape, fault) }
      let count = try Memory.count(slab.count, of: MemoryLayout<Scalar>.stride, at: object.place)
      var values = [Scalar](repeating: .zero, count: count)
      try values.withUnsafeMutableBufferPointer { try read(into: $0, slab) }
      return values
    }
  }

  /// Reads the selected part of the dataset, or all of it, into a buffer of the caller.
  ///
  /// - Parameter values: as many elements as the selection has, in row order.
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`.
  public func read<Scalar: HDF5Scalar>(
    into values: UnsafeMutableBufferPointer<Scalar>, _ slab: Hyperslab? = nil
  ) throws {
    try object.use { raw in
      let memory = try memoryType(Scalar.self, reading: true)
      try transfer("H5Dread", slab, count: values.count, memory) { space, file, list in
        H5Dread(raw, memory.raw, space, file, list, values.baseAddress)
      }
    }
  }

  /// Writes the selected part of the dataset, or all of it (`H5Dwrite`).
  ///
  /// - Parameter values: the elements in row order; as many as the selection has.
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`, or when the disk is full.
  public func write<Scalar: HDF5Scalar>(_ values: [Scalar], _ slab: Hyperslab? = nil) throws {
    try values.withUnsafeBufferPointer { try write($0, slab) }
  }

  /// Writes the selected part of the dataset, or all of it, from a buffer of the caller.
  ///
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`, or when the disk is full.
  public func write<Scalar: HDF5Scalar>(_ values: UnsafeBufferPointer<Scalar>, _ slab: Hyperslab? = nil) throws {
    try object.use { raw in
      let memory = try memoryType(Scalar.self, reading: false)
      try transfer("H5Dwrite", slab, count: values.count, memory) { space, file, list in
        H5Dwrite(raw, memory.raw, space, file, list, values.baseAddress)
      }
    }
  }

  /// Reads a dataset of one value.
  ///
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`.
  public func readScalar<Scalar: HDF5Scalar>(as type: Scalar.Type) throws -> Scalar {
    let values = try read(as: type)
    guard let value = values.first, values.count == 1 else {
      throw object.place.error(.wrongShape, "it has shape \(try shape), not one value")
    }
    return value
  }

  /// The library's memory type for `Scalar`, if stored elements can be converted to it.
  private func memoryType<Scalar: HDF5Scalar>(_ type: Scalar.Type, reading: Bool) throws -> Identifier {
    let fits = type.memoryType == .bool ? elementType == .bool : elementType.isNumeric
    let writable = reading || elementType != .bool || type.memoryType == .bool
    guard fits, writable else {
      let verb = reading ? "read" : "written"
      throw object.place.error(.wrongType, "it holds \(elementType), which cannot be \(verb) as \(type)")
    }
    return try type.memoryType.identifier(at: object.place)
  }

  /// Whether elements are stored as memory holds numbers of this type.
  ///
  /// - Throws: `HDF5Error`.
  func storesNumbersOfMemory<Scalar: HDF5Scalar>(_ type: Scalar.Type) throws -> Bool {
    try object.use { raw in
      let memory = try memoryType(type, reading: false)
      let stored = try object.place.own(H5Dget_type(raw), .type, "H5Dget_type", "read its type")
      return try object.place.check(H5Tequal(stored.raw, memory.raw), "H5Tequal", "compare types") > 0
    }
  }

  /// Selects a part of the dataset and makes the call that transfers it.
  private func transfer(
    _ name: String, _ slab: Hyperslab?, count: Int, _ memory: Identifier,
    _ call: (_ memorySpace: hid_t, _ fileSpace: hid_t, _ list: hid_t) -> herr_t
  ) throws {
    let place = object.place
    let shape = try self.shape
    let slab = slab ?? Hyperslab(all: shape)
    if let fault = slab.fault(in: shape) { throw place.error(.wrongShape, fault) }
    guard slab.elements == count else {
      throw place.error(
        .wrongShape, "the selection has \(slab.elements) elements of shape \(slab.count), but \(count) are given")
    }
    if slab.isEmpty { return }
    let list = try transferList(memory)
    let file = try place.own(H5Dget_space(object.identifier.raw), .space, "H5Dget_space", "select a part")
    let space = try select(slab, of: file)
    guard call(space.raw, file.raw, list.raw) >= 0 else { throw transferFailure(name) }
  }

  /// Selects `slab` in the file's space; returns the matching space of the memory.
  private func select(_ slab: Hyperslab, of file: Identifier) throws -> Identifier {
    let place = object.place
    if slab.count.isEmpty {
      try place.check(H5Sselect_all(file.raw), "H5Sselect_all", "select its value")
      return try Layout.space([], at: place)
    }
    let code = H5Sselect_hyperslab(
      file.raw, H5S_SELECT_SET, slab.start.map { hsize_t($0) }, slab.stride.map { hsize_t($0) },
      slab.count.map { hsize_t($0) }, nil)
    try place.check(code, "H5Sselect_hyperslab", "select a part")
    // Of the selection's own shape: one of another number of axes is walked element by element, many times as slowly.
    return try Layout.space(slab.count, at: place)
  }

  private func transferList(_ memory: Identifier) throws -> Identifier {
    let place = object.place
    let list = try Identifier.properties(chdf5_dataset_transfer(), at: place)
    let type = try place.own(H5Dget_type(object.identifier.raw), .type, "H5Dget_type", "read its type")
    if try place.check(H5Tequal(type.raw, memory.raw), "H5Tequal", "compare types") == 0 {
      try place.check(chdf5_set_refuse_loss(list.raw), "H5Pset_type_conv_cb", "watch the conversion")
    }
    return list
  }

  private func transferFailure(_ call: String) -> HDF5Error {
    let failure = object.place.failure(call, .call, "its data could not be \(call == "H5Dread" ? "read" : "written")")
    let text = failure.stack.joined(separator: "\n")
    func explained(_ kind: HDF5Error.Kind, _ message: String) -> HDF5Error {
      HDF5Error(kind, file: failure.file, path: failure.path, call: call, stack: failure.stack, message)
    }
    if text.contains("conver") {
      return explained(.wrongType, "it holds \(elementType), and a value does not fit the type that was asked for")
    }
    if text.contains("required filter") || text.contains("filter is not") {
      let packing = (try? filters.joined(separator: ", ")) ?? "a filter"
      return explained(
        .call,
        "its chunks are packed with \(packing), which this HDF5 library does not have; set HDF5_PLUGIN_PATH to the "
          + "folder of its plugin (the Python package hdf5plugin has many), or write the file without it (h5repack)")
    }
    if text.contains("external raw data file"), let files = try? externalFiles() {
      return explained(
        .missingFile, "its data are in \(files.joined(separator: ", ")), which cannot be opened; is a file missing?")
    }
    if text.contains("fletcher32") || text.contains("checksum") {
      return explained(.damaged, "its data are damaged: their checksum is wrong; copy or make the file again")
    }
    return failure
  }
}
