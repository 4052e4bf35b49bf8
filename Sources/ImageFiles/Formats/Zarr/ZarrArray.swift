import Foundation
import HDF5
import Host
import Synchronization

/// An array of a Zarr folder, read chunk by chunk.
struct ZarrArray: ElementArray {
  let location: ArrayLocation
  let facts: ArrayFacts
  private let folder: String
  /// The extents of what one file holds: a chunk, or a shard of chunks.
  private let fileShape: [Int]
  private let chunkShape: [Int]
  private let codecs: ZarrCodecs
  private let sharding: ZarrSharding?
  /// What stands before and between the numbers of a chunk's file.
  private let keyPrefix: String
  private let separator: String
  /// The bytes of the element that stands where no chunk is.
  private let fill: [UInt8]
  private let cache: BlockCache
  private let shards = RecentShards()

  init(_ node: ZarrNode, _ location: ArrayLocation) throws(ImageFileError) {
    self.location = location
    folder = node.folder
    let metadata = node.metadata
    func damaged(_ what: String) -> ImageFileError {
      ImageFileError(.damaged, location, "has metadata without \(what)")
    }
    guard let shape = metadata["shape"] as? [Int], shape.allSatisfy({ $0 >= 0 }) else { throw damaged("a shape") }
    let elementType: ElementType
    if node.version == 3 {
      let grid = (metadata["chunk_grid"] as? [String: Any])?["configuration"] as? [String: Any]
      guard let chunks = grid?["chunk_shape"] as? [Int] else { throw damaged("a regular grid of chunks") }
      fileShape = chunks
      let name = metadata["data_type"] as? String ?? "a structure"
      guard let type = Self.types[name] else { throw Self.refuse(name, location) }
      elementType = type
      let encoding = metadata["chunk_key_encoding"] as? [String: Any] ?? [:]
      let isOld = encoding["name"] as? String == "v2"
      keyPrefix = isOld ? "" : "c"
      separator = (encoding["configuration"] as? [String: Any])?["separator"] as? String ?? (isOld ? "." : "/")
      let list = metadata["codecs"] as? [[String: Any]] ?? []
      if let shard = list.first(where: { $0["name"] as? String == "sharding_indexed" }) {
        guard list.count == 1 else {
          throw ImageFileError(.unsupported, location, "packs its shards once more; write it with one sharding codec")
        }
        sharding = try ZarrSharding(shard["configuration"] as? [String: Any] ?? [:], in: chunks, location)
      } else {
        sharding = nil
      }
      if let sharding {
        codecs = sharding.codecs
      } else {
        codecs = try ZarrCodecs(list, rank: shape.count, location)
      }
    } else {
      guard let chunks = metadata["chunks"] as? [Int] else { throw damaged("chunks") }
      fileShape = chunks
      let text = metadata["dtype"] as? String ?? "a structure"
      guard let type = Self.oldTypes[String(text.dropFirst())] else { throw Self.refuse(text, location) }
      elementType = type
      keyPrefix = ""
      separator = metadata["dimension_separator"] as? String ?? "."
      if let filters = metadata["filters"] as? [[String: Any]], !filters.isEmpty {
        let names = filters.compactMap { $0["id"] as? String }.joined(separator: ", ")
        throw ImageFileError(.unsupported, location, "is filtered (\(names)); write it without filters")
      }
      sharding = nil
      codecs = try ZarrCodecs(
        compressor: metadata["compressor"] as? [String: Any], isFortran: metadata["order"] as? String == "F",
        isBigEndian: text.hasPrefix(">"), rank: shape.count, location)
    }
    chunkShape = sharding?.chunkShape ?? fileShape
    guard fileShape.count == shape.count, fileShape.allSatisfy({ $0 > 0 }) else { throw damaged("chunks that fit") }
    fill = Self.fill(metadata["fill_value"], elementType)
    let own = location.dataset?.split(separator: "/").last ?? folder.split(separator: "/").last
    let parent = try ZarrNode(folder, "..", location)
    let axes = parent?.axes(ofScale: own.map(String.init) ?? "")
    let names = (metadata["dimension_names"] as? [Any])?.compactMap { ($0 as? String)?.lowercased() } ?? []
    let isNamed = names.count == shape.count && names.allSatisfy { $0.count == 1 && "tczyx".contains($0) }
    var facts = ArrayFacts(
      format: axes != nil ? "OME-Zarr \(parent?.omeVersion ?? "")" : "Zarr \(node.version)", shape: shape,
      elementType: elementType, axes: axes?.letters ?? (isNamed ? names.joined() : nil),
      spacing: axes.map { $0.spacing.count == shape.count ? $0.spacing : shape.map { _ in nil } }, chunk: chunkShape,
      compression: codecs.words)
    facts.channels = parent?.channels
    self.facts = facts
    // What is not packed is read again as fast.
    cache = BlockCache(limit: codecs.words == nil ? 0 : ArrayFile.cacheBytes)
  }

