/// The memory layout of one sample's feature maps: planes of rows, with a halo left and right of each row.
///
/// Pixel (c, z, y, x) lies at `c · channelStride + (z · ny + y) · pitch + x` floats from the base. The left halo of a
/// row is at the end of the row before.
public struct PlaneGeometry: Hashable, Sendable {
  /// Channels of a sample.
  public let channels: Int
  /// Planes of a channel; 1 for two-dimensional images.
  public let nz: Int
  /// Rows of a plane.
  public let ny: Int
  /// Pixels of a row, without halo.
  public let nx: Int
  /// Pixels of halo on each side of a row.
  public let halo: Int
  /// Floats from one row to the next; a multiple of 16.
  public let pitch: Int

  /// - Parameter heldRows: rows of each channel that are in memory at a time; all by default.
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

  /// Rows of a channel.
  public var rows: Int { nz * ny }
  /// Pixels of a channel.
  public var pixels: Int { rows * nx }
  /// Floats from one channel to the next. Large channels are padded, so that the same pixel of several channels does
  /// not fall into the same set of the cache.
  public let channelStride: Int
  /// Floats before the first pixel: the left halo of the first row.
  package var lead: Int { roundUp(halo, to: 16) }
  /// Floats that one sample takes, with room for the widest vector load after the last row.
  package var sampleStride: Int { lead + channels * channelStride + roundUp(halo, to: 16) + 32 }

  /// Rows of a band, about 4096 pixels. Depends on the shape alone, so that sums over bands do too.
  package var bandRows: Int { min(rows, max(1, 4096 / nx)) }
  /// Bands of a channel.
  package var bands: Int { (rows + bandRows - 1) / bandRows }
}

/// Some feature maps of one sample, to be read or written in place.
public struct FeaturePlanes {
  /// The first pixel of the first channel.
  public let base: UnsafeMutablePointer<Float>
  /// The layout of the memory.
  public let geometry: PlaneGeometry
  /// Channels that may be accessed.
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

  /// A range of the channels.
  @inline(__always)
  func part(_ range: Range<Int>) -> FeaturePlanes {
    FeaturePlanes(
      base: base + range.lowerBound * geometry.channelStride, geometry: geometry, channels: range.count)
  }

  /// Copies all pixels in the order (channel, z, y, x), without halos.
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

  /// Writes all pixels, given in the order (channel, z, y, x).
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
