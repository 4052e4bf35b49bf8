import HDF5
import Host

/// The part of an array that slices keep.
struct SlicedArray: StoredArray {
  let base: any StoredArray
  let selection: Hyperslab
  /// The base's axes that this array has.
  let kept: [Int]
  let facts: ArrayFacts

  init(_ base: any StoredArray, _ slices: ArraySlices, of location: ArrayLocation) throws(ImageFileError) {
    self.base = base
    (selection, kept) = try slices.selection(in: base.shape, of: location)
    var facts = base.facts
    facts.shape = kept.map { [selection] in selection.count[$0] }
    if let axes = base.facts.axes.map(Array.init) { facts.axes = String(kept.map { axes[$0] }) }
    facts.spacing = kept.map { [selection] axis in
      base.facts.spacing[axis].map { Length($0.value * Double(selection.stride[axis]), $0.unit) }
    }
    facts.chunk = base.facts.chunk.map { [kept, selection] chunk in
      kept.map { max(1, chunk[$0] / selection.stride[$0]) }
    }
    self.facts = facts
  }

  func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    var inner = selection
    for axis in inner.count.indices { inner.count[axis] = 1 }
    for (axis, place) in kept.enumerated() {
      inner.start[place] += slab.start[axis] * selection.stride[place]
      inner.count[place] = slab.count[axis]
      inner.stride[place] = selection.stride[place] * slab.stride[axis]
    }
    try base.read(inner, as: type, into: bytes)
  }
}

/// An array with its axes in another order, axes of extent 1 added or removed.
public struct PermutedArray: StoredArray {
  let base: any StoredArray
  /// The base's axis for each axis; nil: an axis of extent 1.
  let order: [Int?]
  public let facts: ArrayFacts

  /// A view of an array.
  ///
  /// - Parameters:
  ///   - order: the base's axis for each axis; nil: a new one. Axes that are not in it have extent 1.
  ///   - axes: a letter for each axis; nil: not known.
  ///   - spacing: the distance along each axis; nil: the base's.
  public init(_ base: any StoredArray, order: [Int?], axes: String?, spacing: [Length?]? = nil) {
    self.base = base
    self.order = order
    var facts = base.facts
    facts.shape = order.map { $0.map { base.shape[$0] } ?? 1 }
    facts.spacing = spacing ?? order.map { $0.flatMap { base.facts.spacing[$0] } }
    facts.chunk = base.facts.chunk.map { chunk in order.map { $0.map { chunk[$0] } ?? 1 } }
    facts.axes = axes
    self.facts = facts
  }

  public func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    var inner = Hyperslab(
      start: Array(repeating: 0, count: base.shape.count), count: Array(repeating: 1, count: base.shape.count))
    for (axis, place) in order.enumerated() {
      guard let place else { continue }
      (inner.start[place], inner.count[place], inner.stride[place]) = (
        slab.start[axis], slab.count[axis], slab.stride[axis]
      )
    }
    // Axes of one element are in any order.
    let long = order.compactMap { $0 }.filter { inner.count[$0] > 1 }
    if long == long.sorted() { return try base.read(inner, as: type, into: bytes) }
    let values = AlignedBuffer<UInt8>(count: slab.elements * type.bytes)
    try base.read(inner, as: type, into: UnsafeMutableRawBufferPointer(values.buffer))
    let from = StridedCopy.steps(of: inner.count, size: type.bytes)
    guard let target = bytes.baseAddress else { return }
    StridedCopy.copy(
      slab.count, of: type.bytes, from: values.pointer, order.map { $0.map { from[$0] } ?? 0 }, to: target,
      StridedCopy.steps(of: slab.count, size: type.bytes))
  }
}
