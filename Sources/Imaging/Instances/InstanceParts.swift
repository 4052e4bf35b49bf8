/// The pieces of objects in consecutive blocks of one rank, joined as far as these blocks tell.
public struct InstanceParts: Sendable {
  /// Of each piece, of each joined piece after `join`, in the order of first voxels.
  private var labels: [UInt8] = []
  private var moments: [InstanceMoments] = []
  private var images: [Int32] = []
  private var sets = DisjointSets(count: 0)
  private var contacts: Set<InstanceBlock.Contact> = []
  /// The pieces of the runs before the first block; nil when it begins an image, or there is none.
  private var before: [Int]?
  /// The pieces of the runs of the last slice; nil when there is no block.
  private var after: [Int]?
  /// The first piece of each block.
  private var firsts: [Int] = []
  /// Of each piece the place among the joined ones.
  private var places: [Int32] = []
  /// The first blocks, as many as little memory holds, so that they need not be found again.
  private(set) var kept: [InstanceBlock] = []
  private var keptBytes = 0

  /// The bytes of blocks that are kept.
  private static let mostKept = 128 << 20

  /// Of no block.
  init() {}

  /// Takes in the next block.
  ///
  /// - Parameter image: the number of the image that it is of.
  mutating func add(_ block: InstanceBlock, ofImage image: Int) {
    let first = labels.count
    firsts.append(first)
    labels += block.labels
    moments += block.moments
    images += repeatElement(Int32(image), count: block.labels.count)
    sets.grow(to: labels.count)
    if block.z.lowerBound > 0 {
      let own = block.before.map { first + $0 }
      if let after {
        for (one, other) in zip(after, own) { sets.unite(one, other) }
      } else {
        before = own
      }
    }
    after = block.after.map { first + $0 }
    keptBytes += block.bytes
    if keptBytes <= Self.mostKept { kept.append(block.withoutMoments) }
    for contact in block.contacts {
      contacts.insert(.init(background: first + contact.background, object: first + contact.object))
    }
  }

  /// Joins the pieces, after the last block.
  mutating func join() {
    let roots = sets.smallestOfEach()
    sets = DisjointSets(count: 0)
    places.reserveCapacity(roots.count)
    var count = 0
    for (piece, root) in roots.enumerated() {
      guard Int(root) == piece else {
        places.append(places[Int(root)])
        moments[Int(places[piece])].add(moments[piece])
        continue
      }
      places.append(Int32(count))
      (labels[count], images[count], moments[count]) = (labels[piece], images[piece], moments[piece])
      count += 1
    }
    labels.removeLast(labels.count - count)
    images.removeLast(images.count - count)
    moments.removeLast(moments.count - count)
    before = before?.map { Int(places[$0]) }
    after = after?.map { Int(places[$0]) }
    contacts = Set(
      contacts.map { .init(background: Int(places[$0.background]), object: Int(places[$0.object])) })
  }

  /// Of a block's pieces the places among the joined ones, which `numbers` tell of.
  func places(inBlock block: Int) -> ArraySlice<Int32> {
    places[firsts[block]..<(block + 1 < firsts.count ? firsts[block + 1] : places.count)]
  }

  /// All of it, to send to the first rank.
  public var numbers: [Int] {
    let contacts = contacts.map { [$0.background, $0.object] }.sorted { $0.lexicographicallyPrecedes($1) }
    var numbers = [labels.count, before?.count ?? -1, after?.count ?? -1, contacts.count]
    numbers.reserveCapacity(
      4 + labels.count * (2 + InstanceMoments.numberCount) + (before?.count ?? 0) + (after?.count ?? 0) + 2
        * contacts.count)
    for piece in labels.indices {
      numbers.append(Int(images[piece]))
      numbers.append(Int(labels[piece]))
      moments[piece].append(to: &numbers)
    }
    numbers += before ?? []
    numbers += after ?? []
    numbers += contacts.joined()
    return numbers
  }
}
