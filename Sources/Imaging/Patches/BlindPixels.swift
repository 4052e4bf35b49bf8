import Host

/// Pixels that are hidden from a network, which learns to predict them from their surroundings: it learns to denoise
/// from noisy images alone.
///
/// J. Batson and L. Royer, *Noise2Self*, arXiv 1901.11365. Blind pixels are those of a regular grid with a random
/// phase. Each is replaced by the mean of its neighbours, weighted by 1/distance².
public struct BlindPixels: Sendable, Hashable {
  /// Pixels from one blind pixel to the next along each axis; 2 or more.
  public let spacing: Int

  /// Every `spacing`-th pixel along each axis.
  public init(spacing: Int) {
    precondition(spacing >= 2, "neighbours of blind pixels are not blind")
    self.spacing = spacing
  }

  /// Replaces the blind pixels of a patch by the mean of their neighbours.
  ///
  /// - Parameters:
  ///   - images: `[channel, z, y, x]`, changed in place.
  ///   - original: the patch before, of the same shape.
  ///   - weights: `[z, y, x]`, multiplied by 1 where a pixel is blind, else 0.
  ///   - stream: draws the grid's phase.
  /// - Complexity: O(*voxels*); allocates nothing.
  public func hide(
    in images: UnsafeMutablePointer<Float>, original: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>,
    patch: Extents, channels: Int, from stream: inout RandomStream
  ) {
    let phase = (
      z: patch.z > 1 ? stream.integer(below: spacing) : 0, y: patch.y > 1 ? stream.integer(below: spacing) : 0,
      x: patch.x > 1 ? stream.integer(below: spacing) : 0
    )
    func isBlind(_ place: Int, _ phase: Int, _ extent: Int) -> Bool { extent == 1 || place % spacing == phase }
    for z in 0..<patch.z {
      for y in 0..<patch.y {
        let row = (z * patch.y + y) * patch.x
        guard isBlind(z, phase.z, patch.z), isBlind(y, phase.y, patch.y) else {
          (weights + row).update(repeating: 0, count: patch.x)
          continue
        }
        for x in 0..<patch.x {
          guard isBlind(x, phase.x, patch.x) else {
            weights[row + x] = 0
            continue
          }
          for channel in 0..<channels {
            let base = channel * patch.count
            images[base + row + x] = Self.surroundings(original + base, patch, z, y, x)
          }
        }
      }
    }
  }

  /// The mean of a voxel's neighbours, weighted by 1/distance².
  private static func surroundings(
    _ plane: UnsafePointer<Float>, _ patch: Extents, _ z: Int, _ y: Int, _ x: Int
  ) -> Float {
    var sum: Float = 0
    var weights: Float = 0
    for dz in -1...1 where 0 <= z + dz && z + dz < patch.z {
      for dy in -1...1 where 0 <= y + dy && y + dy < patch.y {
        for dx in -1...1 where 0 <= x + dx && x + dx < patch.x {
          let square = dz * dz + dy * dy + dx * dx
          guard square > 0 else { continue }
          let weight = 1 / Float(square)
          sum += weight * plane[((z + dz) * patch.y + y + dy) * patch.x + x + dx]
          weights += weight
        }
      }
    }
    return weights > 0 ? sum / weights : 0
  }
}
