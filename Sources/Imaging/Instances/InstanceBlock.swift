import Host

/// A run of slices of an image, and the pieces of objects in it.
///
/// The block holds the last slice of the one before it too, by whose runs pieces are known again. Pieces are numbered in
/// the order of their first voxels; the same slices give the same numbers.
struct InstanceBlock {
  /// The slices, without that of the block before.
  let z: Range<Int>
  /// The label of each piece; 0 of the background.
  let labels: [UInt8]
  /// The voxels of each piece in these slices.
  private(set) var moments: [InstanceMoments]
  /// The pieces of the runs of the slice before; empty of an image's first block.
  let before: [Int]
  /// The pieces of the runs of the last slice.
  let after: [Int]
  /// Pieces of the background, each with a piece that it lies beside.
  let contacts: Set<Contact>
  private let runs: LabelledRuns
  private let pieces: [Int32]

  /// The same without the moments.
  var withoutMoments: InstanceBlock {
    var block = self
    block.moments = []
    return block
  }

  /// Bytes of memory without the moments, about.
  var bytes: Int { runs.runs.count * 13 + labels.count }

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
    let extents = Extents(z: z.count + overlap, y: rows, x: columns)
    var runs = LabelledRuns(values, over: extents, map: map, keepsBackground: fillsHoles)
    runs.unite(connectivity)
    if fillsHoles { runs.unite(connectivity.ofBackground, isBackground: true) }
    // A run's place among the first runs of components.
    var pieces = runs.takeComponents()
    var (labels, moments): ([UInt8], [InstanceMoments]) = ([], [])
    for index in pieces.indices {
      if Int(pieces[index]) == index {
        pieces[index] = Int32(labels.count)
        labels.append(runs.labels[index])
      } else {
        pieces[index] = pieces[Int(pieces[index])]
      }
    }
    moments = Array(repeating: InstanceMoments(), count: labels.count)
    moments.withUnsafeMutableBufferPointer { moments in
      pieces.withUnsafeBufferPointer { pieces in
        for slice in overlap..<extents.z {
          for y in 0..<rows {
            for index in runs.row(slice, y) {
              let run = runs.runs[index]
              moments[Int(pieces[index])].add(z: z.lowerBound + slice - overlap, y: y, x: run.start..<run.end)
            }
          }
        }
      }
    }
    before = overlap == 0 ? [] : pieces[runs.slices(0..<1)].map { Int($0) }
    after = pieces[runs.slices(extents.z - 1..<extents.z)].map { Int($0) }
    contacts = fillsHoles ? Self.contacts(runs, pieces) : []
    (self.labels, self.moments, self.runs, self.pieces) = (labels, moments, runs, pieces)
  }

  /// Where the background lies beside objects.
  private static func contacts(_ runs: LabelledRuns, _ pieces: [Int32]) -> Set<Contact> {
    var contacts: Set<Contact> = []
    var last: Contact?
    func add(_ one: Int, _ other: Int) {
      guard (runs.labels[one] == 0) != (runs.labels[other] == 0) else { return }
      let (background, object) = runs.labels[one] == 0 ? (one, other) : (other, one)
      let contact = Contact(background: Int(pieces[background]), object: Int(pieces[object]))
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

  /// Calls `body` with every run of these slices: its piece, its place, and its first voxel's place in `[z, y, x]` of them.
  func forEachRun(_ body: (_ piece: Int, _ z: Int, _ y: Int, _ x: Range<Int>, _ place: Int) throws -> Void) rethrows {
    let (rows, columns) = (runs.extents.y, runs.extents.x)
    let overlap = runs.extents.z - z.count
    for slice in 0..<z.count {
      for y in 0..<rows {
        for index in runs.row(slice + overlap, y) {
          let run = runs.runs[index]
          try body(
            Int(pieces[index]), z.lowerBound + slice, y, run.start..<run.end,
            (slice * rows + y) * columns + run.start)
        }
      }
    }
  }
}
