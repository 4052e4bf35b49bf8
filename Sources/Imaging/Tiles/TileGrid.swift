import Host

/// A part of a region that is predicted in one pass.
public struct Tile: Hashable, Sendable {
  /// What is read, counted from the region's corner. It may lie beyond the borders of an image that wraps around.
  public let input: Box
  /// The part of the output that is kept; within `input`.
  public let core: Box
}

/// The tiles that cover a region. They depend on extents and margin alone, never on the number of ranks.
///
/// Cores divide the region in a regular grid: they begin at multiples of `core`, and only the last along an axis may be
/// smaller, so that cores are whole chunks of a file. A tile's input extends beyond its core by at least the margin,
/// or to the region's border. All inputs have the same extents, so that one plan fits them: the last is moved back,
/// not cut. Inputs begin on the grid of a network's pooling, and have as many pixels beyond whole cells of it as the
/// region, so that the last one ends as the region does.
///
/// With `windows`, a tile's input holds the overlapping windows that its core is blended from.
public struct TileGrid: Sendable, Hashable {
  /// The region's extents.
  public let region: Extents
  /// The extents of every input; with `windows`, of the largest.
  public let input: Extents
  /// The windows that answers are blended from; nil when a network sees a tile's input at once.
  public let windows: BlendedWindows?
  /// Whether the region is seen whole because nothing asks for tiles: then no tile need have the bits of the whole's answer.
  public private(set) var isUncut = false
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
  ///   - multiple: inputs begin at multiples of this (of a pooling network's stride).
  ///   - wraps: whether inputs extend beyond the region's borders along z, y and x, where its other side is read.
  ///     Only along axes whose extent is a multiple of `multiple`.
  public init(
    region: Extents, tile: Extents, margin: Extents = Extents(z: 0, y: 0, x: 0),
    multiple: Extents = Extents(z: 1, y: 1, x: 1), wraps: (z: Bool, y: Bool, x: Bool) = (false, false, false)
  ) {
    self.region = region
    windows = nil
    z = Strip.strips(extent: region.z, core: tile.z, margin: margin.z, multiple: multiple.z, wraps: wraps.z)
    y = Strip.strips(extent: region.y, core: tile.y, margin: margin.y, multiple: multiple.y, wraps: wraps.y)
    x = Strip.strips(extent: region.x, core: tile.x, margin: margin.x, multiple: multiple.x, wraps: wraps.x)
    input = Extents(z: z[0].input.count, y: y[0].input.count, x: x[0].input.count)
  }

  /// A region that is seen whole, and that nothing asks to cut.
  public init(uncut region: Extents) {
    self.init(region: region, tile: region)
    isUncut = true
  }

  /// Tiles whose cores are blended from windows.
  ///
  /// - Parameter tile: the extents of a core. Windows lie where they lie whatever the cores are, so that answers do not
  ///   depend on it.
  public init(blending windows: BlendedWindows, tile: Extents) {
    region = windows.region
    self.windows = windows
    func strips(_ extent: Int, _ core: Int, _ starts: [Int], _ window: Int) -> [Strip] {
      stride(from: 0, to: extent, by: core).map { first in
        let core = first..<Swift.min(extent, first + core)
        let seen = starts.filter { $0 < core.upperBound && $0 + window > core.lowerBound }
        return Strip(input: seen[0]..<seen[seen.count - 1] + window, core: core)
      }
    }
    z = strips(region.z, tile.z, windows.z, windows.extents.z)
    y = strips(region.y, tile.y, windows.y, windows.extents.y)
    x = strips(region.x, tile.x, windows.x, windows.extents.x)
    func largest(_ strips: [Strip]) -> Int { strips.reduce(0) { Swift.max($0, $1.input.count) } }
    input = Extents(z: largest(z), y: largest(y), x: largest(x))
  }

  /// The extents that a network sees at once.
  public var window: Extents { windows?.extents ?? input }

  /// What a network sees of a tile, one after the other.
  public func views(of tile: Tile) -> [Box] { windows?.overlapping(tile.core) ?? [tile.input] }

  /// The pixels that are computed for each one that is kept, of a tile in the middle of an image.
  public var recomputation: Double { Double(input.count) / Double(core.count) }
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

  static func strips(extent: Int, core: Int, margin: Int, multiple: Int, wraps: Bool) -> [Strip] {
    precondition(extent > 0 && core > 0 && margin >= 0 && multiple > 0, "tiles of no extent")
    precondition(!wraps || extent % multiple == 0, "an axis that wraps around within a cell of the grid")
    // In cells of the grid, of which the last may be a part.
    let (cells, rest) = extent.quotientAndRemainder(dividingBy: multiple)
    let margin = (margin + multiple - 1) / multiple
    let step = (core + multiple - 1) / multiple
    let input = step + 2 * margin
    guard input < cells else { return [Strip(input: 0..<extent, core: 0..<extent)] }
    return stride(from: 0, to: extent, by: step * multiple).map { first in
      let begin = first / multiple - margin
      let start = (wraps ? begin : min(max(0, begin), cells - input)) * multiple
      return Strip(
        input: start..<start + input * multiple + rest, core: first..<min(extent, first + step * multiple))
    }
  }
}
