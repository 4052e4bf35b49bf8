import Host
import Settings

/// How far every voxel of an image is from a set of voxels, and so which dilations of the set hold it.
public struct DistanceMap {
  /// The structuring element whose repeated dilation is meant.
  public enum Element: String, CaseIterable, Sendable, SettingConvertible {
    /// A ball: Euclidean distance, in the unit of the spacing.
    case ball
    /// The voxels that share a face: the number of dilations by a cross (city-block distance).
    case cross
    /// The 3 × 3 or 3 × 3 × 3 voxels around: the number of dilations by a square or cube (chessboard distance).
    case square
  }

  /// `[z, y, x]`; infinite where the set is empty.
  public let distances: [Float]

  /// The distances from the voxels of a set, which are 0.
  ///
  /// - Parameters:
  ///   - set: `[z, y, x]`, not 0 in the set.
  ///   - spacing: of voxels along z, y and x, for a ball.
  /// - Complexity: O(*voxels*); 8 bytes a voxel.
  public init(
    to set: [UInt8], extents: Extents, element: Element = .ball,
    spacing: (z: Double, y: Double, x: Double) = (1, 1, 1)
  ) {
    switch element {
    case .ball: distances = Self.euclidean(set, extents, [spacing.z, spacing.y, spacing.x])
    case .cross, .square: distances = Self.steps(set, extents, isSquare: element == .square)
    }
  }

  /// Exact, axis by axis, by lower envelopes of parabolas (Felzenszwalb and Huttenlocher, doi:10.4086/toc.2012.v008a019).
  private static func euclidean(_ set: [UInt8], _ extents: Extents, _ spacing: [Double]) -> [Float] {
    var squares = set.map { $0 != 0 ? 0 : Double.infinity }
    let shape = [extents.z, extents.y, extents.x]
    let strides = [extents.y * extents.x, extents.x, 1]
    for axis in 0..<3 where shape[axis] > 1 {
      let (length, stride) = (shape[axis], strides[axis])
      var line = [Double](repeating: 0, count: length)
      var centres = [Int](repeating: 0, count: length)
      var from = [Double](repeating: 0, count: length + 1)
      for start in lineStarts(shape, strides, axis) {
        for i in 0..<length { line[i] = squares[start + i * stride] }
        guard let first = line.firstIndex(where: \.isFinite) else { continue }
        var last = 0
        centres[0] = first
        from[0] = -.infinity
        for i in first + 1..<max(length, first + 1) where line[i].isFinite {
          var meeting = 0.0
          while true {
            let centre = centres[last]
            let width = 2 * spacing[axis] * spacing[axis] * Double(i - centre)
            let rise = spacing[axis] * spacing[axis] * Double(i * i - centre * centre)
            meeting = (line[i] - line[centre] + rise) / width
            guard last > 0, meeting <= from[last] else { break }
            last -= 1
          }
          last += 1
          centres[last] = i
          from[last] = meeting
        }
        from[last + 1] = .infinity
        var place = 0
        for i in 0..<length {
          while from[place + 1] < Double(i) { place += 1 }
          let distance = spacing[axis] * Double(i - centres[place])
          squares[start + i * stride] = distance * distance + line[centres[place]]
        }
      }
    }
    return squares.map { Float($0.squareRoot()) }
  }

  private static func lineStarts(_ shape: [Int], _ strides: [Int], _ axis: Int) -> [Int] {
    let others = (0..<3).filter { $0 != axis }
    return (0..<shape[others[0]]).flatMap { a in
      (0..<shape[others[1]]).map { b in a * strides[others[0]] + b * strides[others[1]] }
    }
  }

  /// Two passes over neighbours that come before, and behind (Rosenfeld and Pfaltz, doi:10.1145/321356.321357).
  private static func steps(_ set: [UInt8], _ extents: Extents, isSquare: Bool) -> [Float] {
    var result = set.map { $0 != 0 ? 0 : Float.infinity }
    var before: [(z: Int, y: Int, x: Int)] = []
    for z in -1...0 {
      for y in -1...1 {
        for x in -1...1 where (z, y, x) < (0, 0, 0) && (isSquare || abs(z) + abs(y) + abs(x) == 1) {
          before.append((z, y, x))
        }
      }
    }
    func pass(_ order: some Sequence<Int>, _ sign: Int) {
      for voxel in order {
        let (z, y, x) = (voxel / (extents.y * extents.x), voxel / extents.x % extents.y, voxel % extents.x)
        for offset in before {
          let (oz, oy, ox) = (z + sign * offset.z, y + sign * offset.y, x + sign * offset.x)
          guard oz >= 0, oz < extents.z, oy >= 0, oy < extents.y, ox >= 0, ox < extents.x else { continue }
          let other = result[(oz * extents.y + oy) * extents.x + ox] + 1
          if other < result[voxel] { result[voxel] = other }
        }
      }
    }
    pass(result.indices, 1)
    pass(result.indices.reversed(), -1)
    return result
  }
}
