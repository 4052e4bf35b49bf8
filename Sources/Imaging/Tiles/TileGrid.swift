import Host

/// A part of a region that is predicted in one pass.
public struct Tile: Hashable, Sendable {
  /// What the network reads, counted from the region's corner.
  public let input: Box
  /// The part of the output that is kept; within `input`.
  public let core: Box
}

/// The tiles that cover a region. They depend on extents and margin alone, never on the number of ranks.
///
/// Cores divide the region in a regular grid: they begin at multiples of `core`, and only the last along an axis may be
/// smaller, so that cores are whole chunks of a file. A tile's input extends beyond its core by at least the margin,
/// or to the region's border. All inputs have the same extents, so that one plan fits them: the last is moved back,
/// not cut.
public struct TileGrid: Sendable, Hashable {
  /// The extents of every input.
  public let input: Extents
  /// The extents of every core but the last along each axis.
  public var core: Extents { Extents(z: z[0].core.count, y: y[0].core.count, x: x[0].core.count) }
  private let z: [Strip]
  private let y: [Strip]
  private let x: [Strip]

  /// Tiles of a region.
  ///
  /// - Parameters:
  ///   - region: the region's extents.
  ///   - tile: the extents of a core; inputs are wider by twice the margin.
  ///   - margin: the receptive field, in voxels, in each direction.
  ///   - multiple: inputs begin and end at multiples of this (of a pooling network's stride), along axes whose extent
  ///     is one itself.
  public init(
    region: Extents, tile: Extents, margin: Extents = Extents(z: 0, y: 0, x: 0),
    multiple: Extents = Extents(z: 1, y: 1, x: 1)
  ) {
    z = Strip.strips(extent: region.z, core: tile.z, margin: margin.z, multiple: multiple.z)
    y = Strip.strips(extent: region.y, core: tile.y, margin: margin.y, multiple: multiple.y)
    x = Strip.strips(extent: region.x, core: tile.x, margin: margin.x, multiple: multiple.x)
    input = Extents(z: z[0].input.count, y: y[0].input.count, x: x[0].input.count)
  }
}

extension TileGrid: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { z.count * y.count * x.count }

  /// A tile, in row-major order.
  public subscript(index: Int) -> Tile {
    let z = z[index / (y.count * x.count)]
    let y = y[index / x.count % y.count]
    let x = x[index % x.count]
    return Tile(
      input: Box(z: z.input, y: y.input, x: x.input), core: Box(z: z.core, y: y.core, x: x.core))
  }
}

/// A tile along one axis.
private struct Strip: Hashable, Sendable {
  let input: Range<Int>
  let core: Range<Int>

  static func strips(extent: Int, core: Int, margin: Int, multiple: Int) -> [Strip] {
    precondition(extent > 0 && core > 0 && margin >= 0 && multiple > 0, "tiles of no extent")
    // All in units of `multiple`, unless the axis itself is none.
    let unit = extent % multiple == 0 ? multiple : 1
    let extent = extent / unit
    let margin = (margin + unit - 1) / unit
    let step = (core + unit - 1) / unit
    let input = min(extent, step + 2 * margin)
    guard input < extent else { return [Strip(input: 0..<extent * unit, core: 0..<extent * unit)] }
    return stride(from: 0, to: extent, by: step).map { first in
      let start = min(max(0, first - margin), extent - input)
      return Strip(
        input: start * unit..<(start + input) * unit, core: first * unit..<min(extent, first + step) * unit)
    }
  }
}
