/// The pieces of objects in consecutive blocks of one rank, joined as far as these blocks tell.
public struct InstanceParts: Sendable {
  private struct Piece {
    var image: Int
    var label: UInt8
    var moments: InstanceMoments
  }
  private var pieces: [Piece] = []
  private var sets = DisjointSets(count: 0)
  private var contacts: Set<InstanceBlock.Contact> = []
  /// The pieces of the runs before the first block; nil when it begins an image, or there is none.
  private var before: [Int]?
  /// The pieces of the runs of the last slice; nil when there is no block.
  private var after: [Int]?
  /// The first piece of each block.
  private var firsts: [Int] = []

  /// Of no block.
  public init() {}

  /// Takes in the next block.
  ///
  /// - Parameter image: the number of the image that it is of.
  mutating func add(_ block: InstanceBlock, ofImage image: Int) {
    let first = pieces.count
    firsts.append(first)
    pieces += zip(block.labels, block.moments).map { Piece(image: image, label: $0, moments: $1) }
    sets.grow(to: pieces.count)
    if block.z.lowerBound > 0 {
      let own = block.before.map { first + $0 }
      if let after {
        for (one, other) in zip(after, own) { sets.unite(one, other) }
      } else {
        before = own
      }
    }
    after = block.after.map { first + $0 }
    for contact in block.contacts {
      contacts.insert(.init(background: first + contact.background, object: first + contact.object))
    }
  }

  /// The joined pieces, by their first ones, in the order of their first voxels; and the place of each piece among them.
  private mutating func joined() -> (first: [Int], place: [Int]) {
    var (first, place): ([Int], [Int]) = ([], [])
    place.reserveCapacity(pieces.count)
    for index in pieces.indices {
      let root = sets.smallest(index)
      place.append(root == index ? first.count : place[root])
      if root == index { first.append(index) }
    }
    return (first, place)
  }

  /// Of each block's pieces the places among the joined ones, which `numbers` tell of.
  public mutating func places() -> [[Int]] {
    let place = joined().place
    return firsts.indices.map { block in
      Array(place[firsts[block]..<(block + 1 < firsts.count ? firsts[block + 1] : pieces.count)])
    }
  }

  /// All of it, to send to the first rank.
  public mutating func numbers() -> [Int] {
    let (first, place) = joined()
    var moments = [InstanceMoments](repeating: InstanceMoments(), count: first.count)
    for index in pieces.indices { moments[place[index]].add(pieces[index].moments) }
    let contacts = Set(contacts.map { [place[$0.background], place[$0.object]] })
      .sorted { $0.lexicographicallyPrecedes($1) }
    var numbers = [first.count, before?.count ?? -1, after?.count ?? -1, contacts.count]
    for (piece, moments) in zip(first, moments) {
      numbers += [pieces[piece].image, Int(pieces[piece].label)] + moments.numbers
    }
    numbers += (before ?? []).map { place[$0] } + (after ?? []).map { place[$0] }
    return numbers + contacts.joined()
  }
}