  private static func refuse(_ type: String, _ location: ArrayLocation) -> ImageFileError {
    ImageFileError(.unsupported, location, "holds elements of the type ‘\(type)’, no numbers of 8 to 64 bits")
  }

  private static let types: [String: ElementType] = [
    "bool": .bool, "int8": .integer(bits: 8, signed: true), "uint8": .integer(bits: 8, signed: false),
    "int16": .integer(bits: 16, signed: true), "uint16": .integer(bits: 16, signed: false),
    "int32": .integer(bits: 32, signed: true), "uint32": .integer(bits: 32, signed: false),
    "int64": .integer(bits: 64, signed: true), "uint64": .integer(bits: 64, signed: false),
    "float16": .float(bits: 16), "float32": .float(bits: 32), "float64": .float(bits: 64),
  ]
  private static let oldTypes: [String: ElementType] = [
    "b1": .bool, "i1": .integer(bits: 8, signed: true), "u1": .integer(bits: 8, signed: false),
    "i2": .integer(bits: 16, signed: true), "u2": .integer(bits: 16, signed: false),
    "i4": .integer(bits: 32, signed: true), "u4": .integer(bits: 32, signed: false),
    "i8": .integer(bits: 64, signed: true), "u8": .integer(bits: 64, signed: false), "f2": .float(bits: 16),
    "f4": .float(bits: 32), "f8": .float(bits: 64),
  ]

  /// The bytes of the fill value.
  private static func fill(_ value: Any?, _ type: ElementType) -> [UInt8] {
    let number: Double =
      switch value {
      case let text as String:
        text == "NaN" ? .nan : text == "Infinity" ? .infinity : text == "-Infinity" ? -.infinity : 0
      case let number as NSNumber: number.doubleValue
      default: 0
      }
    func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
    switch type {
    case .float(16):
      let bits = (0...UInt16.max).first { ElementConversion.single(fromHalf: $0) == Float(number) }
      return bytes(number.isNaN ? 0x7E00 : bits ?? 0)
    case .float(32): return bytes(Float(number))
    case .float: return bytes(number)
    default:
      let whole = (value as? NSNumber).map { number < 0 ? UInt64(bitPattern: $0.int64Value) : $0.uint64Value } ?? 0
      return Array(bytes(whole.littleEndian).prefix(type.bytes))
    }
  }

