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
