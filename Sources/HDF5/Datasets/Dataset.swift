import CHDF5

/// A dataset: an array of numbers, truth values or strings in a file.
public struct Dataset: Attributed {
  /// The open object.
  public let object: ObjectHandle
  /// The stored type; reading may convert it.
  public let elementType: ElementType
  /// The shape of a chunk; nil for contiguous storage.
  public let chunk: [Int]?

  init(object: ObjectHandle) throws {
    self.object = object
    let place = object.place
    let raw = object.identifier.raw
    let type = try place.own(H5Dget_type(raw), .type, "H5Dget_type", "read its type")
    elementType = try ElementType(type, at: place)
    let list = try place.own(H5Dget_create_plist(raw), .properties, "H5Dget_create_plist", "read its layout")
    guard H5Pget_layout(list.raw) == H5D_CHUNKED else {
      chunk = nil
      return
    }
    var extents = [hsize_t](repeating: 0, count: 32)
    let rank = try place.check(H5Pget_chunk(list.raw, 32, &extents), "H5Pget_chunk", "read its chunks")
    chunk = extents.prefix(Int(rank)).map { Int(clamping: $0) }
  }

  /// The extent of every axis; empty for a single value.
  ///
  /// - Throws: `HDF5Error` when the file is closed.
  public var shape: [Int] {
    get throws {
      try object.use { raw in
        let place = object.place
        let space = try place.own(H5Dget_space(raw), .space, "H5Dget_space", "read its shape")
        let rank = H5Sget_simple_extent_ndims(space.raw)
        try place.check(rank, "H5Sget_simple_extent_ndims", "read its shape")
        var extents = [hsize_t](repeating: 0, count: Int(rank))
        try place.check(
          H5Sget_simple_extent_dims(space.raw, &extents, nil), "H5Sget_simple_extent_dims", "read its shape")
        guard extents.allSatisfy({ $0 <= hsize_t(Int.max) }) else {
          throw place.error(.wrongShape, "its shape \(extents) cannot be; the file is damaged")
        }
        return extents.map { Int($0) }
      }
    }
  }

  /// The bytes that the elements take in the file, after filters.
  ///
  /// - Throws: `HDF5Error` when the file is closed.
  public var storedBytes: Int {
    get throws { try object.use { Int(clamping: H5Dget_storage_size($0)) } }
  }

  /// The names of the filters that are applied to chunks on writing, in order: `shuffle`, `deflate`, ….
  ///
  /// - Throws: `HDF5Error` when the file is closed.
  public var filters: [String] {
    get throws {
      try object.use { raw in
        let place = object.place
        let list = try place.own(H5Dget_create_plist(raw), .properties, "H5Dget_create_plist", "read its filters")
        let count = try place.check(H5Pget_nfilters(list.raw), "H5Pget_nfilters", "read its filters")
        return try (0..<count).map { index in
          var name = [CChar](repeating: 0, count: 64)
          var flags: UInt32 = 0
          var values = 0
          var configuration: UInt32 = 0
          let code = H5Pget_filter2(list.raw, UInt32(index), &flags, &values, nil, 64, &name, &configuration)
          try place.check(code, "H5Pget_filter2", "read its filters")
          return name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        }
      }
    }
  }

  /// Changes the extents of a resizable dataset (`H5Dset_extent`).
  ///
  /// - Throws: `HDF5Error` of kind `wrongShape` when the dataset's maximum shape does not allow it.
  public func resize(to shape: [Int]) throws {
    try object.use { raw in
      let current = try self.shape
      guard shape.count == current.count, shape.allSatisfy({ $0 >= 0 }) else {
        throw object.place.error(.wrongShape, "it has shape \(current) and cannot become \(shape)")
      }
      guard H5Dset_extent(raw, shape.map { hsize_t($0) }) >= 0 else {
        throw object.place.failure(
          "H5Dset_extent", .wrongShape, "it cannot grow to \(shape); only a dataset made with a larger maximum can")
      }
    }
  }
}

extension Container {
  /// Opens a dataset (`H5Dopen2`).
  ///
  /// - Throws: `HDF5Error` of kind `missingObject` or `wrongKind`.
  public func dataset(_ path: String) throws -> Dataset {
    try object.use { raw in
      try require(.dataset, at: path)
      let dataset = try object.place(path).own(
        H5Dopen2(raw, path, chdf5_default()), .dataset, "H5Dopen2", "open the dataset")
      return try Dataset(
        object: ObjectHandle(context: object.context, identifier: dataset, path: object.joined(path)))
    }
  }

