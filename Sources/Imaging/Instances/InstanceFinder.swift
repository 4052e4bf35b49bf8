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
  /// Whether objects are measured: because the rule says so, or needs their sizes or places.
  private let isMeasured: Bool

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
    isMeasured = rule.measures || rule.fillsHoles || rule.smallest > 1
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
    var parts = InstanceParts(isMeasured: isMeasured, blockCount: range.count)
    let room = room(for: range)
    for block in blocks[range] { parts.add(try pieces(of: block, in: room, read), ofImage: block.image) }
    return parts
  }

  /// The objects of all images; nil when ranks read different things.
  ///
  /// - Parameter parts: of each rank; of others by their `InstanceParts.numbers`.
  public func list(joining parts: [InstanceParts]) -> InstanceList? {
    InstanceList(joining: parts, smallest: smallest, extents: extents)
  }

  /// Calls `body` with every block again, and with the voxels of objects in it. Blocks whose pieces are not in memory any more
  /// are read again.
  ///
  /// - Parameters:
  ///   - parts: of these blocks.
  ///   - places: what each joined piece of the parts is of; below 0: of no object.
  /// - Throws: what the reader and `body` throw.
  public func forEachBlock(
    of range: Range<Int>, _ parts: InstanceParts, places: [Int32], reading read: Reader,
    _ body: (Block, BlockInstances) throws -> Void
  ) throws {
    let room = room(for: range.dropFirst(parts.kept.count))
    for (index, block) in blocks[range].enumerated() {
      let found = index < parts.kept.count ? parts.kept[index] : try pieces(of: block, in: room, read)
      try body(block, BlockInstances(found, parts.ofBlocks[index], places))
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
