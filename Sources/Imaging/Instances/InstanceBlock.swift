import Host

/// A run of slices of an image, and the pieces of objects in it.
///
/// The block holds the last slice of the one before it too, by whose runs pieces are known again. Pieces are numbered in
/// the order of their first voxels; the same slices give the same numbers.
struct InstanceBlock {
  /// How pieces were found.
  enum Pieces {
    /// By runs of rows, of several labels or of voxels that do not touch in every direction.
    case rows(LabelledRuns, Components)
    /// Of one label by super-rows.
    case superRows(SuperRows)
  }

  /// The slices, without that of the block before.
  let z: Range<Int>
  /// How many pieces there are.
  let count: Int
  /// The label of each piece, 0 of the background; empty when all have the first label.
  let labels: [UInt8]
  /// The pieces of the runs of the slice before; empty of an image's first block.
  let before: [Int32]
  /// The pieces of the runs of the last slice.
  let after: [Int32]
  /// Pieces of the background, each with a piece that it lies beside.
  let contacts: Set<Contact>
  let pieces: Pieces
  let extents: Extents

  /// The slices that are not of the block: 1, of an image's first block 0.
  var overlap: Int { extents.z - z.count }

  /// Bytes of memory, about.
  var bytes: Int {
    switch pieces {
    case .rows(let runs, let components): runs.bytes + components.numbers.count * 4 + labels.count
    case .superRows(let rows): rows.bytes
    }
  }

  /// A piece of the background and one of an object that lie beside each other.
  struct Contact: Hashable {
    var background: Int
    var object: Int
  }

  /// Finds the pieces of objects.
  ///
  /// - Parameters:
  ///   - values: `[z, y, x]` of the slices, those of the slice before first when `z` does not begin at 0.
  ///   - map: the label of each value; 0: background.
  ///   - fillsHoles: whether pieces of the background are found as well.
  init(
    _ values: UnsafePointer<UInt8>, z: Range<Int>, rows: Int, columns: Int, map: [UInt8], _ connectivity: Connectivity,
    fillsHoles: Bool
  ) {
    self.z = z
    let overlap = z.lowerBound > 0 ? 1 : 0
    extents = Extents(z: z.count + overlap, y: rows, x: columns)
    let labelled = map.indices.filter { map[$0] != 0 }
    if connectivity.isWhole, !fillsHoles, labelled.count == 1 {
      let found = SuperRows(BitRows(of: UInt8(labelled[0]), in: values, over: extents))
      (pieces, count, labels, contacts) = (.superRows(found), found.count, [], [])
      before = overlap == 0 ? [] : Self.pieces(found, ofSlice: 0)
      after = Self.pieces(found, ofSlice: extents.z - 1)
      return
    }
    let runs = LabelledRuns(values, over: extents, map: map, keepsBackground: fillsHoles)
    let components = runs.components(connectivity, ofBackground: fillsHoles ? connectivity.ofBackground : nil)
    if labelled.count == 1, !fillsHoles {
      labels = []
    } else {
      var labels = [UInt8](repeating: 0, count: components.count)
      for (run, piece) in components.numbers.enumerated() { labels[Int(piece)] = runs.label(run) }
      self.labels = labels
    }
    before = overlap == 0 ? [] : Array(components.numbers[runs.slices(0..<1)])
    after = Array(components.numbers[runs.slices(extents.z - 1..<extents.z)])
    contacts = fillsHoles ? Self.contacts(runs, components) : []
    (pieces, count) = (.rows(runs, components), components.count)
  }

  /// The pieces of the runs of a slice.
  private static func pieces(_ rows: SuperRows, ofSlice z: Int) -> [Int32] {
    var pieces: [Int32] = []
    let room = rows.room
    for y in 0..<rows.bits.extents.y { rows.forEachRun(z, y, room.pointer) { pieces.append($1) } }
    return pieces
  }

  /// Where the background lies beside objects.
  private static func contacts(_ runs: LabelledRuns, _ pieces: Components) -> Set<Contact> {
    var contacts: Set<Contact> = []
    var last: Contact?
    func add(_ one: Int, _ other: Int) {
      guard (runs.label(one) == 0) != (runs.label(other) == 0) else { return }
      let (background, object) = runs.label(one) == 0 ? (one, other) : (other, one)
      let contact = Contact(background: pieces[background], object: pieces[object])
      guard contact != last else { return }
      contacts.insert(contact)
      last = contact
    }
    runs.forEachContact(.six) { _, _, own, other, _ in add(own, other) }
    for z in 0..<runs.extents.z {
      for y in 0..<runs.extents.y {
        for index in runs.row(z, y).dropFirst() where runs.runs[index - 1].end == runs.runs[index].start {
          add(index - 1, index)
        }
      }
    }
    return contacts
  }
}
