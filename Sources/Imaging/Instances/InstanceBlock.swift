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
  private let pieces: Components

  /// The same without the moments.
  var withoutMoments: InstanceBlock {
    var block = self
    block.moments = []
    return block
  }

  /// Bytes of memory without the moments, about.
  var bytes: Int { runs.bytes + pieces.numbers.count * 4 + labels.count }

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
    let runs = LabelledRuns(values, over: extents, map: map, keepsBackground: fillsHoles)
    let pieces = runs.components(connectivity, ofBackground: fillsHoles ? connectivity.ofBackground : nil)
    var labels = [UInt8](repeating: 0, count: pieces.count)
    for (run, piece) in pieces.numbers.enumerated() { labels[Int(piece)] = runs.label(run) }
    var moments = [InstanceMoments](repeating: InstanceMoments(), count: pieces.count)
    moments.withUnsafeMutableBufferPointer { moments in
      Self.forEachLine(runs, pieces, from: overlap) { piece, slice, y, line in
        moments[piece].add(z: z.lowerBound + slice - overlap, y: y, line)
      }
    }
    before = overlap == 0 ? [] : pieces.numbers[runs.slices(0..<1)].map { Int($0) }
    after = pieces.numbers[runs.slices(extents.z - 1..<extents.z)].map { Int($0) }
    contacts = fillsHoles ? Self.contacts(runs, pieces) : []
    (self.labels, self.moments, self.runs, self.pieces) = (labels, moments, runs, pieces)
  }

  /// Calls `body` with the voxels of pieces, row by row: runs of one that follow each other in a row at once.
  @inline(__always)
  private static func forEachLine(
    _ runs: LabelledRuns, _ pieces: Components, from first: Int,
    _ body: (_ piece: Int, _ slice: Int, _ y: Int, _ line: InstanceMoments.Line) -> Void
  ) {
    runs.runs.withUnsafeBufferPointer { all in
      pieces.numbers.withUnsafeBufferPointer { pieces in
        for slice in first..<runs.extents.z {
          for y in 0..<runs.extents.y {
            let row = runs.row(slice, y)
            var index = row.lowerBound
            while index < row.upperBound {
              let piece = pieces[index]
              var line = InstanceMoments.Line()
              repeat {
                line.add(all[index].start..<all[index].end)
                index += 1
              } while index < row.upperBound && pieces[index] == piece
              body(Int(piece), slice, y, line)
            }
          }
        }
      }
    }
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

  /// Calls `body` with every run of these slices in order: its piece, its place, and its first voxel's place in `[z, y, x]` of them.
  @inline(__always)
  func forEachRun(_ body: (_ piece: Int, _ z: Int, _ y: Int, _ x: Range<Int>, _ place: Int) -> Void) {
    let (rows, columns) = (runs.extents.y, runs.extents.x)
    let overlap = runs.extents.z - z.count
    runs.runs.withUnsafeBufferPointer { all in
      pieces.numbers.withUnsafeBufferPointer { pieces in
        for slice in 0..<z.count {
          for y in 0..<rows {
            let start = (slice * rows + y) * columns
            for index in runs.row(slice + overlap, y) {
              let run = all[index]
              body(Int(pieces[index]), z.lowerBound + slice, y, run.start..<run.end, start + run.start)
            }
          }
        }
      }
    }
  }
}
