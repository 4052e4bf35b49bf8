import Host

/// An orientation in which 2-D networks see a volume, slice by slice.
public enum Plane: String, Hashable, Sendable, Codable, CaseIterable {
  /// Slices along z: rows are y, columns x.
  case xy
  /// Slices along y: rows are z, columns x.
  case xz
  /// Slices along x: rows are z, columns y.
  case yz

  /// Values given along (z, y, x), as (slice, row, column).
  public func view<Element>(z: Element, y: Element, x: Element) -> (slice: Element, row: Element, column: Element) {
    switch self {
    case .xy: (z, y, x)
    case .xz: (y, z, x)
    case .yz: (x, z, y)
    }
  }

  /// Values given along (slice, row, column), as (z, y, x).
  public func volume<Element>(slice: Element, row: Element, column: Element) -> (z: Element, y: Element, x: Element) {
    switch self {
    case .xy: (slice, row, column)
    case .xz: (row, slice, column)
    case .yz: (row, column, slice)
    }
  }

  /// Extents along (slice, row, column) of a box with these along (z, y, x).
  public func view(_ extents: Extents) -> Extents {
    let view = view(z: extents.z, y: extents.y, x: extents.x)
    return Extents(z: view.slice, y: view.row, x: view.column)
  }

  /// A box as ranges along (slice, row, column).
  public func view(_ box: Box) -> Box {
    let view = view(z: box.z, y: box.y, x: box.x)
    return Box(z: view.slice, y: view.row, x: view.column)
  }

  /// Extents along (z, y, x) of a box with these along (slice, row, column).
  public func volume(_ extents: Extents) -> Extents {
    let volume = volume(slice: extents.z, row: extents.y, column: extents.x)
    return Extents(z: volume.z, y: volume.y, x: volume.x)
  }
}

extension Collection<Plane> {
  /// The extents of the smallest box in which a patch, given along (slice, row, column), fits in every one of these
  /// planes; those of the patch itself when there are none.
  public func span(of patch: Extents) -> Extents {
    guard !isEmpty else { return patch }
    return reduce(Extents(z: 1, y: 1, x: 1)) { span, plane in
      let own = plane.volume(patch)
      return Extents(z: Swift.max(span.z, own.z), y: Swift.max(span.y, own.y), x: Swift.max(span.x, own.x))
    }
  }
}