  func readElements(_ slab: Hyperslab, into bytes: UnsafeMutableRawBufferPointer) throws {
    let size = facts.elementType.bytes
    let chunkBytes = try chunkShape.reduce(size) { bytes, extent in
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw ImageFileError(.damaged, location, "has chunks of shape \(chunkShape)") }
      return product
    }
    try Room.require(2 * chunkBytes, for: location)
    let axes = shape.indices.map { Selection(slab.start[$0], slab.count[$0], slab.stride[$0]) }
    let targetSteps = StridedCopy.steps(of: slab.count, size: size)
    // Steps of the array's axes in a chunk, whose axes may be stored in another order.
    let stored = codecs.order ?? Array(shape.indices)
    let storedSteps = StridedCopy.steps(of: stored.map { chunkShape[$0] }, size: size)
    var chunkSteps = storedSteps
    for (place, axis) in stored.enumerated() { chunkSteps[axis] = storedSteps[place] }
    let firsts = axes.indices.map { axes[$0].first / chunkShape[$0] }
    let counts = axes.indices.map { axes[$0].last / chunkShape[$0] - firsts[$0] + 1 }
    try Unpacking.run(count: counts.reduce(1, *), bytes: 2 * chunkBytes) { piece in
      var (rest, place) = (piece, firsts)
      for axis in axes.indices.reversed() {
        place[axis] += rest % counts[axis]
        rest /= counts[axis]
      }
      let ranges = axes.indices.compactMap { axis in
        axes[axis].indices(from: place[axis] * chunkShape[axis], to: (place[axis] + 1) * chunkShape[axis])
      }
      guard ranges.count == axes.count else { return }
      let chunk = try chunk(place, bytes: chunkBytes)
      let from = axes.indices.reduce(0) { sum, axis in
        sum + (axes[axis][ranges[axis].lowerBound] - place[axis] * chunkShape[axis]) * chunkSteps[axis]
      }
      let to = axes.indices.reduce(0) { $0 + ranges[$1].lowerBound * targetSteps[$1] }
      if let target = bytes.baseAddress {
        StridedCopy.copy(
          ranges.map(\.count), of: size, from: chunk.pointer + from,
          axes.indices.map { chunkSteps[$0] * axes[$0].stride }, to: target + to, targetSteps)
      }
    }
  }

  /// A chunk unpacked, the value of missing elements where there is none.
  private func chunk(_ place: [Int], bytes count: Int) throws(ImageFileError) -> AlignedBuffer<UInt8> {
    if let kept = cache.block(place) { return kept }
    let chunk = cache.room(count)
    if try !read(place, into: UnsafeMutableRawBufferPointer(chunk.buffer)) {
      for i in 0..<count { chunk.pointer[i] = fill[i % fill.count] }
    }
    cache.keep(chunk, as: place)
    return chunk
  }

  /// Reads a chunk; false when there is none.
  private func read(_ place: [Int], into bytes: UnsafeMutableRawBufferPointer) throws(ImageFileError) -> Bool {
    let filePlace = place.indices.map { place[$0] * chunkShape[$0] / fileShape[$0] }
    let numbers = filePlace.map(String.init).joined(separator: separator)
    let key =
      keyPrefix.isEmpty
      ? (numbers.isEmpty ? "0" : numbers) : numbers.isEmpty ? keyPrefix : keyPrefix + separator + numbers
    let path = "\(folder)/\(key)"
    let name = "\(location) (chunk \(key))"
    if let sharding {
      let shard = try shards.at(path, sharding, name)
      guard let file = shard.file else { return false }
      let inner = place.indices.map { place[$0] % (fileShape[$0] / chunkShape[$0]) }
      guard let range = shard.range(of: inner, sharding) else { return false }
      try unpack(range, of: file, into: bytes, name)
      return true
    }
    guard access(path, F_OK) == 0 else { return false }
    let file = try FileBytes(path, name: name)
    // Packing never makes a chunk much larger.
    guard file.count <= bytes.count + bytes.count / 8 + 65_536 else {
      throw ImageFileError(.damaged, name, "is damaged: it has \(file.count) bytes")
    }
    try unpack(0..<file.count, of: file, into: bytes, name)
    return true
  }

  /// The elements of the chunk that lies in a range of a file.
  private func unpack(
    _ range: Range<Int>, of file: FileBytes, into bytes: UnsafeMutableRawBufferPointer, _ name: String
  ) throws(ImageFileError) {
    if codecs.isPlain, range.count == bytes.count { return try file.read(at: range.lowerBound, into: bytes) }
    let packed = AlignedBuffer<UInt8>(unfilled: range.count)
    try file.read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(packed.buffer))
    try codecs.unpack(UnsafeRawBufferPointer(packed.buffer), into: bytes, elementBytes: facts.elementType.bytes, name)
  }
}

