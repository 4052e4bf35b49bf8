import Host

/// Which targets a region in memory holds besides its images.
public struct TargetContent: Hashable, Sendable {
  /// Classes as targets.
  public enum Labels: Hashable, Sendable {
    case none
    /// One class a pixel.
    case pixels
    /// One class for all of the image.
    case image
  }
  /// Whether pixels or the image have a class.
  public var labels: Labels
  /// Channels of the target images; 0 without.
  public var channels: Int
  /// Whether a weight a pixel says where targets are known.
  public var hasWeights: Bool

  /// Targets as given.
  public init(labels: Labels, channels: Int, hasWeights: Bool) {
    self.labels = labels
    self.channels = channels
    self.hasWeights = hasWeights
  }

  /// The bytes that a voxel's targets take.
  public var bytes: Int { (labels == .pixels ? 1 : 0) + 4 * channels + (hasWeights ? 4 : 0) }
}

/// A region in memory, or in a file that is mapped into it: scaled intensities and their targets.
public final class LearningRegion: Sendable {
  /// Where in the data set it lies.
  public let region: Region
  /// Channels of the images.
  public let channels: Int
  /// Which targets it holds.
  public let content: TargetContent
  /// Scaled intensities, `[channel, z, y, x]`.
  public let images: AlignedBuffer<Float>
  /// The classes of the voxels, `[z, y, x]`, or of the image, `[1]`.
  public let labels: AlignedBuffer<UInt8>
  /// The target images, `[channel, z, y, x]`.
  public let values: AlignedBuffer<Float>
  /// 1 where the target is known, else 0, `[z, y, x]`.
  public let weights: AlignedBuffer<Float>
  /// Whether `values` are the images themselves.
  public let sharesImages: Bool

  /// A region filled with zeros, in memory.
  ///
  /// - Parameter sharesImages: the target is the scaled image, which is kept once.
  public init(region: Region, channels: Int, content: TargetContent, sharesImages: Bool = false) {
    let counts = Self.counts(region, channels, content, sharesImages)
    (self.region, self.channels, self.content, self.sharesImages) = (region, channels, content, sharesImages)
    images = AlignedBuffer(count: counts.images)
    labels = AlignedBuffer(count: counts.labels)
    values = sharesImages ? images : AlignedBuffer(count: counts.values)
    weights = AlignedBuffer(count: counts.weights)
  }

  /// The same in a file; nil: in memory.
  ///
  /// - Throws: `FileError` when the disk has no room for it.
  init(
    region: Region, channels: Int, content: TargetContent, sharesImages: Bool, in file: ScratchFile?
  ) throws(FileError) {
    let counts = Self.counts(region, channels, content, sharesImages)
    (self.region, self.channels, self.content, self.sharesImages) = (region, channels, content, sharesImages)
    images = try AlignedBuffer(count: counts.images, in: file)
    labels = try AlignedBuffer(count: counts.labels, in: file)
    values = sharesImages ? images : try AlignedBuffer(count: counts.values, in: file)
    weights = try AlignedBuffer(count: counts.weights, in: file)
  }

  private static func counts(
    _ region: Region, _ channels: Int, _ content: TargetContent, _ sharesImages: Bool
  ) -> (images: Int, labels: Int, values: Int, weights: Int) {
    precondition(!sharesImages || content.channels == channels, "an image is a target of as many channels")
    let count = region.extents.count
    let labels = content.labels == .pixels ? count : content.labels == .image ? 1 : 0
    return (channels * count, labels, content.channels * count, content.hasWeights ? count : 0)
  }

  /// Of a region in a file: lets the system take back its memory until it is read.
  func release() {
    images.release()
    labels.release()
    values.release()
    weights.release()
  }

