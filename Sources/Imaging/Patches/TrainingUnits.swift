import Host

/// A fixed grid of cells that divides a region. A training patch lies anywhere within its cell.
///
/// Along each axis there are as many cells as whole patches fit, of extents that differ by at most 1. Without overlap
/// no voxel is in two cells, so that cells left out of a bootstrap sample hold voxels that the sample does not show.
public struct PatchGrid: Sendable, Hashable {
  /// The cells in row-major order, counted from the region's corner; each voxel of the region is in one, where they
  /// overlap in several.
  public let cells: [Box]

  /// The grid of a region of the given extents; `nil` when the patch does not fit.
  ///
  /// - Parameter overlap: voxels that neighbouring cells share; less than the patch along each axis longer than 1.
  public init?(region: Extents, patch: Extents, overlap: Extents = Extents(z: 0, y: 0, x: 0)) {
    precondition(min(patch.z, patch.y, patch.x) > 0, "a patch of no extent")
    guard patch.fits(in: region) else { return nil }
    func ranges(_ extent: Int, _ patch: Int, _ overlap: Int) -> [Range<Int>] {
      let shared = min(overlap, patch - 1)
      let count = (extent - shared) / (patch - shared)
      return (0..<count).map {
        $0 * (extent - shared) / count..<($0 + 1) * (extent - shared) / count + shared
      }
    }
    var cells: [Box] = []
    for z in ranges(region.z, patch.z, overlap.z) {
      for y in ranges(region.y, patch.y, overlap.y) {
        for x in ranges(region.x, patch.x, overlap.x) { cells.append(Box(z: z, y: y, x: x)) }
      }
    }
    self.cells = cells
  }

  /// A patch for a job that names none: up to 64 voxels along each axis of a volume, 256 of 2-D images, in whole
  /// multiples of 16, which networks with pooling want, when the smallest region has room for them.
  public static func defaultPatch(for regions: [Region], layout: ImageLayout) -> Extents {
    func choose(_ extents: [Int]) -> Int {
      let extent = min(extents.min() ?? 1, layout.hasDepth ? 64 : 256)
      return extent < 16 ? extent : extent / 16 * 16
    }
    return Extents(
      z: choose(regions.map(\.z.count)), y: choose(regions.map(\.height)), x: choose(regions.map(\.width)))
  }
}

/// A place where a training patch is cut.
public struct PatchPlace: Hashable, Sendable {
  /// The region's place among the training regions.
  public let region: Int
  /// The plane in which the patch is seen; `xy` without planes.
  public let plane: Plane
  /// The cell, counted from the region's first slice, along (slice, row, column) of the plane.
  public let cell: Box
}

/// The units that a bootstrap sample draws: images of a stack (volumes of several), or cells of a volume or single image. Each has its
/// patches.
public struct TrainingUnits: Sendable, Hashable {
  /// The extents of a patch along (slice, row, column) of its plane.
  public let patch: Extents
  /// The patches of each unit.
  public let units: [[PatchPlace]]
  /// The regions that are smaller than a patch, and padded.
  public let padded: Int

  /// The units of the training regions.
  ///
  /// - Parameters:
  ///   - overlap: voxels that neighbouring cells share.
  ///   - planes: those in which 2-D networks see a volume. A unit then has a patch in each, and its cell has room for
  ///     all. None: the patch has the orientation of the region.
  ///   - images: where the regions are from, for messages, as is the part.
  /// Images that are smaller than a patch are padded, where others have room for it; runs of slices of one volume are not.
  /// - Throws: `ImagingError.patchTooLarge` when the patch does not fit into any of the regions, `.noMemory`.
  public init(
    regions: [Region], patch: Extents, overlap: Extents = Extents(z: 0, y: 0, x: 0), planes: [Plane] = [],
    of images: ImageSource, part: Part = .train
  ) throws {
    self.patch = patch
    var units: [[PatchPlace]] = []
    let span = planes.span(of: patch)
    let planes = planes.isEmpty ? [.xy] : planes
    let cells = regions.reduce(0) { $0 + $1.extents.count / max(1, span.count) }
    try ImageSource.requireMemory(128 * cells, for: images.location)
    let small = regions.filter { $0.isSmaller(than: span) }
    padded = small.count
    // Of images of several extents, those of a part besides the training part may all be small.
    let hasRoom =
      padded == 0 || !images.layout.isOneImage && padded < regions.count || part != .train && !images.hasOneExtent
    for (index, region) in regions.enumerated() {
      let extents = region.padded(to: span).extents
      guard hasRoom, let grid = PatchGrid(region: extents, patch: span, overlap: overlap) else {
        throw ImagingError.patchTooLarge(
          images.location, patch: span, region: small.first ?? region, part: part, layout: images.layout)
      }
      let places = grid.cells.map { cell in
        planes.map { PatchPlace(region: index, plane: $0, cell: $0.view(cell)) }
      }
      switch images.layout {
      case .stack where regions.count > 1, .volumes where regions.count > 1: units.append(places.flatMap { $0 })
      case .stack, .volume, .volumes: units += places
      }
    }
    self.units = units
  }

  /// The patches of the given units in their order; a unit drawn twice gives its patches twice.
  public func patches(of drawn: [Int]) -> [PatchPlace] { drawn.flatMap { units[$0] } }
}

/// A bootstrap sample: as many units as there are, drawn with replacement.
///
/// L. Breiman, *Bagging predictors*, doi:10.1007/BF00058655.
public struct Bootstrap: Hashable, Sendable {
  /// The units drawn, in the order of drawing.
  public let drawn: [Int]
  /// The units never drawn, ascending; about 37 % of many.
  public let outOfBag: [Int]

  /// A sample of `units` units.
  ///
  /// - Parameter stream: of purpose `.bootstrap`, keyed by the member.
  public init(units: Int, from stream: inout RandomStream) {
    let drawn = (0..<units).map { _ in stream.integer(below: units) }
    let seen = Set(drawn)
    self.drawn = drawn
    outOfBag = (0..<units).filter { !seen.contains($0) }
  }
}