/// How a file holds several chunks, with an index of where they are.
struct ZarrSharding: Sendable {
  let chunkShape: [Int]
  let codecs: ZarrCodecs
  /// Chunks of a shard along each axis.
  let counts: [Int]
  let isIndexAtEnd: Bool
  let indexHasChecksum: Bool

  init(_ configuration: [String: Any], in shard: [Int], _ location: ArrayLocation) throws(ImageFileError) {
    guard let chunks = configuration["chunk_shape"] as? [Int], chunks.count == shard.count,
      zip(shard, chunks).allSatisfy({ $1 > 0 && $0 % $1 == 0 })
    else { throw ImageFileError(.damaged, location, "has shards that are not made of whole chunks") }
    chunkShape = chunks
    codecs = try ZarrCodecs(configuration["codecs"] as? [[String: Any]] ?? [], rank: shard.count, location)
    counts = zip(shard, chunks).map { $0 / $1 }
    isIndexAtEnd = configuration["index_location"] as? String != "start"
    let index = try ZarrCodecs(configuration["index_codecs"] as? [[String: Any]] ?? [], rank: 1, location)
    guard index.steps.allSatisfy({ $0 == .crc32c }), !index.isBigEndian, counts.reduce(1, { $0 &* $1 }) < 1 << 28 else {
      throw ImageFileError(.unsupported, location, "has shards whose index is packed")
    }
    indexHasChecksum = !index.steps.isEmpty
  }
}

/// The shards that were read last, open: threads read several.
private final class RecentShards: Sendable {
  private let shards = Mutex<[ZarrShard]>([])

  /// The shard of a path, opened when it is another one.
  func at(_ path: String, _ sharding: ZarrSharding, _ name: String) throws(ImageFileError) -> ZarrShard {
    if let known = shards.withLock({ $0.first { $0.path == path } }) { return known }
    let other = try ZarrShard(path, sharding, name)
    shards.withLock { $0 = [other] + $0.prefix(7) }
    return other
  }
}

/// An open shard.
struct ZarrShard: Sendable {
  let path: String
  /// Nil when there is no such file.
  let file: FileBytes?
  private var index: [UInt64] = []

  init(_ path: String, _ sharding: ZarrSharding, _ name: String) throws(ImageFileError) {
    self.path = path
    guard access(path, F_OK) == 0 else {
      file = nil
      return
    }
    let file = try FileBytes(path, name: name)
    self.file = file
    let bytes = 16 * sharding.counts.reduce(1, *) + (sharding.indexHasChecksum ? 4 : 0)
    guard file.count >= bytes else { throw ImageFileError(.damaged, name, "is cut off: it has no index") }
    let raw = try file.read(at: sharding.isIndexAtEnd ? file.count - bytes : 0, upTo: bytes)
    guard !sharding.indexHasChecksum || raw.withUnsafeBytes({ CRC32C.isRight($0) }) else {
      throw ImageFileError(.damaged, name, "is damaged: the checksum of its index is wrong")
    }
    let header = HeaderBytes(bytes: raw)
    index = (0..<bytes / 8).map { header.number(at: 8 * $0, as: UInt64.self) }
    // Both numbers are all ones where there is no chunk.
    for i in stride(from: 0, to: index.count - 1, by: 2) where index[i] != .max {
      guard index[i] <= UInt64(file.count), index[i + 1] <= UInt64(file.count) - index[i] else {
        throw ImageFileError(.damaged, name, "is damaged: a chunk lies beyond its end")
      }
    }
  }

  /// Where a chunk is in the file; nil: nowhere.
  func range(of place: [Int], _ sharding: ZarrSharding) -> Range<Int>? {
    let number = zip(place, sharding.counts).reduce(0) { $0 * $1.1 + $1.0 }
    let (offset, count) = (index[2 * number], index[2 * number + 1])
    return offset == .max ? nil : Int(offset)..<Int(offset + count)
  }
}
