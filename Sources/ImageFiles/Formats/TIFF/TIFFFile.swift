import CImageCodecs
import HDF5
import Host
import Synchronization

/// What a page of a TIFF file says about itself.
struct TIFFPage: Sendable {
  /// Where the page is in the file.
  let directory: UInt64
  let width: Int
  let height: Int
  /// Samples of a pixel.
  let samples: Int
  /// Whether all first samples stand together, then all second ones.
  let isPlanar: Bool
  /// The type of a sample in memory.
  let elementType: ElementType
  /// Bits of a sample in the file; those of fewer than 8 are packed.
  let bits: Int
  let isTiled: Bool
  let blockWidth: Int
  let blockHeight: Int
  /// Bytes of a block when unpacked.
  let blockBytes: Int
  let blocks: Int
  /// Whether rows can be read from the file as they are.
  let isPlain: Bool
  let isSwapped: Bool
  let compression: String?
  /// Whether it is a smaller copy of another page, or a mask of it.
  let isSecondary: Bool
  /// Pixels a unit along y and x; 0: not known.
  let resolution: [Float]
  /// The distance of pixels along y and x, when the file gives it in centimetres.
  let spacing: [Length?]
}

/// An open TIFF file. Threads that read at the same time have it open each for itself, since libtiff has a state.
final class TIFFFile: Sendable {
  let location: ArrayLocation
  private let idle = Mutex<[Handle]>([])
  private let cache = BlockCache(limit: ArrayFile.cacheBytes)

  /// The file as libtiff has it open.
  private final class Handle: @unchecked Sendable {
    let pointer: OpaquePointer
    /// The page that it is at.
    var directory: UInt64 = 0

    init(_ location: ArrayLocation) throws(ImageFileError) {
      var message = codec_message()
      guard let pointer = codec_tiff_open(location.file, &message) else {
        throw ImageFileError(.damaged, location.name, "is a TIFF file that cannot be opened: \(message.words)")
      }
      self.pointer = pointer
    }

    deinit { codec_tiff_close(pointer) }
  }

  init(_ location: ArrayLocation) throws(ImageFileError) {
    self.location = location
    let first = try Handle(location)
    idle.withLock { $0 = [first] }
  }

  /// Goes to a page, and calls `body` there; nil: the file is damaged as the message says.
  private func at<Result>(
    _ directory: UInt64, number: Int, _ body: (OpaquePointer, inout codec_message) -> Result?
  ) throws(ImageFileError) -> Result {
    let known = idle.withLock { idle -> Handle? in
      guard let index = idle.lastIndex(where: { $0.directory == directory }) ?? idle.indices.last else { return nil }
      return idle.remove(at: index)
    }
    let handle: Handle
    if let known { handle = known } else { handle = try Handle(location) }
    defer { idle.withLock { $0.append(handle) } }
    var message = codec_message()
    guard codec_tiff_go(handle.pointer, directory, &message) == 0 else {
      throw ImageFileError(.damaged, place(number), "is damaged or cut off: \(message.words)")
    }
    handle.directory = directory
    guard let result = body(handle.pointer, &message) else {
      throw ImageFileError(.damaged, place(number), "is damaged or cut off: \(message.words)")
    }
    return result
  }

  /// The place of a page, for messages.
  func place(_ page: Int) -> String { "\(location.name) (page \(page))" }

  /// All pages, and the text of the first.
  ///
  /// - Throws: `ImageFileError` for damaged pages and samples that are not read.
  func pages() throws(ImageFileError) -> (pages: [TIFFPage], description: String) {
    var pages: [TIFFPage] = []
    var message = codec_message()
    guard let handle = idle.withLock({ $0.last?.pointer }) else { return ([], "") }
    let text = codec_tiff_description(handle).map { String(cString: $0) } ?? ""
    while true {
      pages.append(try page(number: pages.count, of: handle))
      let code = codec_tiff_next(handle, &message)
      if code == 0 { return (pages, text) }
      guard code > 0 else {
        throw ImageFileError(.damaged, place(pages.count), "is damaged or cut off: \(message.words)")
      }
    }
  }

