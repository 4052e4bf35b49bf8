import Settings

/// What convolutions read beyond the border of an image.
public enum PaddingMode: String, SettingConvertible, Codable, Hashable, CaseIterable {
  /// Zeros.
  case zeros
  /// The image mirrored at its border pixels, which are not repeated.
  case reflect
  /// The nearest border pixel.
  case replicate
  /// The opposite border of the image.
  case circular
}
