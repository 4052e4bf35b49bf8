/// How a group of stages works a source that it makes while it reads it (`Restack`): some rows of some channels at a time, which stay in
/// the second cache.
struct MadeSource {
  /// Forward: what a piece's taps reach of some channels.
  var rows: PlaneGeometry
  /// Backward: whole planes of a block of channels.
  var planes: PlaneGeometry
  var border: Border
  /// Rows of a piece, whole bands.
  var pieceRows: Int
  /// Rows of a block of channels through which gradients pass while they are in cache.
  var gradientRows: Int

  /// Channels of a block: two tiles of the weights' gradient, one of the source's.
  static let block = 6
}
