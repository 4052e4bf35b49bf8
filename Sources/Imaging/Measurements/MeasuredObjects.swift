import Host

/// The objects of one class in an image, or in several images together: voxels, faces, and the size of each object.
public struct MeasuredObjects: Hashable, Sendable {
  /// Voxels of the image.
  public private(set) var extent = 0
  /// Voxels of the class.
  public private(set) var voxels = 0
  /// Faces between voxels of the class and others, across each axis. The image's border is none.
  public private(set) var faces = Extents(z: 0, y: 0, x: 0)
  /// Voxels of each object, ascending.
  public private(set) var sizes: [Int] = []

  /// Of no image.
  public init() {}

  /// Objects as given.
  init(extent: Int, voxels: Int, faces: Extents, sizes: [Int]) {
    (self.extent, self.voxels, self.faces, self.sizes) = (extent, voxels, faces, sizes)
  }

  /// Joins the pieces of one image: boxes of a regular grid that cover it.
  ///
  /// - Parameters:
  ///   - pieces: in any order; the result is the same.
  ///   - connectivity: that of the pieces; nil: voxels were counted alone.
  /// - Complexity: O(*n* log *n*) for *n* voxels at the boxes' sides.
  public init(joining pieces: [ObjectPiece], of image: Extents, _ connectivity: Connectivity?) {
    extent = image.count
    for piece in pieces {
      voxels += piece.voxels
      faces = Extents(z: faces.z + piece.faces.z, y: faces.y + piece.faces.y, x: faces.x + piece.faces.x)
      sizes += piece.closed
    }
    if let connectivity { join(pieces, image, connectivity) }
    sizes.sort()
  }

  /// Adds the objects of another image; objects do not go on from one image to another.
  public mutating func add(_ other: MeasuredObjects) {
    extent += other.extent
    voxels += other.voxels
    faces = Extents(z: faces.z + other.faces.z, y: faces.y + other.faces.y, x: faces.x + other.faces.x)
    sizes = (sizes + other.sizes).sorted()
  }

  /// Unites objects across the sides of boxes, and counts faces there.
  private mutating func join(_ pieces: [ObjectPiece], _ image: Extents, _ connectivity: Connectivity) {
    var firsts: [Int] = []
    var open: [Int] = []
    for piece in pieces {
      firsts.append(open.count)
      open += piece.open
    }
    let shells = pieces.indices.flatMap { piece in pieces[piece].shell.map { (piece, $0) } }
      .sorted { ($0.1.z, $0.1.y, $0.1.x.lowerBound) < ($1.1.z, $1.1.y, $1.1.x.lowerBound) }
    let runs = shells.map { RowRun(start: $0.1.x.lowerBound, end: $0.1.x.upperBound) }
    let objects = shells.map { firsts[$0.0] + $0.1.object }
    var rows: [Int: Range<Int>] = [:]
    var start = 0
    for index in shells.indices {
      let row = shells[index].1.z * image.y + shells[index].1.y
      if index > 0, shells[index - 1].1.z * image.y + shells[index - 1].1.y != row { start = index }
      rows[row] = start..<index + 1
    }
    var sets = DisjointSets(count: open.count)
    for (row, own) in rows {
      let (z, y) = (row / image.y, row % image.y)
      for index in own.dropFirst() where runs[index - 1].end == runs[index].start {
        sets.unite(objects[index - 1], objects[index])
      }
      for offset in connectivity.rowsBefore where z + offset.z >= 0 && (0..<image.y).contains(y + offset.y) {
        guard let other = rows[row + offset.z * image.y + offset.y] else { continue }
        runs.withUnsafeBufferPointer { runs in
          RowRun.forEachPair(own, other, of: runs, aside: offset.aside) { one, two, _ in
            sets.unite(objects[one], objects[two])
          }
        }
      }
    }
    /// Voxels of a run that have no neighbour in another row.
    func bare(_ index: Int, row: Int) -> Int {
      var common = 0
      if let other = rows[row] {
        runs.withUnsafeBufferPointer { runs in
          RowRun.forEachPair(index..<index + 1, other, of: runs, aside: 0) { common += $2 }
        }
      }
      return runs[index].end - runs[index].start - common
    }
    for (index, shell) in shells.enumerated() {
      let (box, run) = (pieces[shell.0].box, runs[index])
      let (z, y) = (shell.1.z, shell.1.y)
      let row = z * image.y + y
      if run.start == box.x.lowerBound, run.start > 0, index == 0 || !follows(index) { faces.x += 1 }
      if run.end == box.x.upperBound, run.end < image.x, index == runs.count - 1 || !follows(index + 1) { faces.x += 1 }
      if y == box.y.lowerBound, y > 0 { faces.y += bare(index, row: row - 1) }
      if y == box.y.upperBound - 1, y < image.y - 1 { faces.y += bare(index, row: row + 1) }
      if z == box.z.lowerBound, z > 0 { faces.z += bare(index, row: row - image.y) }
      if z == box.z.upperBound - 1, z < image.z - 1 { faces.z += bare(index, row: row + image.y) }
    }
    /// Whether a run begins where the one before it in the same row ends.
    func follows(_ index: Int) -> Bool {
      shells[index - 1].1.z == shells[index].1.z && shells[index - 1].1.y == shells[index].1.y
        && runs[index - 1].end == runs[index].start
    }
    var joined: [Int: Int] = [:]
    for (object, size) in open.enumerated() { joined[sets.smallest(object), default: 0] += size }
    sizes += joined.values
  }
}
