import Host

/// One object of an image.
public struct Instance: Hashable, Sendable {
  /// The number of its image.
  public let image: Int
  /// Its number among the objects of the image, from 1, in the order of their first voxels.
  public let number: Int
  /// The label of its voxels.
  public let label: UInt8
  /// Its size, place and shape.
  public let moments: InstanceMoments
}

/// The objects of all images, joined over blocks and ranks.
public struct InstanceList: Sendable {
  /// Image by image, in the order of numbers.
  public private(set) var instances: [Instance] = []
  /// Of each rank's joined pieces the place in `instances`; −1 of what is no object.
  public private(set) var places: [[Int]] = []

  /// Joins what ranks found.
  ///
  /// - Parameters:
  ///   - parts: `InstanceParts.numbers` of each rank, whose blocks follow each other.
  ///   - extents: of each image.
  /// - Returns: nil when slices that two ranks read are not the same: the file changed meanwhile.
  /// - Complexity: O(*pieces*)
  public init?(joining parts: [[Int]], smallest: Int, extents: [Extents]) {
    var (images, labels, moments): ([Int], [UInt8], [InstanceMoments]) = ([], [], [])
    var sets = DisjointSets(count: 0)
    var contacts: [(background: Int, object: Int)] = []
    var last: [Int]?
    var firsts: [Int] = []
    let pieces = parts.reduce(0) { $0 + $1[0] }
    images.reserveCapacity(pieces)
    labels.reserveCapacity(pieces)
    moments.reserveCapacity(pieces)
    for numbers in parts {
      let first = images.count
      firsts.append(first)
      let width = 2 + InstanceMoments.numberCount
      for piece in 0..<numbers[0] {
        let start = 4 + piece * width
        images.append(numbers[start])
        labels.append(UInt8(numbers[start + 1]))
        moments.append(InstanceMoments(numbers, at: start + 2))
      }
      sets.grow(to: images.count)
      var rest = numbers[(4 + numbers[0] * width)...]
      func take(_ count: Int) -> [Int] {
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).map { first + $0 }
      }
      let (before, after) = (take(max(0, numbers[1])), take(max(0, numbers[2])))
      if numbers[1] >= 0 {
        guard let last, last.count == before.count else { return nil }
        for (one, other) in zip(last, before) { sets.unite(one, other) }
      }
      if numbers[2] >= 0 { last = after }
      let pairs = take(2 * numbers[3])
      contacts += stride(from: 0, to: pairs.count, by: 2).map { (pairs[$0], pairs[$0 + 1]) }
    }
    Self.add(&moments, to: &sets)
    Self.fill(&sets, &moments, &labels, images, contacts, extents)
    var place = [Int](repeating: -1, count: images.count)
    let roots = sets.smallestOfEach()
    instances.reserveCapacity(images.indices.count { Int(roots[$0]) == $0 })
    // The pieces of an image follow each other.
    var (image, number) = (-1, 0)
    for index in images.indices where Int(roots[index]) == index {
      guard labels[index] != 0, moments[index].voxels >= smallest else { continue }
      (image, number) = (images[index], images[index] == image ? number + 1 : 1)
      place[index] = instances.count
      instances.append(Instance(image: image, number: number, label: labels[index], moments: moments[index]))
    }
    places = firsts.indices.map { rank in
      (firsts[rank]..<(rank + 1 < firsts.count ? firsts[rank + 1] : images.count)).map { place[Int(roots[$0])] }
    }
  }

  /// Moves the moments of every number to the smallest of its set.
  private static func add(_ moments: inout [InstanceMoments], to sets: inout DisjointSets) {
    for index in moments.indices {
      let root = sets.smallest(index)
      guard root != index else { continue }
      moments[root].add(moments[index])
      moments[index] = InstanceMoments()
    }
  }

  /// Makes the background that objects of one label enclose part of them.
  private static func fill(
    _ sets: inout DisjointSets, _ moments: inout [InstanceMoments], _ labels: inout [UInt8], _ images: [Int],
    _ contacts: [(background: Int, object: Int)], _ extents: [Extents]
  ) {
    guard !contacts.isEmpty else { return }
    /// Of a region of the background the label around it; 0 of several.
    var around: [Int: UInt8] = [:]
    let regions = contacts.map { sets.smallest($0.background) }
    for (contact, region) in zip(contacts, regions) {
      let label = labels[contact.object]
      around[region] = around[region].map { $0 == label ? label : 0 } ?? label
    }
    let holes = around.filter { root, label in
      let image = extents[images[root]]
      return label != 0 && !moments[root].touchesBorder(of: [image.z, image.y, image.x])
    }
    for (contact, region) in zip(contacts, regions) where holes[region] != nil {
      sets.unite(contact.background, contact.object)
    }
    for (region, label) in holes { labels[sets.smallest(region)] = label }
    add(&moments, to: &sets)
  }
}
