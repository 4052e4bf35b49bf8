import Host
import Imaging

/// The shape of the chunks of results.
enum ChunkShape {
  /// What readers keep of a dataset by default (libhdf5, h5py): a larger chunk would be unpacked anew for every slice of it.
  private static let mostBytes = 1 << 20

  /// The pixels of a chunk: a part of a tile's core, so that no two ranks share one, of whole rows and few slices.
  ///
  /// - Parameter pixelBytes: of all channels of a pixel.
  static func extents(of grid: TileGrid, pixelBytes: Int) -> Extents {
    let (core, region) = (grid.core, grid.region)
    func most(_ bytes: Int) -> Int { max(1, mostBytes / max(1, bytes)) }
    let z = part(of: core.z, region.z, most: most(pixelBytes * core.y * core.x))
    let y = part(of: core.y, region.y, most: most(pixelBytes * z * core.x))
    return Extents(z: z, y: y, x: core.x)
  }

  /// What an axis is cut into: equal parts of each core, unless one core is all of it.
  private static func part(of core: Int, _ extent: Int, most: Int) -> Int {
    guard core > most else { return core }
    if core >= extent {
      let count = (core + most - 1) / most
      return (core + count - 1) / count
    }
    return (1...most).last { core.isMultiple(of: $0) } ?? 1
  }
}
