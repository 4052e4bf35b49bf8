import CKernels

/// Some channels of a buffer: where a value or a gradient lies in every sample's part of the arena.
struct Place: Sendable {
  var buffer: BufferID
  var channel: Int
  var channels: Int
  var geometry: PlaneGeometry
  /// False for a value that is never materialized (`VirtualConcatenation`): its buffer has a geometry, but no memory.
  var isStored = true

  /// The geometry of these channels by themselves, without halo.
  var plainGeometry: PlaneGeometry {
    PlaneGeometry(channels: channels, nz: geometry.nz, ny: geometry.ny, nx: geometry.nx, halo: 0)
  }
}

/// How the halo of a value's rows is filled, and how wide.
struct Border {
  var padding: tutti_padding
  /// Pixels of halo on each side that are filled in the forward pass.
  var width: Int32
  /// Pixels of the gradient's halo on each side that are folded back, that is, added to the pixels that padding copied.
  var folded: Int

  static let none = Border(padding: TUTTI_ZEROS, width: 0, folded: 0)
}

/// What a step reads and writes.
struct Ports {
  var source: Place
  /// Nil in inference, and when nobody needs the source's gradient.
  var sourceGradient: Place?
  var target: Place
  /// Nil in inference.
  var targetGradient: Place?
  /// The halo of the target's rows.
  var border: Border
}

/// A part of a step with one source and one target.
protocol Ported {
  var ports: Ports { get }
}

extension Ported {
  @inline(__always)
  var source: Place { ports.source }
  @inline(__always)
  var sourceGradient: Place? { ports.sourceGradient }
  @inline(__always)
  var target: Place { ports.target }
  @inline(__always)
  var targetGradient: Place? { ports.targetGradient }
  @inline(__always)
  var border: Border { ports.border }
}

/// Consecutive elements of a flat array: of the parameters, of the running statistics or of the packed weights.
struct Slice {
  var offset: Int
  var count: Int

  static let empty = Slice(offset: 0, count: 0)

  init(offset: Int, count: Int) {
    self.offset = offset
    self.count = count
  }

  var range: Range<Int> { offset..<offset + count }
}
