import CImageCodecs
import HDF5
import Host

/// How the bytes of a chunk become elements.
struct ZarrCodecs: Sendable {
  /// A step that packs bytes.
  enum Step: String, Sendable {
    case blosc, zstd, gzip, zlib, crc32c
  }

  /// The order in which the array's axes are stored in a chunk, the slowest first; nil: as they are.
  var order: [Int]?
  var isBigEndian = false
  /// In the order of writing.
  var steps: [Step] = []

  /// Version 3: a list of codecs.
  init(_ list: [[String: Any]], rank: Int, _ location: ArrayLocation) throws(ImageFileError) {
    for codec in list {
      let name = codec["name"] as? String ?? "none"
      let configuration = codec["configuration"] as? [String: Any] ?? [:]
      switch name {
      case "transpose":
        guard let order = configuration["order"] as? [Int], order.sorted() == Array(0..<rank) else {
          throw ImageFileError(.damaged, location, "has a transpose codec without an order")
        }
        self.order = order
      case "bytes": isBigEndian = configuration["endian"] as? String == "big"
      default: steps.append(try Self.step(name, location))
      }
    }
  }

  /// Version 2: one compressor, and the order of axes.
  init(
    compressor: [String: Any]?, isFortran: Bool, isBigEndian: Bool, rank: Int, _ location: ArrayLocation
  ) throws(ImageFileError) {
    if isFortran { order = Array((0..<rank).reversed()) }
    self.isBigEndian = isBigEndian
    if let compressor { steps = [try Self.step(compressor["id"] as? String ?? "none", location)] }
  }

  private static func step(_ name: String, _ location: ArrayLocation) throws(ImageFileError) -> Step {
    guard let step = Step(rawValue: name.replacing("numcodecs.", with: "")) else {
      throw ImageFileError(
        .unsupported, location, "is packed with the codec ‘\(name)’; codecs that are read: blosc, zstd, gzip, zlib")
    }
    if step == .blosc && codec_has_blosc() == 0 || step == .zstd && codec_has_zstd() == 0 {
      throw ImageFileError(
        .unsupported, location,
        "is packed with \(name), which this program was built without; install lib\(name)-dev and build again")
    }
    return step
  }

  /// Whether a chunk's bytes are its elements.
  var isPlain: Bool { steps.isEmpty && !isBigEndian }

  /// The names of the packings; nil: none.
  var words: String? {
    let names = steps.filter { $0 != .crc32c }.map(\.rawValue)
    return names.isEmpty ? nil : names.joined(separator: ", ")
  }

  /// The elements of a chunk, in this machine's byte order.
  ///
  /// - Parameter size: the bytes of the elements.
  /// - Throws: `ImageFileError` when they cannot be unpacked.
  func unpack(
    _ packed: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer, elementBytes: Int, _ chunk: String
  ) throws(ImageFileError) {
    func damaged(_ why: String) -> ImageFileError { ImageFileError(.damaged, chunk, "is damaged or cut off: \(why)") }
    var current = packed
    var kept: [AlignedBuffer<UInt8>] = []
    for (index, step) in steps.enumerated().reversed() {
      if step == .crc32c {
        guard current.count >= 4, CRC32C.isRight(current) else { throw damaged("its checksum is wrong") }
        current = UnsafeRawBufferPointer(rebasing: current.dropLast(4))
        continue
      }
      // Checksums before this step are part of what it unpacks; the first step's packed bytes are the elements.
      let room = bytes.count + 4 * steps[..<index].count(where: { $0 == .crc32c })
      let buffer = index == 0 ? nil : AlignedBuffer<UInt8>(unfilled: room)
      let target = buffer.map { UnsafeMutableRawPointer($0.pointer) } ?? bytes.baseAddress
      var message = codec_message()
      let (from, count) = (current.baseAddress, Int64(current.count))
      let got =
        switch step {
        case .blosc: codec_blosc_unpack(from, count, target, Int64(room), &message)
        case .zstd: codec_zstd_unpack(from, count, target, Int64(room), &message)
        default: codec_zlib_unpack(from, count, target, Int64(room), &message)
        }
      guard got >= 0 else { throw damaged(message.words) }
      current = UnsafeRawBufferPointer(start: target, count: Int(got))
      if let buffer { kept.append(buffer) }
    }
    guard current.count == bytes.count else { throw damaged("it has \(current.count) bytes, not \(bytes.count)") }
    if current.baseAddress != UnsafeRawPointer(bytes.baseAddress) { bytes.copyMemory(from: current) }
    withExtendedLifetime(kept) {}
    if isBigEndian { ElementConversion.swap(bytes, size: elementBytes) }
  }
}

/// The checksum CRC-32C (Castagnoli), RFC 3720.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
  }

  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
  }

  /// Whether the last four bytes are the checksum of those before.
  static func isRight(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let stored = bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)
    return of(UnsafeRawBufferPointer(rebasing: bytes.dropLast(4))) == UInt32(littleEndian: stored)
  }
}
