import Host

/// The size, place and shape of many objects: of small ones their voxels, of the others their moments.
struct InstanceRecords: Sendable {
  /// Of each object its voxels, or that it is large, and where among those.
  private(set) var small: [SmallObject] = []
  /// The moments of large objects, and of some that are of no object any more.
  private(set) var large: [InstanceMoments] = []

  /// What tells that an object is large.
  private static let mark: UInt64 = 1 << 63

  /// Of no object.
  init() {}

  /// Adds objects of no voxels until there are so many.
  ///
  /// - Parameter expected: how many there will be at last.
  mutating func grow(to count: Int, expecting expected: Int) {
    Self.reserve(max(expected, count), in: &small, for: count)
    small.append(contentsOf: repeatElement(SmallObject(), count: count - small.count))
  }

  /// Makes room in huge pages.
  private static func reserve<Element>(_ capacity: Int, in elements: inout [Element], for count: Int) {
    guard count > elements.capacity else { return }
    elements = Array(unsafeUninitializedCapacity: max(capacity, 2 * elements.count)) { [elements] room, filled in
      room.useHugePages()
      filled = elements.count
      _ = UnsafeMutableBufferPointer(rebasing: room[..<filled]).initialize(from: elements)
    }
  }

  /// The size, place and shape of an object.
  subscript(object: Int) -> InstanceMoments {
    let own = small[object]
    return own.place == Self.mark ? large[Int(own.bits)] : InstanceMoments(own)
  }

  /// The number of an object's voxels.
  func voxels(_ object: Int) -> Int {
    let own = small[object]
    return own.place == Self.mark ? large[Int(own.bits)].voxels : own.bits.nonzeroBitCount
  }

  /// An object's size, the ends of its box and its centroid.
  @inline(__always)
  func measures(_ object: Int) -> (voxels: Int, low: SIMD3<Int32>, high: SIMD3<Int32>, mean: SIMD3<Double>) {
    let own = small[object]
    if own.place != Self.mark, let voxel = own.onlyVoxel { return (1, voxel, voxel, SIMD3<Double>(voxel)) }
    let moments = self[object]
    return (moments.voxels, moments.least, moments.largest, moments.mean)
  }

  /// Adds voxels to an object.
  @inline(__always)
  mutating func add(_ voxels: SmallObject, to object: Int) {
    if small[object].place != Self.mark, small[object].add(voxels) { return }
    add(InstanceMoments(voxels), to: object)
  }

  /// Adds voxels to an object.
  mutating func add(_ voxels: InstanceMoments, to object: Int) {
    let own = small[object]
    guard own.place != Self.mark else {
      large[Int(own.bits)].add(voxels)
      return
    }
    var all = voxels
    if own.bits != 0 { all.add(InstanceMoments(own)) }
    small[object] = SmallObject(place: Self.mark, bits: UInt64(large.count))
    Self.reserve(64, in: &large, for: large.count + 1)
    large.append(all)
  }

  /// Whether an object is known to be large.
  @inline(__always)
  func isLarge(_ object: Int) -> Bool { small[object].place == Self.mark }

  /// Adds voxels in rows of two by two rows that begin with (z, y).
  @inline(__always)
  mutating func add(z: Int, y: Int, _ rows: FourSums, to object: Int) {
    guard rows.count > 0 else { return }
    if isLarge(object) {
      large[Int(small[object].bits)].add(z: z, y: y, rows)
    } else {
      var moments = InstanceMoments()
      moments.add(z: z, y: y, rows)
      add(moments, to: object)
    }
  }

  /// Moves the voxels of an object to another.
  mutating func move(_ object: Int, to other: Int) {
    let own = small[object]
    small[object] = SmallObject()
    if own.place == Self.mark {
      add(large[Int(own.bits)], to: other)
    } else if own.bits != 0 {
      add(own, to: other)
    }
  }

  /// Keeps some objects.
  ///
  /// - Parameter places: where each goes, in ascending order; below 0: it is left out.
  mutating func keep(_ places: [Int32], count: Int) {
    if count < small.count {
      for (object, place) in places.enumerated() where place >= 0 { small[Int(place)] = small[object] }
      small.removeLast(small.count - count)
    }
  }

  // MARK: Whole numbers, to send to other ranks

  /// How many numbers `append(to:)` adds.
  var numberCount: Int { 2 * small.count + InstanceMoments.numberCount * large.count }

  /// Adds all of it to a list.
  func append(to numbers: inout [Int]) {
    small.withUnsafeBytes { numbers.append(contentsOf: $0.bindMemory(to: Int.self)) }
    for moments in large { moments.append(to: &numbers) }
  }

  /// The objects that numbers tell of.
  ///
  /// - Parameters:
  ///   - place: where they begin.
  ///   - count: objects.
  ///   - largeCount: moments of large ones.
  init(_ numbers: [Int], at place: Int, count: Int, largeCount: Int) {
    numbers.withUnsafeBytes { bytes in
      let start = place * MemoryLayout<Int>.stride
      let own = bytes[start..<start + count * MemoryLayout<SmallObject>.stride]
      small = Array(UnsafeRawBufferPointer(rebasing: own).bindMemory(to: SmallObject.self))
    }
    large.reserveCapacity(largeCount)
    for index in 0..<largeCount {
      large.append(InstanceMoments(numbers, at: place + 2 * count + index * InstanceMoments.numberCount))
    }
  }

  /// Adds other objects behind these.
  mutating func append(_ others: InstanceRecords) {
    let (first, firstLarge) = (small.count, UInt64(large.count))
    small += others.small
    large += others.large
    for object in first..<small.count where small[object].place == Self.mark {
      small[object] = SmallObject(place: Self.mark, bits: small[object].bits + firstLarge)
    }
  }
}
