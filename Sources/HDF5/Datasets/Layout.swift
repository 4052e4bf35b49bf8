import CHDF5

/// How the elements of a dataset are stored: contiguous or in chunks, and with which filters.
public struct Layout: Sendable, Hashable {
  /// The shape of a chunk, cut to the dataset's shape where it is larger; nil: contiguous.
  public var chunk: [Int]?
  /// The level of compression by deflate, 0 to 9; nil: not compressed.
  public var deflate: Int?
  /// Whether the bytes of elements are shuffled before compression, which compresses numbers better.
  public var shuffle: Bool
  /// Whether each chunk has a checksum, which readers compare (`H5Pset_fletcher32`).
  public var checksum = false
  /// What elements are that nobody writes; nil: not defined.
  public var fill: Double?
  /// The maximum extent of each axis, nil for no bound; requires chunks. Nil: the dataset cannot be resized.
  public var maximumShape: [Int?]?

  /// Contiguous, without filters.
  public static let contiguous = Layout(chunk: nil, deflate: nil, shuffle: false, maximumShape: nil)

  /// Chunks, by default shuffled and compressed at level 4.
  public static func chunked(
    _ chunk: [Int], deflate: Int? = 4, shuffle: Bool = true, checksum: Bool = false, maximumShape: [Int?]? = nil
  ) -> Layout {
    Layout(chunk: chunk, deflate: deflate, shuffle: shuffle, checksum: checksum, maximumShape: maximumShape)
  }

  /// The dataset creation property list: fill values are not written where there is none, and no times recorded.
  ///
  /// - Parameter elementBytes: nil for strings of any length, which need their first null references.
  func list(shape: [Int], elementBytes: Int?, at place: Place) throws -> Identifier {
    let list = try Identifier.properties(chdf5_dataset_create(), at: place)
    if var fill {
      try place.check(
        H5Pset_fill_value(list.raw, chdf5_double(), &fill), "H5Pset_fill_value", "give it a fill value")
    } else if elementBytes != nil {
      try place.check(H5Pset_fill_time(list.raw, H5D_FILL_TIME_NEVER), "H5Pset_fill_time", "leave it unfilled")
    }
    try place.check(H5Pset_obj_track_times(list.raw, false), "H5Pset_obj_track_times", "leave times out")
    guard let chunk else {
      guard deflate == nil, !shuffle, !checksum, maximumShape == nil else {
        throw place.error(.wrongShape, "deflate, shuffle, checksums and growth need chunks, but the layout has none")
      }
      return list
    }
    guard chunk.count == shape.count, !chunk.isEmpty, chunk.allSatisfy({ $0 > 0 }) else {
      throw place.error(
        .wrongShape, "the chunk \(chunk) does not fit the shape \(shape): it needs as many axes, each 1 or more")
    }
    // The library wants no chunk beyond the shape, and has none for an array without elements.
    if maximumShape == nil, shape.contains(0) { return list }
    let extents = zip(chunk, maximumShape ?? shape).map { hsize_t(min($0, $1 ?? $0)) }
    let bytes = extents.reduce(Double(elementBytes ?? 16)) { $0 * Double($1) }
    guard bytes < 4_294_967_296 else {
      throw place.error(.wrongShape, "a chunk of \(chunk) holds 4 GB or more, which HDF5 cannot; make it smaller")
    }
    try place.check(H5Pset_chunk(list.raw, Int32(chunk.count), extents), "H5Pset_chunk", "cut it into chunks")
    if shuffle { try place.check(H5Pset_shuffle(list.raw), "H5Pset_shuffle", "shuffle it") }
    if let deflate {
      guard (0...9).contains(deflate) else {
        throw place.error(.wrongShape, "deflate is \(deflate); it goes from 0 to 9")
      }
      try place.check(H5Pset_deflate(list.raw, UInt32(deflate)), "H5Pset_deflate", "deflate it")
    }
    if checksum { try place.check(H5Pset_fletcher32(list.raw), "H5Pset_fletcher32", "give it checksums") }
    return list
  }

  /// The dataspace of a shape.
  func space(_ shape: [Int], at place: Place) throws -> Identifier {
    guard shape.allSatisfy({ $0 >= 0 }) else {
      throw place.error(.wrongShape, "the shape \(shape) has a negative extent")
    }
    if let maximumShape {
      let fits = maximumShape.count == shape.count && zip(shape, maximumShape).allSatisfy { $0 <= $1 ?? Int.max }
      guard fits else {
        throw place.error(.wrongShape, "the shape \(shape) does not fit the maximum shape \(maximumShape)")
      }
    }
    return try Self.space(shape, maximum: maximumShape, at: place)
  }

  static func space(_ shape: [Int], maximum: [Int?]? = nil, at place: Place) throws -> Identifier {
    if shape.isEmpty {
      return try place.own(H5Screate(H5S_SCALAR), .space, "H5Screate", "describe its shape")
    }
    let extents = shape.map { hsize_t($0) }
    let most = (maximum ?? shape).map { $0.map { hsize_t($0) } ?? chdf5_unlimited() }
    let raw = H5Screate_simple(Int32(shape.count), extents, most)
    return try place.own(raw, .space, "H5Screate_simple", "describe its shape")
  }
}
