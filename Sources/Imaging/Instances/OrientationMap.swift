import Host

/// Directions of which the autocorrelation of objects is taken: of volumes those of a half sphere, of images those of a half
/// circle. Those opposite have the same.
public struct OrientationDirections: Hashable, Sendable {
  /// Degrees from z, 0 to 90; empty of images without depth.
  public let polar: [Double]
  /// Degrees from x towards y: 0 to 360, of images 0 to 180.
  public let azimuth: [Double]
  /// How far a direction leads along z, y and x, in whole voxels: `[polar, azimuth]`; the first is never below 0.
  public let shifts: [[Int]]

  /// The directions in the middles of cells of 5 degrees.
  ///
  /// - Parameters:
  ///   - radius: how far they lead, in voxels; along the shortest edge of voxels that are no cubes.
  ///   - voxel: the lengths of a voxel along z, y and x.
  public init(radius: Int, voxel: [Double], volume: Bool) {
    let step = 5.0
    polar = volume ? (0..<18).map { (Double($0) + 0.5) * step } : []
    azimuth = (0..<(volume ? 72 : 36)).map { (Double($0) + 0.5) * step }
    let edge = (volume ? voxel : Array(voxel.suffix(2))).min() ?? 1
    func shift(_ polar: Double, _ azimuth: Double) -> [Int] {
      let (polar, azimuth) = (polar / 180, azimuth / 180)
      let inPlane = Elementary.sinPi(polar)
      let direction = [
        volume ? Elementary.cosPi(polar) : 0, inPlane * Elementary.sinPi(azimuth), inPlane * Elementary.cosPi(azimuth),
      ]
      return (0..<3).map { Int((Double(radius) * direction[$0] * edge / voxel[$0]).rounded()) }
    }
    let azimuth = azimuth
    shifts = (volume ? polar : [90]).flatMap { polar in azimuth.map { shift(polar, $0) } }
  }
}

/// How often two voxels that lie a given distance apart are both of objects, by the direction from one to the other: the
/// autocorrelation of the objects on a sphere. Where objects are long, it is large along them.
///
/// Counts are whole numbers, so that the order of slices and ranks does not matter.
public struct OrientationMap: Hashable, Sendable {
  /// The directions.
  public let directions: OrientationDirections
  /// Pairs of voxels of objects, `[class, direction]`; those of several ranks may be added.
  public var pairs: [Int]
  /// Pairs of voxels of the images, `[direction]`.
  public private(set) var all: [Int]
  private let classes: Int
  /// The different shifts, and for each direction which it is.
  private let shifts: [[Int]]
  private let place: [Int]

  /// Nothing is counted yet.
  ///
  /// - Parameters:
  ///   - classes: those of objects are told apart.
  ///   - extents: of all images.
  public init(_ directions: OrientationDirections, classes: Int, extents: [Extents]) {
    self.directions = directions
    self.classes = classes
    var known: [[Int]: Int] = [:]
    var (shifts, place): ([[Int]], [Int]) = ([], [])
    for shift in directions.shifts {
      if known[shift] == nil {
        known[shift] = shifts.count
        shifts.append(shift)
      }
      place.append(known[shift] ?? 0)
    }
    (self.shifts, self.place) = (shifts, place)
    pairs = Array(repeating: 0, count: classes * directions.shifts.count)
    all = directions.shifts.map { shift in
      extents.reduce(0) { sum, image in
        let rest = [image.z, image.y, image.x].enumerated().map { max(0, $1 - abs(shift[$0])) }
        return sum + rest.reduce(1, *)
      }
    }
  }

  /// The share of the pairs of voxels in a direction that are both of objects, `[class, direction]`; no number where images
  /// are too small for any.
  public var autocorrelation: [Double] {
    pairs.indices.map { index in
      let all = all[index % self.all.count]
      return all > 0 ? Double(pairs[index]) / Double(all) : .nan
    }
  }

  /// Counts the pairs of an image whose first voxel lies in some slices.
  ///
  /// - Parameter read: gives the class of each voxel of a slice, `[y, x]`, from 1; 0 of no object. Called once for each
  ///   of the slices and of those behind as far as directions lead, in order.
  /// - Throws: what `read` throws.
  /// - Complexity: O(*directions* · *runs of objects*) time, memory for the runs of as many slices as directions lead over.
  public mutating func add(
    _ slices: Range<Int>, of image: Extents, reading read: (Int, UnsafeMutableBufferPointer<UInt8>) throws -> Void
  ) throws {
    guard !slices.isEmpty else { return }
    let reach = shifts.map { $0[0] }.max() ?? 0
    let map = (0..<256).map { UInt8($0 <= classes ? $0 : 0) }
    let buffer = AlignedBuffer<UInt8>(count: image.y * image.x)
    /// The runs of slices from the first that is still needed.
    var window: [LabelledRuns] = []
    var next = slices.lowerBound
    var counts = [Int](repeating: 0, count: classes * shifts.count)
    for z in slices {
      while next < min(image.z, z + reach + 1) {
        try read(next, buffer.buffer)
        window.append(LabelledRuns(buffer.pointer, over: Extents(z: 1, y: image.y, x: image.x), map: map))
        next += 1
      }
      let own = window[0]
      if !own.runs.isEmpty {
        let rows = (0..<image.y).filter { !own.row(0, $0).isEmpty }
        for (index, shift) in shifts.enumerated() where z + shift[0] < image.z {
          let other = window[shift[0]]
          for y in rows where (0..<image.y).contains(y + shift[1]) {
            Self.forEachCommon(own, own.row(0, y), other, other.row(0, y + shift[1]), distance: shift[2]) {
              counts[($0 - 1) * shifts.count + index] += $1
            }
          }
        }
      }
      window.removeFirst()
    }
    for index in pairs.indices {
      let (label, direction) = index.quotientAndRemainder(dividingBy: place.count)
      pairs[index] += counts[label * shifts.count + place[direction]]
    }
  }

  /// Calls `body` with the class of two runs and how many voxels of one have a voxel of the other at a distance along x.
  private static func forEachCommon(
    _ one: LabelledRuns, _ own: Range<Int>, _ two: LabelledRuns, _ others: Range<Int>, distance: Int,
    _ body: (_ label: Int, _ count: Int) -> Void
  ) {
    var first = others.lowerBound
    for index in own {
      let run = one.runs[index]
      while first < others.upperBound, two.runs[first].end - distance <= run.start { first += 1 }
      var other = first
      while other < others.upperBound, two.runs[other].start - distance < run.end {
        if one.label(index) == two.label(other) {
          let count =
            min(run.end, two.runs[other].end - distance) - max(run.start, two.runs[other].start - distance)
          body(Int(one.label(index)), count)
        }
        other += 1
      }
    }
  }
}
