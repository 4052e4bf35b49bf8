import CImageCodecs
import HDF5
import Host

/// PNG images of 1 to 16 bits: grey or colour, with transparency as a channel.
enum PNGFormat: ImageFormat {
  static var name: String { "PNG" }

  static func recognizes(_ head: [UInt8], path: String) -> Bool {
    head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
  }

  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    try requireNoDataset(location)
    var image = codec_png()
    var message = codec_message()
    guard codec_png_describe(location.file, &image, &message) == 0 else {
      throw ImageFileError(.damaged, location.name, "is damaged or cut off: \(message.words)")
    }
    guard image.is_palette == 0 else {
      throw ImageFileError(
        .unsupported, location.name,
        "holds colours by their number in a palette; write grey values (labels too) or red, green and blue")
    }
    return (location, PNGArray(location, image))
  }
}

/// The pixels of a PNG file, `[y, x]` or `[y, x, channel]`; rows before the wanted ones are unpacked too.
struct PNGArray: ElementArray {
  let location: ArrayLocation
  let facts: ArrayFacts
  private let rowBytes: Int
  private let isInterlaced: Bool

  init(_ location: ArrayLocation, _ image: codec_png) {
    self.location = location
    let (height, width, channels) = (Int(image.height), Int(image.width), Int(image.channels))
    let hasChannels = channels > 1
    facts = ArrayFacts(
      format: PNGFormat.name, shape: hasChannels ? [height, width, channels] : [height, width],
      elementType: .integer(bits: image.bits == 16 ? 16 : 8, signed: false), axes: hasChannels ? "yxc" : "yx",
      compression: "deflate")
    rowBytes = width * channels * (image.bits == 16 ? 2 : 1)
    isInterlaced = image.is_interlaced != 0
  }

  func readElements(_ slab: Hyperslab, into bytes: UnsafeMutableRawBufferPointer) throws {
    let y = Selection(slab.start[0], slab.count[0], slab.stride[0])
    let rows = y.last - y.first + 1
    if isInterlaced { try Room.require(rowBytes * shape[0], for: location) }
    try Room.require(rowBytes * rows, for: location)
    let pixels = AlignedBuffer<UInt8>(count: rowBytes * rows)
    var message = codec_message()
    guard codec_png_read(location.file, UInt32(y.first), UInt32(rows), pixels.pointer, &message) == 0 else {
      throw ImageFileError(.damaged, location, "is damaged or cut off: \(message.words)")
    }
    guard let target = bytes.baseAddress else { return }
    let size = facts.elementType.bytes
    let steps = StridedCopy.steps(of: shape, size: size)
    let first = shape.indices.dropFirst().reduce(0) { $0 + slab.start[$1] * steps[$1] }
    StridedCopy.copy(
      slab.count, of: size, from: pixels.pointer + first, zip(steps, slab.stride).map { $0 * $1 }, to: target,
      StridedCopy.steps(of: slab.count, size: size))
  }
}
