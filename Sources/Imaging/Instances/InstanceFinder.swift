import Host

/// Finds the objects of images block by block, so that no image need fit in memory, and any number of ranks share the
/// work.
///
/// The first pass finds pieces of objects in each block (`parts`), which are joined over all ranks (`InstanceList`); the
/// second finds the same pieces again, and knows what they are of (`forEachBlock`).
public struct InstanceFinder: Sendable {
  /// A run of slices of an image.
  public struct Block: Hashable, Sendable {
    /// The image's place in the list of images.
    public let image: Int
    /// The slices.
    public let z: Range<Int>
    /// The slices that are read: the one before them too.
    public var read: Range<Int> { max(0, z.lowerBound - 1)..<z.upperBound }
  }

  /// The blocks of all images in order, which ranks divide among themselves.
  public let blocks: [Block]
  /// The slices of a block, but for the last of an image.
  public let depth: Int
  private let extents: [Extents]
  private let map: [UInt8]
  private let connectivity: Connectivity
  private let fillsHoles: Bool
  private let smallest: Int

  /// A search as a rule says.
  ///
  /// - Parameters:
  ///   - values: those that voxels of objects have; the label of the first of them is 1, of the second 2.
  ///   - extents: of each image.
  ///   - blockVoxels: voxels of a block, about; more when a slice has more.
  public init(
    _ rule: InstanceRule, values: [UInt8], volume: Bool, extents: [Extents], blockVoxels: Int = 1 << 22
  ) {
    var map = [UInt8](repeating: 0, count: 256)
    for (index, value) in values.enumerated() { map[Int(value)] = UInt8(index + 1) }
    self.map = map
    self.extents = extents
    connectivity = rule.connectivity(volume: volume)
    (fillsHoles, smallest) = (rule.fillsHoles, rule.smallest)
    let slice = extents.map { $0.y * $0.x }.max() ?? 1
    let depth = max(1, min(blockVoxels / max(1, slice), extents.map(\.z).max() ?? 1))
    self.depth = depth
    blocks = extents.enumerated().flatMap { image, extents in
      stride(from: 0, to: extents.z, by: depth).map { Block(image: image, z: $0..<min($0 + depth, extents.z)) }
    }
  }

  /// Reads the values of a block, `[z, y, x]` of the slices that are read.
  public typealias Reader = (Block, UnsafeMutableBufferPointer<UInt8>) throws -> Void

  /// The pieces of objects in some blocks.
  ///
  /// - Throws: what the reader throws.
  public func parts(of range: Range<Int>, reading read: Reader) throws -> InstanceParts {
    var parts = InstanceParts()
    let room = room(for: range)
    for block in blocks[range] { parts.add(try pieces(of: block, in: room, read), ofImage: block.image) }
    parts.join()
    return parts
  }

  /// The objects of all images; nil when ranks read different things.
  ///
  /// - Parameter parts: `InstanceParts.numbers` of each rank.
  public func list(joining parts: [[Int]]) -> InstanceList? {
    InstanceList(joining: parts, smallest: smallest, extents: extents)
  }

  /// Calls `body` with every block again, and with a closure that goes through its runs of objects in order. Blocks whose pieces
  /// are not in memory any more are read again.
  ///
  /// - Parameters:
  ///   - parts: of these blocks.
  ///   - places: what each joined piece of the parts is of; below 0: of no object.
  /// - Throws: what the reader and `body` throw.
  public func forEachBlock(
    of range: Range<Int>, _ parts: InstanceParts, places: [Int], reading read: Reader,
    _ body: (Block, _ forEachRun: ((InstanceRun) -> Void) -> Void) throws -> Void
  ) throws {
    let room = room(for: range.dropFirst(parts.kept.count))
    for (index, block) in blocks[range].enumerated() {
      let found = index < parts.kept.count ? parts.kept[index] : try pieces(of: block, in: room, read)
      let own = parts.places(inBlock: index).map { places[Int($0)] }
      try body(block) { each in
        own.withUnsafeBufferPointer { own in
          found.forEachRun { piece, z, y, x, offset in
            let place = own[piece]
            if place >= 0 { each(InstanceRun(place: place, z: z, y: y, x: x, offset: offset)) }
          }
        }
      }
    }
  }

  /// Memory for the values of any of some blocks.
  private func room(for range: Range<Int>) -> AlignedBuffer<UInt8> {
    AlignedBuffer(count: blocks[range].map { $0.read.count * extents[$0.image].y * extents[$0.image].x }.max() ?? 0)
  }

  private func pieces(of block: Block, in room: AlignedBuffer<UInt8>, _ read: Reader) throws -> InstanceBlock {
    let extents = extents[block.image]
    let count = block.read.count * extents.y * extents.x
    try read(block, UnsafeMutableBufferPointer(rebasing: room.buffer[..<count]))
    return InstanceBlock(
      room.pointer, z: block.z, rows: extents.y, columns: extents.x, map: map, connectivity, fillsHoles: fillsHoles)
  }
}

/// Voxels of one object that follow one another along x.
public struct InstanceRun: Hashable, Sendable {
  /// The object's place in the list of all.
  public let place: Int
  /// The slice of the image.
  public let z: Int
  /// The row.
  public let y: Int
  /// The columns.
  public let x: Range<Int>
  /// The place of the first voxel among those of its block, `[z, y, x]`.
  public let offset: Int
}

/// What is known of objects when all their voxels are seen again: how long they are, and the mean of a quantity.
public struct InstanceMeasures: Sendable {
  private let centroids: [[Double]]
  private let axes: [[Double]]
  private let voxel: [Double]
  /// The least place of voxels along the first principal axis, from the centroid.
  public var low: [Double]
  /// The largest.
  public var high: [Double]
  /// The sums of a quantity over the voxels, in units of `unit`: whole numbers, so that their order does not matter.
  public var sums: [Int]

  /// The unit of sums: numbers to 1 over 10^9 voxels and more fit.
  public static let unit = 0x1p-30

  /// - Parameters:
  ///   - centroids: in voxels, of each object.
  ///   - axes: the first principal axis of each.
  ///   - voxel: lengths along z, y and x.
  public init(centroids: [[Double]], axes: [[Double]], voxel: [Double]) {
    (self.centroids, self.axes, self.voxel) = (centroids, axes, voxel)
    low = Array(repeating: .infinity, count: axes.count)
    high = Array(repeating: -.infinity, count: axes.count)
    sums = Array(repeating: 0, count: axes.count)
  }

  /// Takes in a run: its ends are farthest out.
  public mutating func add(_ run: InstanceRun) {
    let (centroid, axis) = (centroids[run.place], axes[run.place])
    let before =
      (Double(run.z) - centroid[0]) * voxel[0] * axis[0] + (Double(run.y) - centroid[1]) * voxel[1] * axis[1]
    for x in [run.x.lowerBound, run.x.upperBound - 1] {
      let place = before + (Double(x) - centroid[2]) * voxel[2] * axis[2]
      low[run.place] = min(low[run.place], place)
      high[run.place] = max(high[run.place], place)
    }
  }

  /// Adds a quantity of the voxels of a run; numbers that are not finite count as 0.
  public mutating func add(_ values: UnsafeBufferPointer<Float>, of run: InstanceRun) {
    var sum = 0
    for value in values where value.isFinite { sum += Int((Double(value) / Self.unit).rounded()) }
    sums[run.place] += sum
  }
}