  /// Opens a dataset to be read part by part, so that neighbouring parts do not unpack a chunk again: holds up to so
  /// many bytes of chunks, the last ones that were read (`H5Pset_chunk_cache`).
  ///
  /// Datasets without chunks or filters are opened as they are: parts of them are read alone. The library's own cache is
  /// of 1 MiB, and unpacks a larger chunk anew for every part of it.
  ///
  /// - Throws: `HDF5Error` of kind `missingObject` or `wrongKind`.
  public func dataset(_ path: String, cache bytes: Int) throws -> Dataset {
    guard let chunk = try packedChunk(of: path) else { return try dataset(path) }
    return try object.use { raw in
      let place = object.place(path)
      let list = try Identifier.properties(chdf5_dataset_access(), at: place)
      // Slots are many more than chunks, so that few share one. What is not used of the cache takes no memory.
      let chunks = max(1, min(4096, bytes / max(1, chunk)))
      try place.check(
        H5Pset_chunk_cache(list.raw, 100 * chunks + 21, bytes, 0), "H5Pset_chunk_cache", "set the cache of its chunks")
      let identifier = try place.own(H5Dopen2(raw, path, list.raw), .dataset, "H5Dopen2", "open the dataset")
      return try Dataset(
        object: ObjectHandle(context: object.context, identifier: identifier, path: object.joined(path)))
    }
  }

  /// The elements of a dataset's chunk; nil without chunks or filters. The dataset is closed again: the cache is that of
  /// the first one that opens it.
  private func packedChunk(of path: String) throws -> Int? {
    let dataset = try dataset(path)
    guard let chunk = dataset.chunk, try !dataset.filters.isEmpty else { return nil }
    return chunk.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
  }

  /// Creates a dataset of numbers or truth values, and missing groups on its path (`H5Dcreate2`).
  ///
  /// Elements that are never written are undefined.
  /// - Throws: `HDF5Error` of kind `alreadyExists` or `wrongShape`.
  @discardableResult
  public func createDataset<Scalar: HDF5Scalar>(
    _ path: String, of type: Scalar.Type, shape: [Int], layout: Layout = .contiguous
  ) throws -> Dataset {
    try object.use { _ in
      let place = object.place(path)
      return try makeDataset(
        path, type: type.memoryType.identifier(at: place), bytes: MemoryLayout<Scalar>.size, shape: shape,
        layout: layout)
    }
  }

  /// Creates a dataset and writes all of it.
  ///
  /// - Throws: `HDF5Error` of kind `alreadyExists` or `wrongShape`, or when the disk is full.
  @discardableResult
  public func write<Scalar: HDF5Scalar>(
    _ values: [Scalar], shape: [Int]? = nil, to path: String, layout: Layout = .contiguous
  ) throws -> Dataset {
    let dataset = try createDataset(path, of: Scalar.self, shape: shape ?? [values.count], layout: layout)
    try dataset.write(values)
    return dataset
  }

  /// Creates a dataset of one value and writes it.
  ///
  /// - Throws: `HDF5Error` of kind `alreadyExists`, or when the disk is full.
  @discardableResult
  public func write<Scalar: HDF5Scalar>(_ value: Scalar, to path: String) throws -> Dataset {
    try write([value], shape: [], to: path)
  }

  /// Reads all of a dataset, in row order.
  ///
  /// - Throws: `HDF5Error` of kind `missingObject`, `wrongKind` or `wrongType`.
  public func read<Scalar: HDF5Scalar>(_ path: String, as type: Scalar.Type) throws -> [Scalar] {
    try dataset(path).read(as: type)
  }

  func makeDataset(
    _ path: String, type: Identifier, bytes: Int?, shape: [Int], layout: Layout
  ) throws -> Dataset {
    try object.use { raw in
      try refuseExisting(path)
      let place = object.place(path)
      let space = try layout.space(shape, at: place)
      let creation = try layout.list(shape: shape, elementBytes: bytes, at: place)
      try createGroups(above: path)
      let links = try linkList(at: place)
      let dataset = try place.own(
        H5Dcreate2(raw, path, type.raw, space.raw, links.raw, creation.raw, chdf5_default()), .dataset, "H5Dcreate2",
        "make the dataset")
      return try Dataset(
        object: ObjectHandle(context: object.context, identifier: dataset, path: object.joined(path)))
    }
  }
}
