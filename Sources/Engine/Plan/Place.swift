import CKernels

/// Some channels of a buffer.
struct Place: Sendable {
  /// Among the plan's buffers, or `nowhere`.
  var buffer: Int
  var channel: Int
  var channels: Int
  var geometry: PlaneGeometry

  /// The buffer of what is made while it is read (`ActivatedStack`).
  static let nowhere = -1
  var isStored: Bool { buffer != Self.nowhere }
}

/// How the halo of a value's rows is filled, and how far.
struct Border {
  var padding: tutti_padding
  var width: Int32
  /// Pixels of the gradient's halo that belong to others.
  var folded: Int
}

/// A part of the flat parameter vector.
struct Slice {
  var offset: Int
  var count: Int

  var range: Range<Int> { offset..<offset + count }
}
