import CImageCodecs

/// PNG images that are written.
public enum PNGFile {
  /// Writes an image of 8 or 16 bits.
  ///
  /// - Parameter pixels: `[y, x, channel]`; 1 or 3 channels.
  /// - Throws: `ImageFileError`.
  public static func write<Pixel: FixedWidthInteger & BitwiseCopyable>(
    _ pixels: [Pixel], width: Int, height: Int, channels: Int = 1, to path: String
  ) throws(ImageFileError) {
    var image = codec_png()
    (image.width, image.height) = (UInt32(width), UInt32(height))
    (image.bits, image.channels) = (Int32(MemoryLayout<Pixel>.size * 8), Int32(channels))
    var message = codec_message()
    let code = pixels.withUnsafeBytes { codec_png_write(path, &image, $0.baseAddress, &message) }
    guard code == 0 else { throw ImageFileError(.system, path, "cannot be written: \(message.words)") }
  }
}
