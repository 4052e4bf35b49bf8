import Host

/// How the axes of an image array are to be read.
public enum ImageLayout: String, Sendable, Codable {
  /// 2-D images: `[image, y, x]` or `[image, channel, y, x]`.
  case stack
  /// One 3-D image: `[z, y, x]` or `[channel, z, y, x]`.
  case volume
  /// 3-D images: `[image, z, y, x]` or `[image, channel, z, y, x]`.
  case volumes

  /// Whether images are 3-D.
  public var hasDepth: Bool { self != .stack }

  /// Whether there is one image, whose slices are divided into parts and drawn, not images.
  public var isOneImage: Bool { self == .volume }

  /// The axes of an array without channels.
  var axisCount: Int { self == .volumes ? 4 : 3 }

  /// The place of the axis of channels, in an array that has one.
  var channelAxis: Int { isOneImage ? 0 : 1 }

  func axes(hasChannels: Bool) -> String {
    let channel = hasChannels ? "channel, " : ""
    return switch self {
    case .stack: "[image, \(channel)y, x]"
    case .volume: "[\(channel)z, y, x]"
    case .volumes: "[image, \(channel)z, y, x]"
    }
  }

  /// With the setting that says so.
  var words: String {
    switch self {
    case .stack: "a stack of 2-D images"
    case .volume: "one 3-D image"
    case .volumes: "a stack of 3-D images"
    }
  }

  /// Extents as a user writes them: `[y, x]` of a stack's images, `[z, y, x]` of volumes.
  public func text(_ extents: Extents) -> String {
    hasDepth ? "\(extents)" : "[\(extents.y), \(extents.x)]"
  }

  /// What a split divides.
  var things: String { isOneImage ? "slices" : "images" }
}
