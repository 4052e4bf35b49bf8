import Host

/// What a box of an image holds of the objects of one class: those that lie within it by their sizes, those that go on
/// in other boxes with the voxels by which they touch them.
///
/// Boxes of an image are labelled wherever they are predicted; `MeasuredObjects` joins them. Memory is that of the box's
/// surface and of the number of its objects.
public struct ObjectPiece: Hashable, Sendable {
  /// The box, counted from the image's corner.
  public let box: Box
  /// Voxels of the class.
  public private(set) var voxels = 0
  /// Faces between voxels of the class and others, both within the box, across each axis.
  public private(set) var faces = Extents(z: 0, y: 0, x: 0)
  /// Voxels of each object that touches no other box.
  public private(set) var closed: [Int] = []
  /// Voxels of the others, by their numbers.
  public private(set) var open: [Int] = []
  /// The voxels of open objects at sides that other boxes touch.
  public private(set) var shell: [Shell] = []

  /// Neighbouring voxels of one object along x, counted from the image's corner.
  public struct Shell: Hashable, Sendable {
    /// The slice.
    public var z: Int
    /// The row.
    public var y: Int
    /// The columns.
    public var x: Range<Int>
    /// The object's place in `open`.
    public var object: Int
  }

  /// Labels the objects of a class.
  ///
  /// - Parameters:
  ///   - labels: `[z, y, x]` over the box.
  ///   - image: the extents of the image that the box is of.
  ///   - connectivity: nil: voxels are counted alone.
  /// - Complexity: O(*voxels*) time; memory for the runs of the box's rows.
  public init(
    _ label: UInt8, in labels: UnsafePointer<UInt8>, over box: Box, of image: Extents, _ connectivity: Connectivity?
  ) {
    self.box = box
    guard let connectivity else {
      for i in 0..<box.count where labels[i] == label { voxels += 1 }
      return
    }
    var map = [UInt8](repeating: 0, count: 256)
    map[Int(label)] = 1
    let found = LabelledRuns(labels, over: box.extents, map: map)
    voxels = found.runs.reduce(0) { $0 + $1.end - $1.start }
    countFaces(found, connectivity)
    take(found, found.components(connectivity), image)
  }

  /// Counts the faces within the box: of every two rows that lie beside each other what is not common.
  private mutating func countFaces(_ found: LabelledRuns, _ connectivity: Connectivity) {
    let extents = box.extents
    func length(_ z: Int, _ y: Int) -> Int { found.runs[found.row(z, y)].reduce(0) { $0 + $1.end - $1.start } }
    for z in 0..<extents.z {
      for y in 0..<extents.y {
        faces.x += found.runs[found.row(z, y)].reduce(0) { $0 + ($1.start > 0 ? 1 : 0) + ($1.end < extents.x ? 1 : 0) }
        // Rows between two others are beside both.
        let own = length(z, y)
        faces.y += own * ((y > 0 ? 1 : 0) + (y < extents.y - 1 ? 1 : 0))
        faces.z += own * ((z > 0 ? 1 : 0) + (z < extents.z - 1 ? 1 : 0))
      }
    }
    var common = (z: 0, y: 0)
    found.forEachContact(connectivity) { z, y, _, _, shared in
      if z == 0 { common.y += shared } else if y == 0 { common.z += shared }
    }
    faces.y -= 2 * common.y
    faces.z -= 2 * common.z
  }

  /// Finds sizes, and what touches other boxes.
  private mutating func take(_ found: LabelledRuns, _ components: Components, _ image: Extents) {
    let (extents, runs) = (box.extents, found.runs)
    let (low, high) = (
      Extents(z: box.z.lowerBound, y: box.y.lowerBound, x: box.x.lowerBound),
      Extents(z: image.z - box.z.upperBound, y: image.y - box.y.upperBound, x: image.x - box.x.upperBound)
    )
    var sizes = [Int](repeating: 0, count: components.count)
    for (index, run) in runs.enumerated() { sizes[components[index]] += run.end - run.start }
    /// Of an object its place among open ones; −1: none yet.
    var places = [Int](repeating: -1, count: components.count)
    func place(_ run: Int) -> Int {
      let object = components[run]
      if places[object] < 0 {
        places[object] = open.count
        open.append(sizes[object])
      }
      return places[object]
    }
    for z in 0..<extents.z {
      for y in 0..<extents.y {
        let isWhole =
          z == 0 && low.z > 0 || z == extents.z - 1 && high.z > 0 || y == 0 && low.y > 0
          || y == extents.y - 1 && high.y > 0
        for index in found.row(z, y) {
          let run = runs[index]
          func add(_ x: Range<Int>) {
            shell.append(
              Shell(z: z + low.z, y: y + low.y, x: x.lowerBound + low.x..<x.upperBound + low.x, object: place(index)))
          }
          if isWhole {
            add(run.start..<run.end)
            continue
          }
          let isFirst = run.start == 0 && low.x > 0
          if isFirst { add(0..<1) }
          if run.end == extents.x, high.x > 0, !(isFirst && extents.x == 1) { add(extents.x - 1..<extents.x) }
        }
      }
    }
    for object in sizes.indices where places[object] < 0 { closed.append(sizes[object]) }
  }
}

// As whole numbers, to send to other ranks.
extension ObjectPiece {
  /// All of it.
  public var numbers: [Int] {
    [box.z, box.y, box.x].flatMap { [$0.lowerBound, $0.upperBound] }
      + [voxels, faces.z, faces.y, faces.x, closed.count, open.count, shell.count] + closed + open
      + shell.flatMap { [$0.z, $0.y, $0.x.lowerBound, $0.x.upperBound, $0.object] }
  }

  /// The piece that `numbers` is of, at the front of others, which are left.
  public init(taking numbers: inout ArraySlice<Int>) {
    var next: Int { numbers.removeFirst() }
    let sides = (0..<6).map { _ in next }
    box = Box(z: sides[0]..<sides[1], y: sides[2]..<sides[3], x: sides[4]..<sides[5])
    voxels = next
    faces = Extents(z: next, y: next, x: next)
    let counts = (closed: next, open: next, shell: next)
    closed = (0..<counts.closed).map { _ in next }
    open = (0..<counts.open).map { _ in next }
    shell = (0..<counts.shell).map { _ in
      let (z, y, start, end) = (next, next, next, next)
      return Shell(z: z, y: y, x: start..<end, object: next)
    }
  }
}
