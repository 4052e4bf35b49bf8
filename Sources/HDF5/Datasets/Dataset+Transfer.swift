import CHDF5
import MessagePassing

/// Whether a rank reads or writes by itself or together with all ranks of the file's communicator.
public enum Transfer: Sendable {
  /// Each rank by itself, at any time.
  case independent
  /// All ranks of the file's communicator call together; those without data pass `Hyperslab.nothing`.
  /// Required for writing filtered chunks on a communicator. Without a communicator the same as `independent`.
  case collective
}

extension Dataset {
  /// The most bytes that one library call transfers: MPI counts, and some file systems, have 32 bits.
  ///
  /// Tests lower it. Change it only while no transfer runs.
  static var largestCall: Int {
    get { Library.locked { limit } }
    set { Library.locked { limit = newValue } }
  }
  nonisolated(unsafe) private static var limit = 1 << 30

  /// Reads the selected part of the dataset, or all of it (`H5Dread`).
  ///
  /// Numbers are converted. One that does not fit the target (300 into `UInt8`, 1.5 or NaN into an integer) is an
  /// error, loss of digits is not.
  /// - Returns: the elements in row order.
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`.
  public func read<Scalar: HDF5Scalar>(
    as type: Scalar.Type, _ slab: Hyperslab? = nil, transfer: Transfer = .independent
  ) throws -> [Scalar] {
    let slab = try slab ?? Hyperslab(all: shape)
    try check(slab)
    var values = [Scalar](repeating: .zero, count: slab.elements)
    try values.withUnsafeMutableBufferPointer { try read(into: $0, slab, transfer: transfer) }
    return values
  }

  /// Reads the selected part of the dataset, or all of it, into a buffer of the caller.
  ///
  /// - Parameter values: as many elements as the selection has, in row order.
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`.
  public func read<Scalar: HDF5Scalar>(
    into values: UnsafeMutableBufferPointer<Scalar>, _ slab: Hyperslab? = nil, transfer: Transfer = .independent
  ) throws {
    try object.use { raw in
      let memory = try memoryType(Scalar.self, reading: true)
      try move(slab, count: values.count, bytes: MemoryLayout<Scalar>.stride, memory, transfer) {
        space, file, list, offset in
        let target = values.baseAddress.map { UnsafeMutableRawPointer($0 + offset) }
        return ("H5Dread", H5Dread(raw, memory.raw, space, file, list, target))
      }
    }
  }

  /// Writes the selected part of the dataset, or all of it (`H5Dwrite`).
  ///
  /// - Parameter values: the elements in row order; as many as the selection has.
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`, or when the disk is full.
  public func write<Scalar: HDF5Scalar>(
    _ values: [Scalar], _ slab: Hyperslab? = nil, transfer: Transfer = .independent
  ) throws {
    try values.withUnsafeBufferPointer { try write($0, slab, transfer: transfer) }
  }

  /// Writes the selected part of the dataset, or all of it, from a buffer of the caller.
  ///
  /// - Throws: `HDF5Error` of kind `wrongType` or `wrongShape`, or when the disk is full.
  public func write<Scalar: HDF5Scalar>(
    _ values: UnsafeBufferPointer<Scalar>, _ slab: Hyperslab? = nil, transfer: Transfer = .independent
  ) throws {
    try object.use { raw in
      let memory = try memoryType(Scalar.self, reading: false)
      try move(slab, count: values.count, bytes: MemoryLayout<Scalar>.stride, memory, transfer) {
        space, file, list, offset in
        // A rank without data still passes an address: some library versions require one.
        var nothing: UInt64 = 0
        guard let base = values.baseAddress else {
          return ("H5Dwrite", H5Dwrite(raw, memory.raw, space, file, list, &nothing))
        }
        return ("H5Dwrite", H5Dwrite(raw, memory.raw, space, file, list, base + offset))
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

  private func check(_ slab: Hyperslab) throws {
    if let fault = slab.fault(in: try shape) { throw object.place.error(.wrongShape, fault) }
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

  /// Splits a transfer into calls of at most `largestCall` bytes; on a communicator every rank makes the same number.
  private func move(
    _ slab: Hyperslab?, count: Int, bytes: Int, _ memory: Identifier, _ transfer: Transfer,
    _ call: (_ memorySpace: hid_t, _ fileSpace: hid_t, _ list: hid_t, _ offset: Int) -> (String, herr_t)
  ) throws {
    let place = object.place
    let shape = try self.shape
    let slab = slab ?? Hyperslab(all: shape)
    var fault = slab.fault(in: shape)
    if fault == nil, slab.elements != count {
      fault = "the selection has \(slab.elements) elements of shape \(slab.count), but \(count) are given"
    }
    let ranks = transfer == .collective ? object.context.ranks : nil
    let most = max(1, Self.largestCall / bytes)
    var pieces = fault != nil || slab.isEmpty ? [] : slab.pieces(limit: most, chunk: chunk)
    if let ranks {
      // Every rank makes as many calls as the one with the most, or none if any rank's selection is wrong.
      let calls = try ranks.allReduce(fault == nil ? max(1, pieces.count) : Int.max, .maximum)
      if calls == Int.max { fault = fault ?? "the selection of another rank does not fit the shape \(shape)" }
      if fault == nil { pieces += Array(repeating: .nothing, count: calls - pieces.count) }
    }
    if let fault { throw place.error(.wrongShape, fault) }
    let list = try transferList(memory, collective: ranks != nil)
    let file = try place.own(H5Dget_space(object.identifier.raw), .space, "H5Dget_space", "select a part")
    var offset = 0
    for piece in pieces {
      let space = try select(piece, of: file)
      let (name, code) = call(space.raw, file.raw, list.raw, piece.isEmpty ? 0 : offset)
      guard code >= 0 else { throw transferFailure(name) }
      offset += piece.elements
    }
  }

  /// Selects `slab` in the file's space; returns the matching space of the memory.
  private func select(_ slab: Hyperslab, of file: Identifier) throws -> Identifier {
    let place = object.place
    if slab.isEmpty {
      try place.check(H5Sselect_none(file.raw), "H5Sselect_none", "select nothing")
      let space = try Layout.space([1], at: place)
      try place.check(H5Sselect_none(space.raw), "H5Sselect_none", "select nothing")
      return space
    }
    if slab.count.isEmpty {
      try place.check(H5Sselect_all(file.raw), "H5Sselect_all", "select its value")
      return try Layout.space([], at: place)
    }
    let code = H5Sselect_hyperslab(
      file.raw, H5S_SELECT_SET, slab.start.map { hsize_t($0) }, slab.stride.map { hsize_t($0) },
      slab.count.map { hsize_t($0) }, nil)
    try place.check(code, "H5Sselect_hyperslab", "select a part")
    return try Layout.space([slab.elements], at: place)
  }

  private func transferList(_ memory: Identifier, collective: Bool) throws -> Identifier {
    let place = object.place
    let list = try Identifier.properties(chdf5_dataset_transfer(), at: place)
    if collective { try place.check(chdf5_set_collective(list.raw), "H5Pset_dxpl_mpio", "move data together") }
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
    if text.contains("errno = 28") { return explained(.unusableFile, "the disk is full") }
    // The library reports this in many ways, so it is checked after everything that it reports clearly.
    if call == "H5Dwrite", object.context.ranks != nil, chunk != nil {
      return explained(
        .call, "chunks with filters are written by all ranks together (Transfer.collective) and as \(elementType)")
    }
    return failure
  }
}