  /// The same with more rows, columns and slices at its ends: of mean intensity, and unknown.
  ///
  /// - Parameters:
  ///   - larger: a region that begins where this one does.
  ///   - file: as of the initializer.
  ///   - copies: without it the region has its place, and another process fills it.
  /// - Throws: as it.
  func padded(to larger: Region, in file: ScratchFile?, copies: Bool) throws(FileError) -> LearningRegion {
    var content = content
    // Of target images, weights say what is known.
    if content.channels > 0 { content.hasWeights = true }
    let result = try LearningRegion(
      region: larger, channels: channels, content: content, sharesImages: sharesImages, in: file)
    guard copies else { return result }
    let (own, other) = (region.extents, larger.extents)
    func copy<Element: BitwiseCopyable>(
      _ source: AlignedBuffer<Element>, _ target: AlignedBuffer<Element>, planes: Int
    ) {
      for row in 0..<planes * own.z * own.y {
        let (plane, y) = row.quotientAndRemainder(dividingBy: own.y)
        let (channel, z) = plane.quotientAndRemainder(dividingBy: own.z)
        let to = ((channel * other.z + z) * other.y + y) * other.x
        (target.pointer + to).update(from: source.pointer + row * own.x, count: own.x)
      }
    }
    copy(images, result.images, planes: channels)
    switch content.labels {
    case .none: break
    case .image: result.labels.pointer[0] = labels.pointer[0]
    case .pixels:
      result.labels.buffer.update(repeating: Label.ignored)
      copy(labels, result.labels, planes: 1)
    }
    if !sharesImages { copy(values, result.values, planes: content.channels) }
    guard content.hasWeights else { return result }
    if self.content.hasWeights {
      copy(weights, result.weights, planes: 1)
    } else {
      let known = AlignedBuffer<Float>(count: own.count)
      known.buffer.update(repeating: 1)
      copy(known, result.weights, planes: 1)
    }
    return result
  }

  /// Where a patch is written to; only the parts that the region holds are.
  public struct Patch {
    /// `[channel, z, y, x]`
    public var images: UnsafeMutablePointer<Float>
    /// `[z, y, x]`, or one class.
    public var labels: UnsafeMutablePointer<UInt8>
    /// `[channel, z, y, x]`
    public var values: UnsafeMutablePointer<Float>
    /// `[z, y, x]`
    public var weights: UnsafeMutablePointer<Float>

    /// Places as given.
    public init(
      images: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<UInt8>, values: UnsafeMutablePointer<Float>,
      weights: UnsafeMutablePointer<Float>
    ) {
      self.images = images
      self.labels = labels
      self.values = values
      self.weights = weights
    }
  }

  /// Cuts a patch out of a cell, transformed and then displaced. Targets follow the images: classes and masks take the
  /// nearest voxel, images and target images are interpolated.
  ///
  /// - Parameters:
  ///   - plane: in which the patch is seen; cell, patch and transform are given along its (slice, row, column).
  ///   - cell: a box within the region, counted from its first slice.
  ///   - patch: the patch's extents, which fit in the cell.
  ///   - transform: where in the cell the patch lies and how it is turned; it fits the patch.
  ///   - displacement: where voxels are moved to; nil: nowhere.
  ///   - target: receives the patch.
  /// - Complexity: O(*voxels*); allocates nothing.
  public func cut(
    _ cell: Box, in plane: Plane = .xy, patch: Extents, _ transform: PatchTransform,
    displacement: DisplacementField? = nil, to target: Patch
  ) {
    let extents = region.extents
    precondition(
      Box(plane.view(extents)).contains(cell) && transform.fits(patch, in: cell), "a patch outside its cell")
    let walk = Walk(
      cell, patch, transform, strides: plane.view(Extents(z: extents.y * extents.x, y: extents.x, x: 1)))
    if content.labels == .image { target.labels[0] = labels.pointer[0] }
    if let displacement {
      copy(walk, displacement, to: target)
      return
    }
    for channel in 0..<channels {
      walk.copy(from: images.pointer + channel * extents.count, to: target.images + channel * patch.count)
    }
    if content.labels == .pixels { walk.copy(from: labels.pointer, to: target.labels) }
    for channel in 0..<content.channels {
      walk.copy(from: values.pointer + channel * extents.count, to: target.values + channel * patch.count)
    }
    if content.hasWeights { walk.copy(from: weights.pointer, to: target.weights) }
  }

