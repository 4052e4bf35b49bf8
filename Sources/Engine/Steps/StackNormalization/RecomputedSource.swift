/// How a group of stages reads a normalized stack that is not stored (`StackNormalization`): it recomputes some rows of
/// some channels at a time from the convolution results. They stay in the second-level cache and are discarded after
/// use.
struct RecomputedSource {
  /// In the forward pass: rows of some channels that the taps of a piece reach.
  var rows: PlaneGeometry
  /// In the backward pass: whole planes of a block of channels.
  var planes: PlaneGeometry
  var border: Border
  /// Rows of a piece of the forward pass: whole bands.
  var pieceRows: Int
  /// Rows of a block of channels through which the gradient is propagated while they are in cache.
  var gradientRows: Int

  /// Channels of a block: two register tiles of the weight gradient, one of the data gradient.
  static let blockChannels = 6

  /// Into how many blocks channels are divided in the backward pass.
  static func blocks(of channels: Int) -> Int { (channels + blockChannels - 1) / blockChannels }

  static func block(_ index: Int, of channels: Int) -> Range<Int> {
    let blocks = blocks(of: channels)
    return index * channels / blocks..<(index + 1) * channels / blocks
  }
}
