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
    facts.channels = Self.channels(of: base, selection, kept)
    self.facts = facts
  }

  /// The names of the channels that are kept; nil where it is not known which these are.
  private static func channels(of base: any StoredArray, _ selection: Hyperslab, _ kept: [Int]) -> [String]? {
    guard let names = base.facts.channels else { return nil }
    guard let letters = base.facts.axes.map(Array.init) else {
      // Any axis of this extent may be theirs.
      let isWhole = base.shape.indices.allSatisfy { axis in
        base.shape[axis] != names.count || kept.contains(axis) && selection.count[axis] == names.count
      }
      return isWhole ? names : nil
    }
    guard let axis = letters.firstIndex(of: "c"), kept.contains(axis), base.shape[axis] == names.count else {
      return nil
    }
    return (0..<selection.count[axis]).map { names[selection.start[axis] + $0 * selection.stride[axis]] }
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

/// Some elements of one axis of an array, in any order.
public struct PickedArray: StoredArray {
  let base: any StoredArray
  let axis: Int
  let elements: [Int]
  public let facts: ArrayFacts

  /// A view of an array.
  ///
  /// - Parameter elements: below the extent of the axis.
  public init(_ base: any StoredArray, axis: Int, elements: [Int]) {
    (self.base, self.axis, self.elements) = (base, axis, elements)
    var facts = base.facts
    facts.shape[axis] = elements.count
    facts.chunk?[axis] = min(elements.count, base.facts.chunk?[axis] ?? 1)
    if let names = base.facts.channels {
      facts.channels = names.count == base.shape[axis] ? elements.map { names[$0] } : nil
    }
    self.facts = facts
  }

  public func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    let wanted = (0..<slab.count[axis]).map { elements[slab.start[axis] + $0 * slab.stride[axis]] }
    guard let first = wanted.first, let target = bytes.baseAddress else { return }
    var inner = slab
    inner.start[axis] = first
    inner.stride[axis] = max(1, wanted.count > 1 ? wanted[1] - first : 1)
    // Elements that are evenly spaced are one region.
    if wanted.indices.allSatisfy({ wanted[$0] == first + $0 * inner.stride[axis] }) {
      return try base.read(inner, as: type, into: bytes)
    }
    (inner.count[axis], inner.stride[axis]) = (1, 1)
    let values = AlignedBuffer<UInt8>(count: inner.elements * type.bytes)
    let (from, to) = (
      StridedCopy.steps(of: inner.count, size: type.bytes), StridedCopy.steps(of: slab.count, size: type.bytes)
    )
    for (place, element) in wanted.enumerated() {
      inner.start[axis] = element
      try base.read(inner, as: type, into: UnsafeMutableRawBufferPointer(values.buffer))
      StridedCopy.copy(inner.count, of: type.bytes, from: values.pointer, from, to: target + place * to[axis], to)
    }
  }
}
