import Host
import Imaging
import MessagePassing
import Uncertainty

/// Collects, tile by tile, the objects that each member sees and those that the labels show, and joins them over all tiles
/// and ranks.
///
/// A class, since closures of several kinds add to it. Memory grows with the surface of tiles and the number of objects.
final class ObjectCollector: TileSum {
  /// What is to be measured.
  let quantities: [MeasuredQuantity]
  /// Objects of one class by one connectivity.
  private struct Slot: Hashable {
    var label: UInt8
    var connectivity: Connectivity?
  }
  private let slots: [Slot]
  private let regions: [Region]
  private let places: [Region: Int]
  private let members: Int
  private let classes: Int
  /// `[member, slot]`, the labels behind the members: each with its region.
  private var pieces: [[(region: Int, piece: ObjectPiece)]]
  /// Of each region the voxels of which the class is not known.
  private var unknown: [Int]
  private var hasTruth = false
  private var labels: [UInt8] = []
  /// As `pieces` and `unknown`, what was there when the last tile ended.
  private var ended: (pieces: [Int], unknown: [Int])

  /// Nothing is collected yet.
  ///
  /// - Parameter regions: the images that are measured, each by itself.
  init(_ quantities: [MeasuredQuantity], members: Int, classes: Int, regions: [Region]) {
    self.quantities = quantities
    self.regions = regions
    self.members = members
    self.classes = classes
    var seen = Set<Slot>()
    slots = quantities.map(Self.slot).filter { seen.insert($0).inserted }
    places = Dictionary(uniqueKeysWithValues: regions.enumerated().map { ($1, $0) })
    pieces = Array(repeating: [], count: (members + 1) * slots.count)
    unknown = Array(repeating: 0, count: regions.count)
    ended = (pieces.map(\.count), unknown)
  }

  private static func slot(_ quantity: MeasuredQuantity) -> Slot {
    Slot(label: quantity.label, connectivity: quantity.connectivity)
  }

  /// Adds what a member says of a box of a region.
  ///
  /// - Parameter answer: `[class, z, y, x]` over the box.
  func add(_ answer: UnsafeBufferPointer<Float>, of member: Int, _ region: Region, _ box: Box) {
    mostLikely(answer, classes: classes, into: &labels)
    add(labels, subject: member, region, box)
  }

  /// Adds the labels of a box of a region, `[z, y, x]`.
  func addTruth(_ labels: [UInt8], _ region: Region, _ box: Box) {
    hasTruth = true
    if let place = places[region] { unknown[place] += labels.count { $0 == Label.ignored } }
    add(labels, subject: members, region, box)
  }

  private func add(_ labels: [UInt8], subject: Int, _ region: Region, _ box: Box) {
    guard let place = places[region] else { return }
    for (index, slot) in slots.enumerated() {
      let piece = labels.withUnsafeBufferPointer { labels in
        labels.baseAddress.map {
          ObjectPiece(slot.label, in: $0, over: box, of: region.extents, slot.connectivity)
        }
      }
      if let piece { pieces[subject * slots.count + index].append((place, piece)) }
    }
  }

  func endTile(_ tile: Int) -> [Int] {
    let changed = regions.indices.filter { unknown[$0] != ended.unknown[$0] }
    var numbers = [hasTruth ? 1 : 0, changed.count] + changed.flatMap { [$0, unknown[$0] - ended.unknown[$0]] }
    for index in pieces.indices {
      for (region, piece) in pieces[index][ended.pieces[index]...] { numbers += [index, region] + piece.numbers }
      ended.pieces[index] = pieces[index].count
    }
    for region in changed { ended.unknown[region] = unknown[region] }
    return numbers
  }

  func addTile(_ tile: Int, _ numbers: [Int]) -> Bool {
    guard numbers.count >= 2, (0...(numbers.count - 2) / 2).contains(numbers[1]) else { return false }
    var rest = numbers[2...]
    for _ in 0..<numbers[1] {
      let (region, count) = (rest.removeFirst(), rest.removeFirst())
      guard regions.indices.contains(region) else { return false }
      unknown[region] += count
    }
    if numbers[0] != 0 { hasTruth = true }
    while rest.count >= 2 {
      let (index, region) = (rest.removeFirst(), rest.removeFirst())
      guard pieces.indices.contains(index), regions.indices.contains(region) else { return false }
      pieces[index].append((region, ObjectPiece(taking: &rest)))
    }
    ended = (pieces.map(\.count), unknown)
    return rest.isEmpty
  }

  /// Joins what all ranks collected, one member and class at a time. Collective.
  ///
  /// - Returns: on rank 0; nil on the others.
  /// - Throws: `MPIError`.
  func joined(over world: Communicator) throws -> MeasuredImages? {
    let unknown = try world.allReduce(unknown, .sum)
    let hasTruth = try world.allReduce(hasTruth ? 1 : 0, .sum) > 0
    var objects: [[MeasuredObjects]] = []
    for index in pieces.indices {
      let numbers = pieces[index].flatMap { [$0.region] + $0.piece.numbers }
      pieces[index] = []
      guard let parts = try world.gather(numbers, to: 0) else { continue }
      var known = [[ObjectPiece]](repeating: [], count: regions.count)
      for part in parts {
        var rest = part[...]
        while let region = rest.popFirst() { known[region].append(ObjectPiece(taking: &rest)) }
      }
      objects.append(
        zip(known, regions).map {
          MeasuredObjects(joining: $0, of: $1.extents, slots[index % slots.count].connectivity)
        })
    }
    guard world.rank == 0 else { return nil }
    let slotOf = quantities.map { quantity in slots.firstIndex(of: Self.slot(quantity)) ?? 0 }
    return MeasuredImages(
      quantities: quantities, members: members,
      objects: (0...members).map { subject in slotOf.map { objects[subject * slots.count + $0] } },
      isKnown: unknown.map { hasTruth && $0 == 0 })
  }
}

/// The objects of images as members and labels show them.
struct MeasuredImages {
  let quantities: [MeasuredQuantity]
  let members: Int
  /// `[member, quantity, image]`, the labels' behind the members'.
  let objects: [[[MeasuredObjects]]]
  /// Whether the class of every voxel of an image is known.
  let isKnown: [Bool]

  /// What is measured of some images together.
  struct Unit {
    /// `[member]`
    var members: [Double]
    var prediction: MeasurementIntervals.Prediction
    /// NaN when it is not known.
    var truth: Double
  }

  /// A quantity of some images together.
  func unit(_ quantity: Int, of images: [Int]) -> Unit {
    func joined(_ subject: Int) -> MeasuredObjects {
      images.reduce(into: MeasuredObjects()) { $0.add(objects[subject][quantity][$1]) }
    }
    let own = quantities[quantity]
    let all = (0..<members).map(joined)
    let values = all.map(own.value)
    return Unit(
      members: values,
      prediction: MeasurementIntervals.Prediction(
        members: values, resolution: own.resolution(of: all.first ?? MeasuredObjects())),
      truth: images.allSatisfy { isKnown[$0] } ? own.value(of: joined(members)) : .nan)
  }
}
