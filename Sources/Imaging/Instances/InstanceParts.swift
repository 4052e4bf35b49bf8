/// The pieces of objects in consecutive blocks of one rank, joined as far as these blocks tell.
public struct InstanceParts: Sendable {
  /// How many there are, in the order of first voxels.
  var count = 0
  /// Of each its label; empty when all have the first.
  var labels: [UInt8] = []
  /// Of each its voxels; nil when nothing is measured.
  var records: InstanceRecords?
  /// The images that they are of, and the first of each.
  var images: [(image: Int, first: Int)] = []
  /// Those that are of one object.
  var unions: [(one: Int32, other: Int32)] = []
  /// Pieces of the background, each with a piece that it lies beside.
  var contacts: Set<InstanceBlock.Contact> = []
  /// What the runs before the first block are of; nil when it begins an image, or there is none.
  var before: [Int32]?
  /// What the runs of the last slice are of; nil when there is no block.
  var after: [Int32]?
  /// Of each block what its pieces are of.
  private(set) var ofBlocks: [PieceNumbers] = []
  /// The first blocks, as many as little memory holds, so that they need not be found again.
  private(set) var kept: [InstanceBlock] = []
  private var keptBytes = 0
  private let blockCount: Int

  /// The bytes of blocks that are kept.
  private static let mostKept = 128 << 20

  /// Of no block.
  ///
  /// - Parameter blockCount: how many will come.
  init(isMeasured: Bool, blockCount: Int = 0) {
    records = isMeasured ? InstanceRecords() : nil
    self.blockCount = blockCount
  }

  /// Takes in the next block.
  ///
  /// - Parameter image: the number of the image that it is of.
  mutating func add(_ block: InstanceBlock, ofImage image: Int) {
    if images.last?.image != image { images.append((image, count)) }
    let own = number(block)
    if !block.labels.isEmpty { labels += block.labels[own.firstNew...] }
    if var records {
      self.records = nil
      // Blocks are much alike.
      records.grow(to: count, expecting: count / (ofBlocks.count + 1) * blockCount)
      block.measure(own, &records)
      self.records = records
    }
    for contact in block.contacts {
      contacts.insert(.init(background: own[contact.background], object: own[contact.object]))
    }
    after = block.after.map { Int32(own[Int($0)]) }
    ofBlocks.append(own)
    keptBytes += block.bytes
    if keptBytes <= Self.mostKept { kept.append(block) }
  }

  /// What the pieces of a block are of: what the runs before it were, or something new.
  private mutating func number(_ block: InstanceBlock) -> PieceNumbers {
    let first = count
    let goesOn = block.z.lowerBound > 0
    // Both are of the same runs, unless the file changes meanwhile.
    guard goesOn, let after, after.count == block.before.count else {
      count += block.count
      if goesOn, after == nil { before = block.before.map { Int32(first) + $0 } }
      return PieceNumbers(known: [], first: first, count: block.count)
    }
    // Pieces of the slice before have the first numbers.
    var known = [Int32](repeating: -1, count: Int(block.before.max() ?? -1) + 1)
    for (object, piece) in zip(after, block.before) {
      let own = known[Int(piece)]
      if own < 0 {
        known[Int(piece)] = object
      } else if own != object, unions.last.map({ $0 != (own, object) }) ?? true {
        unions.append((own, object))
      }
    }
    count += block.count - known.count
    return PieceNumbers(known: known, first: first, count: block.count)
  }
}

/// What the pieces of a block are of: the first of what was there before, the others of something new each.
struct PieceNumbers: Sendable {
  /// Of the first pieces what they are of.
  private let known: [Int32]
  /// What the piece behind those is of; what the next are of follows.
  let first: Int
  /// How many pieces there are.
  let count: Int

  init(known: [Int32], first: Int, count: Int) { (self.known, self.first, self.count) = (known, first, count) }

  @inline(__always)
  subscript(piece: Int) -> Int {
    piece < known.count ? Int(known[piece]) : first &+ piece &- known.count
  }

  /// The first piece that is of something new.
  var firstNew: Int { known.count }
}
