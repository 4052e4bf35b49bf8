/// The pieces of objects in consecutive blocks of one rank, joined as far as these blocks tell.
public struct InstanceParts: Sendable {
  /// Of each piece.
  private var labels: [UInt8] = []
  private var moments: [InstanceMoments] = []
  /// The image of each block.
  private var images: [Int] = []
  private var sets = DisjointSets(count: 0)
  private var contacts: Set<InstanceBlock.Contact> = []
  /// The pieces of the runs before the first block; nil when it begins an image, or there is none.
  private var before: [Int]?
  /// The pieces of the runs of the last slice; nil when there is no block.
  private var after: [Int]?
  /// The first piece of each block.
  private var firsts: [Int] = []
  /// The first blocks, as many as little memory holds, so that they need not be found again.
  private(set) var kept: [InstanceBlock] = []
  private var keptBytes = 0

  /// The bytes of blocks that are kept.
  private static let mostKept = 128 << 20

  /// Of no block.
  public init() {}

  /// Takes in the next block.
  ///
  /// - Parameter image: the number of the image that it is of.
  mutating func add(_ block: InstanceBlock, ofImage image: Int) {
    let first = labels.count
    firsts.append(first)
    images.append(image)
    labels += block.labels
    moments += block.moments
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

  /// The joined pieces, by their first ones, in the order of their first voxels; and the place of each piece among them.
  private mutating func joined() -> (first: [Int], place: [Int]) {
    var (first, place): ([Int], [Int]) = ([], [])
    place.reserveCapacity(labels.count)
    for (index, root) in sets.smallestOfEach().enumerated() {
      let root = Int(root)
      place.append(root == index ? first.count : place[root])
      if root == index { first.append(index) }
    }
    return (first, place)
  }

  /// Of each block's pieces the places among the joined ones, which `numbers` tell of.
  public mutating func places() -> [[Int]] {
    let place = joined().place
    return firsts.indices.map { block in
      Array(place[firsts[block]..<(block + 1 < firsts.count ? firsts[block + 1] : labels.count)])
    }
  }

  /// All of it, to send to the first rank.
  public mutating func numbers() -> [Int] {
    let (first, place) = joined()
    var joined = [InstanceMoments](repeating: InstanceMoments(), count: first.count)
    for index in moments.indices { joined[place[index]].add(moments[index]) }
    let contacts =
      contacts.isEmpty
      ? []
      : Set(contacts.map { [place[$0.background], place[$0.object]] }).sorted { $0.lexicographicallyPrecedes($1) }
    var numbers = [first.count, before?.count ?? -1, after?.count ?? -1, contacts.count]
    numbers.reserveCapacity(4 + first.count * (2 + InstanceMoments.numberCount))
    var block = 0
    for (piece, moments) in zip(first, joined) {
      while block + 1 < firsts.count, firsts[block + 1] <= piece { block += 1 }
      numbers.append(images[block])
      numbers.append(Int(labels[piece]))
      moments.append(to: &numbers)
    }
    numbers += (before ?? []).map { place[$0] } + (after ?? []).map { place[$0] }
    return numbers + contacts.joined()
  }
}