  private func page(number: Int, of handle: OpaquePointer) throws(ImageFileError) -> TIFFPage {
    var page = codec_tiff_page()
    var message = codec_message()
    guard codec_tiff_describe(handle, &page, &message) == 0 else {
      throw ImageFileError(.damaged, place(number), "is damaged: \(message.words)")
    }
    func refuse(_ what: String) -> ImageFileError { ImageFileError(.unsupported, place(number), what) }
    guard page.width > 0, page.height > 0, page.samples > 0, page.block_width > 0, page.block_height > 0,
      page.block_bytes > 0, page.blocks > 0
    else { throw ImageFileError(.damaged, place(number), "is damaged: it has no pixels") }
    let compression = codec_tiff_compression(page.compression).map { String(cString: $0) }
    guard page.is_known_codec != 0 else {
      throw refuse(
        "is packed with \(compression ?? "the compression \(page.compression)"), which the TIFF library here does not "
          + "have; write the file with deflate, LZW, zstd or without compression")
    }
    switch page.photometric {
    case 3: throw refuse("holds colours by their number in a palette; write grey values or red, green and blue")
    case 6: throw refuse("holds brightness and colour (YCbCr); write red, green and blue")
    case 32844, 32845: throw refuse("holds logarithms of luminance (LogLuv); write grey values as float32")
    default: break
    }
    return TIFFPage(
      directory: page.directory, width: Int(page.width), height: Int(page.height), samples: Int(page.samples),
      isPlanar: page.planar == 2 && page.samples > 1, elementType: try elementType(page, refuse),
      bits: Int(page.bits), isTiled: page.is_tiled != 0, blockWidth: Int(page.block_width),
      blockHeight: Int(page.block_height), blockBytes: Int(page.block_bytes), blocks: Int(page.blocks),
      isPlain: page.compression == 1 && page.is_tiled == 0 && page.bits >= 8, isSwapped: page.is_swapped != 0,
      compression: page.compression == 1 ? nil : compression, isSecondary: page.subfile_type & 5 != 0,
      resolution: [page.y_resolution, page.x_resolution],
      spacing: [page.y_resolution, page.x_resolution].map { resolution in
        // Inches are what programs write that know no pixel size.
        page.resolution_unit == 3 && resolution > 0 && resolution.isFinite
          ? Length(10 / Double(resolution), "mm").readable : nil
      })
  }

  private func elementType(
    _ page: codec_tiff_page, _ refuse: (String) -> ImageFileError
  ) throws(ImageFileError) -> ElementType {
    switch (page.sample_format, page.bits) {
    case (1, 1), (1, 2), (1, 4), (4, 1), (1, 8), (4, 8): .integer(bits: 8, signed: false)
    case (1, 16), (1, 32), (1, 64), (4, 16), (4, 32): .integer(bits: Int(page.bits), signed: false)
    case (2, 8), (2, 16), (2, 32), (2, 64): .integer(bits: Int(page.bits), signed: true)
    case (3, 16), (3, 32), (3, 64): .float(bits: Int(page.bits))
    case (5, _), (6, _):
      throw refuse("holds complex numbers; write their magnitude, or real and imaginary part as channels")
    default: throw refuse("has samples of \(page.bits) bits; write them with 8, 16, 32 or 64")
    }
  }

  /// Unpacks a block of a page, or takes one that is kept, and hands it to `body`.
  func withBlock(
    _ block: Int, of page: TIFFPage, number: Int, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(ImageFileError) {
    let key = [Int(bitPattern: UInt(page.directory)), block]
    if let kept = cache.block(key) { return body(UnsafeRawBufferPointer(kept.buffer)) }
    try Room.require(page.blockBytes, for: place(number))
    let bytes = cache.room(page.blockBytes)
    let got = try at(page.directory, number: number) { handle, message -> Int? in
      let got = codec_tiff_read_block(handle, UInt32(block), bytes.pointer, Int64(bytes.count), &message)
      return got < 0 ? nil : min(Int(got), bytes.count)
    }
    (bytes.pointer + got).update(repeating: 0, count: bytes.count - got)
    body(UnsafeRawBufferPointer(bytes.buffer))
    cache.keep(bytes, as: key)
  }

  /// Where the blocks of a page are in the file.
  func offsets(of page: TIFFPage, number: Int, blocks: Range<Int>) throws(ImageFileError) -> [Int] {
    try at(page.directory, number: number) { handle, _ in
      blocks.map { Int(clamping: codec_tiff_block_offset(handle, UInt32($0))) }
    }
  }
}

extension codec_message {
  /// The text.
  var words: String {
    withUnsafeBytes(of: text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
