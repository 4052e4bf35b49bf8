import Host

/// The objects of all images, joined over blocks and ranks.
public struct InstanceList: Sendable {
  /// Image by image, in the order of numbers.
  public let instances: Instances
  /// Of each rank's joined pieces the place in `instances`; −1 of what is no object.
  public let places: [[Int32]]

  /// Joins what ranks found.
  ///
  /// - Parameters:
  ///   - parts: of each rank, whose blocks follow each other.
  ///   - extents: of each image.
  /// - Returns: nil when slices that two ranks read are not the same: the file changed meanwhile.
  /// - Complexity: O(*pieces*)
  init?(joining parts: [InstanceParts], smallest: Int, extents: [Extents]) {
    guard var all = parts.first else { return nil }
    var firsts = [0]
    for own in parts.dropFirst() {
      firsts.append(all.count)
      guard all.append(own) else { return nil }
    }
    let starts = all.images.map(\.first) + [all.count]
    guard !all.unions.isEmpty || !all.labels.isEmpty || smallest > 1 else {
      // Every piece is an object.
      instances = Instances(count: all.count, images: all.images, labels: [], records: all.records)
      places = zip(firsts, firsts.dropFirst() + [all.count]).map { Self.numbers(from: $0, to: $1) }
      return
    }
    var (records, labels) = (all.records, all.labels)
    all.records = nil
    var sets = DisjointSets(count: all.count)
    for (one, other) in all.unions { sets.unite(Int(one), Int(other)) }
    if !all.unions.isEmpty { Self.join(&records, &sets) }
    Self.fill(&sets, &records, &labels, all, extents)
    let roots = sets.smallestOfEach()
    var places = [Int32](repeating: -1, count: all.count)
    var (count, images): (Int32, [(image: Int, first: Int)]) = (0, [])
    // The pieces of an image follow each other.
    for (index, own) in all.images.enumerated() {
      images.append((own.image, Int(count)))
      for piece in starts[index]..<starts[index + 1] where Int(roots[piece]) == piece {
        guard labels.isEmpty || labels[piece] != 0,
          smallest <= 1 || records.map({ $0.voxels(piece) >= smallest }) ?? true
        else { continue }
        if !labels.isEmpty { labels[Int(count)] = labels[piece] }
        places[piece] = count
        count += 1
      }
    }
    records?.keep(places, count: Int(count))
    instances = Instances(count: Int(count), images: images, labels: Array(labels.prefix(Int(count))), records: records)
    for piece in places.indices where Int(roots[piece]) != piece { places[piece] = places[Int(roots[piece])] }
    self.places =
      parts.count == 1
      ? [places] : zip(firsts, firsts.dropFirst() + [all.count]).map { first, end in Array(places[first..<end]) }
  }

  /// The numbers from one on.
  private static func numbers(from first: Int, to end: Int) -> [Int32] {
    Array(unsafeUninitializedCapacity: end - first) { numbers, count in
      numbers.useHugePages()
      for index in 0..<end - first {
        numbers.initializeElement(at: index, to: Int32(truncatingIfNeeded: first + index))
      }
      count = end - first
    }
  }

  /// Moves the voxels of every number to the smallest of its set.
  private static func join(_ records: inout InstanceRecords?, _ sets: inout DisjointSets) {
    guard var own = records else { return }
    records = nil
    for piece in own.small.indices {
      let root = sets.smallest(piece)
      if root != piece { own.move(piece, to: root) }
    }
    records = own
  }

  /// Makes the background that objects of one label enclose part of them.
  private static func fill(
    _ sets: inout DisjointSets, _ records: inout InstanceRecords?, _ labels: inout [UInt8], _ all: InstanceParts,
    _ extents: [Extents]
  ) {
    guard !all.contacts.isEmpty, let own = records else { return }
    /// Of a region of the background the label around it; 0 of several.
    var around: [Int: UInt8] = [:]
    let regions = all.contacts.map { sets.smallest($0.background) }
    for (contact, region) in zip(all.contacts, regions) {
      let label = labels[contact.object]
      around[region] = around[region].map { $0 == label ? label : 0 } ?? label
    }
    let starts = all.images.map(\.first)
    let holes = around.filter { root, label in
      let image = extents[all.images[(starts.partitioningIndex { $0 > root }) - 1].image]
      return label != 0 && !own[root].touchesBorder(of: [image.z, image.y, image.x])
    }
    for (contact, region) in zip(all.contacts, regions) where holes[region] != nil {
      sets.unite(contact.background, contact.object)
    }
    for (region, label) in holes { labels[sets.smallest(region)] = label }
    join(&records, &sets)
  }
}

extension Array where Element == Int {
  /// Of an ascending list the first place from which on a condition holds.
  func partitioningIndex(_ holds: (Int) -> Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
