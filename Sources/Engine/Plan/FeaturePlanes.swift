/// How the feature maps of one sample lie in memory: planes of rows with room for a halo left and right of each row.
///
/// Pixel (c, z, y, x) stands at `c · channelStride + (z · ny + y) · pitch + x` floats from the base. The left halo of a row is the end
/// of the pitch of the row before it.
public struct PlaneGeometry: Hashable, Sendable {
  public let channels: Int
  public let nz: Int
  public let ny: Int
  public let nx: Int
  /// Pixels of halo on each side of a row.
  public let halo: Int
  /// Floats from a row to the next; a multiple of 16.
  public let pitch: Int

  /// - Parameter heldRows: rows of each plane that lie in memory at a time, all by default.
  package init(channels: Int, nz: Int, ny: Int, nx: Int, halo: Int, heldRows: Int? = nil) {
    self.channels = channels
    self.nz = nz
    self.ny = ny
    self.nx = nx
    self.halo = halo
    pitch = roundUp(nx + 2 * halo, to: 16)
    let plane = (heldRows ?? nz * ny) * pitch
    channelStride = plane < 4096 ? plane : (plane + 751) / 1024 * 1024 + 272
  }

  public var rows: Int { nz * ny }
  public var pixels: Int { rows * nx }
  /// Floats from a channel to the next. Large planes lie a little further apart than their rows need, so that the same place
  /// of several channels does not fall into one set of the cache.
  public let channelStride: Int
  /// Floats before the first pixel: the left halo of the first row.
  package var lead: Int { roundUp(halo, to: 16) }
  /// Floats that one sample takes, with room for the widest load behind the last row.
  package var sampleStride: Int { lead + channels * channelStride + roundUp(halo, to: 16) + 32 }

  /// Rows that one piece of work covers: about 4096 pixels. A function of the shape alone, so that sums over pieces are too.
  package var bandRows: Int { min(rows, max(1, 4096 / nx)) }
  package var bands: Int { (rows + bandRows - 1) / bandRows }
}

/// The feature maps of one sample, to be read or written in place.
public struct FeaturePlanes {
  public let base: UnsafeMutablePointer<Float>
  public let geometry: PlaneGeometry
  public let channels: Int

  package init(base: UnsafeMutablePointer<Float>, geometry: PlaneGeometry, channels: Int) {
    self.base = base
    self.geometry = geometry
    self.channels = channels
  }

  /// The first pixel of a row, numbered z · ny + y.
  @inline(__always)
  public func row(_ row: Int, channel: Int) -> UnsafeMutablePointer<Float> {
    base + channel * geometry.channelStride + row * geometry.pitch
  }

  /// Some of the channels.
  @inline(__always)
  func part(_ some: Range<Int>) -> FeaturePlanes {
    FeaturePlanes(
      base: base + some.lowerBound * geometry.channelStride, geometry: geometry, channels: some.count)
  }

  /// All pixels in the order (channel, z, y, x), without halos.
  public func pixels() -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(channels * geometry.pixels)
    for channel in 0..<channels {
      for line in 0..<geometry.rows {
        result.append(contentsOf: UnsafeBufferPointer(start: row(line, channel: channel), count: geometry.nx))
      }
    }
    return result
  }

  /// Writes pixels given in the order (channel, z, y, x).
  public func setPixels(_ values: UnsafeBufferPointer<Float>) {
    precondition(values.count == channels * geometry.pixels, "as many values as pixels")
    var source = values.baseAddress!
    for channel in 0..<channels {
      for line in 0..<geometry.rows {
        row(line, channel: channel).update(from: source, count: geometry.nx)
        source += geometry.nx
      }
    }
  }
}

func roundUp(_ value: Int, to multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }
