import Tensors

/// A region in memory: scaled intensities `[channel, z, y, x]` and the classes `[z, y, x]` of its voxels.
public final class LabelledRegion: Sendable {
  public let region: Region
  public let channels: Int
  public let images: AlignedBuffer<Float>
  public let labels: AlignedBuffer<UInt8>

  /// A region filled with zeros.
  public init(region: Region, channels: Int) {
    self.region = region
    self.channels = channels
    images = AlignedBuffer(count: channels * region.extents.count)
    labels = AlignedBuffer(count: region.extents.count)
  }

  /// Cuts a patch out of a cell, augmented.
  ///
  /// - Parameters:
  ///   - cell: a box within the region, counted from its first slice.
  ///   - patch: the patch's extents, which fit in the cell.
  ///   - augmentation: where in the cell the patch lies and how it is turned; it fits the patch.
  ///   - images: receives `[channel, z, y, x]`.
  ///   - labels: receives `[z, y, x]`.
  /// - Complexity: O(*voxels*); allocates nothing.
  public func cut(
    _ cell: Box, patch: Extents, _ augmentation: Augmentation, images: UnsafeMutablePointer<Float>,
    labels: UnsafeMutablePointer<UInt8>
  ) {
    let extents = region.extents
    precondition(Box(extents).contains(cell) && augmentation.fits(patch, in: cell), "a patch outside its cell")
    let walk = Walk(cell, patch, augmentation, rowStride: extents.x, sliceStride: extents.y * extents.x)
    for channel in 0..<channels {
      walk.copy(from: self.images.pointer + channel * extents.count, to: images + channel * patch.count)
    }
    walk.copy(from: self.labels.pointer, to: labels)
  }
}

/// The way through a volume on which the voxels of an augmented patch are met in the patch's own order.
private struct Walk {
  let patch: Extents
  var start: Int
  var stepZ: Int
  var stepY: Int
  var stepX: Int

  init(_ cell: Box, _ patch: Extents, _ augmentation: Augmentation, rowStride: Int, sliceStride: Int) {
    self.patch = patch
    start =
      (cell.z.lowerBound + augmentation.offset.z) * sliceStride
      + (cell.y.lowerBound + augmentation.offset.y) * rowStride + cell.x.lowerBound + augmentation.offset.x
    stepZ = sliceStride
    stepY = rowStride
    stepX = 1
    func flip(_ step: inout Int, _ extent: Int) {
      start += (extent - 1) * step
      step = -step
    }
    if augmentation.flipsZ { flip(&stepZ, patch.z) }
    if augmentation.flipsY { flip(&stepY, patch.y) }
    if augmentation.flipsX { flip(&stepX, patch.x) }
    if augmentation.turns {
      // Row y, column x of the turned patch is row x, column n − 1 − y of the patch before.
      flip(&stepX, patch.x)
      swap(&stepY, &stepX)
    }
  }

  @inline(__always)
  func copy<Element: BitwiseCopyable>(from source: UnsafePointer<Element>, to target: UnsafeMutablePointer<Element>) {
    var target = target
    for z in 0..<patch.z {
      for y in 0..<patch.y {
        var row = source + (start + z * stepZ + y * stepY)
        for x in 0..<patch.x {
          target[x] = row.pointee
          row += stepX
        }
        target += patch.x
      }
    }
  }
}
