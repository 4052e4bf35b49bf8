import Imaging

/// What is known of a tile's answer.
struct TileTruth {
  /// `[z, y, x]`, or one class of the image; empty when the answer is an image.
  private(set) var labels: [UInt8] = []
  /// Target images, `[channel, z, y, x]`, in the file's own units; empty for classes.
  private(set) var values: [Float] = []
  /// `[z, y, x]`, 0 where nothing is known; empty when all is.
  private(set) var weights: [Float] = []

  init() {}

  /// Whether the target image is known at a voxel.
  func isKnown(_ voxel: Int) -> Bool { weights.isEmpty || weights[voxel] != 0 }

  /// Takes what a region holds for a box of it.
  mutating func take(_ box: Box, of region: LearningRegion) {
    let extents = region.region.extents
    func copy<Element: BitwiseCopyable>(_ plane: UnsafePointer<Element>, to result: inout [Element]) {
      for z in box.z {
        for y in box.y {
          let row = plane + (z * extents.y + y) * extents.x
          result.append(contentsOf: UnsafeBufferPointer(start: row + box.x.lowerBound, count: box.x.count))
        }
      }
    }
    labels.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    switch region.content.labels {
    case .none: break
    case .pixels: copy(region.labels.pointer, to: &labels)
    case .image: labels.append(region.labels.pointer[0])
    }
    for channel in 0..<region.content.channels {
      copy(region.values.pointer + channel * extents.count, to: &values)
    }
    if region.content.hasWeights { copy(region.weights.pointer, to: &weights) }
  }
}

extension TileTruth {
  /// Reads what is known of a part of a region, and nothing else.
  ///
  /// - Parameters:
  ///   - box: counted from the region's corner.
  ///   - part: what the region serves for.
  /// - Throws: as `LearningData.targets(of:image:for:)`.
  mutating func read(_ box: Box, of region: Region, _ data: LearningData, for part: Part) throws {
    let targets = try data.targets(of: box.moved(z: region.z.lowerBound), image: region.image, for: part)
    take(Box(box.extents), of: targets)
  }
}