  /// Writes a patch along a walk whose voxels are displaced.
  private func copy(_ walk: Walk, _ field: DisplacementField, to target: Patch) {
    let (plane, patch) = (region.extents.count, walk.patch)
    withUnsafeTemporaryAllocation(of: SIMD4<Float>.self, capacity: field.columns) { points in
      guard let row = points.baseAddress else { return }
      var index = 0
      for z in 0..<patch.z {
        for y in 0..<patch.y {
          field.writeRow(z: z, y: y, to: row)
          for x in 0..<patch.x {
            let moved = SIMD4<Float>(Float(z), Float(y), Float(x), 0) + field.displacement(x: x, row: row)
            let corner = walk.corner(
              DisplacementField.reflect(moved[0], patch.z), DisplacementField.reflect(moved[1], patch.y),
              DisplacementField.reflect(moved[2], patch.x))
            for channel in 0..<channels {
              target.images[channel * patch.count + index] = corner.interpolate(images.pointer + channel * plane)
            }
            for channel in 0..<content.channels {
              target.values[channel * patch.count + index] = corner.interpolate(values.pointer + channel * plane)
            }
            if content.labels == .pixels { target.labels[index] = labels.pointer[corner.nearest] }
            if content.hasWeights { target.weights[index] = weights.pointer[corner.nearest] }
            index += 1
          }
        }
      }
    }
  }
}

/// The eight voxels around a point, and where between them it lies.
private struct Corner {
  var base: Int
  var stepZ: Int
  var stepY: Int
  var stepX: Int
  var z: Float
  var y: Float
  var x: Float

  /// The voxel next to the point.
  @inline(__always)
  var nearest: Int { base + (z >= 0.5 ? stepZ : 0) + (y >= 0.5 ? stepY : 0) + (x >= 0.5 ? stepX : 0) }

  @inline(__always)
  func interpolate(_ source: UnsafePointer<Float>) -> Float {
    func line(_ at: Int) -> Float { source[at] + (source[at + stepX] - source[at]) * x }
    func plane(_ at: Int) -> Float {
      let low = line(at)
      return low + (line(at + stepY) - low) * y
    }
    let low = plane(base)
    return low + (plane(base + stepZ) - low) * z
  }
}

/// The way through a volume on which the voxels of a transformed patch are met in the patch's own order.
private struct Walk {
  let patch: Extents
  var start: Int
  var stepZ: Int
  var stepY: Int
  var stepX: Int

  init(_ cell: Box, _ patch: Extents, _ transform: PatchTransform, strides: Extents) {
    self.patch = patch
    start =
      (cell.z.lowerBound + transform.offset.z) * strides.z + (cell.y.lowerBound + transform.offset.y) * strides.y
      + (cell.x.lowerBound + transform.offset.x) * strides.x
    stepZ = strides.z
    stepY = strides.y
    stepX = strides.x
    func flip(_ step: inout Int, _ extent: Int) {
      start += (extent - 1) * step
      step = -step
    }
    if transform.flipsZ { flip(&stepZ, patch.z) }
    if transform.flipsY { flip(&stepY, patch.y) }
    if transform.flipsX { flip(&stepX, patch.x) }
    if transform.turns {
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

  /// The voxels around a point of the patch, whose coordinates lie within it.
  @inline(__always)
  func corner(_ z: Float, _ y: Float, _ x: Float) -> Corner {
    let (iz, iy, ix) = (Int(z), Int(y), Int(x))
    return Corner(
      base: start + iz * stepZ + iy * stepY + ix * stepX, stepZ: iz + 1 < patch.z ? stepZ : 0,
      stepY: iy + 1 < patch.y ? stepY : 0, stepX: ix + 1 < patch.x ? stepX : 0, z: z - Float(iz), y: y - Float(iy),
      x: x - Float(ix))
  }
}
