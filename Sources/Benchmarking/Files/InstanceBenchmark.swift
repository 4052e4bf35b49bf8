import HDF5
import Host
import ImageFiles
import Imaging
import MessagePassing

/// How long it takes to tell the objects of a volume apart, with the volume and the numbers of its voxels in memory.
public struct InstanceBenchmark: Hashable, Sendable, Encodable {
  /// Ranks that share the slices.
  public let ranks: Int
  /// The volume's extents: z, y, x.
  public let shape: [Int]
  /// How voxels of one object touch.
  public let connectivity: String
  /// Whether each object was measured.
  public let measures: Bool
  /// Objects that were found.
  public let objects: Int
  /// Of each time: from the values to the number of each voxel's object, and to lists of sizes, boxes and centroids where objects
  /// are measured; of the slowest rank.
  public let seconds: [Double]
  /// The same as processor time, of the busiest rank.
  public let processorSeconds: [Double]

  /// Measures. Collective over `world`.
  ///
  /// - Parameters:
  ///   - location: a volume of labels; 0 is background.
  ///   - connectivity: how voxels of one object touch.
  ///   - measures: whether each object is measured.
  ///   - numbers: the file that the numbers of all voxels are written to, as 32-bit integers; nil: none.
  /// - Throws: `RemoteFailure` with what keeps a rank from it, as `ImageFileError`, `FileError`.
  /// - Complexity: five bytes a voxel of memory, on the first rank nine when numbers are written.
  public init(
    _ location: ArrayLocation, connectivity: Connectivity, measures: Bool = true, numbers: String?, repetitions: Int,
    over world: Communicator
  ) throws {
    let values = try world.agree { try Self.values(location) }
    let (volume, extents) = (values.bytes, values.extents)
    var rule = InstanceRule()
    (rule.connectivity, rule.measures) = (connectivity, measures)
    let finder = InstanceFinder(
      rule, values: Self.labels(of: volume.buffer), volume: connectivity.isOfVolumes, extents: [extents])
    let share = Shares(of: finder.blocks.count, among: world.size)[world.rank]
    let slice = extents.y * extents.x
    let first = share.isEmpty ? 0 : finder.blocks[share.lowerBound].z.lowerBound * slice
    let end = share.isEmpty ? 0 : finder.blocks[share.upperBound - 1].z.upperBound * slice
    let own = AlignedBuffer<Int32>(count: end - first)
    func read(_ block: InstanceFinder.Block, _ buffer: UnsafeMutableBufferPointer<UInt8>) {
      let range = block.read.lowerBound * slice..<block.read.upperBound * slice
      _ = buffer.update(from: UnsafeBufferPointer(rebasing: volume.buffer[range]))
    }
    var (objects, seconds, processorSeconds) = (0, [Double](), [Double]())
    for _ in 0..<repetitions {
      try world.barrier()
      let begin = Stopwatch.processorSeconds
      let elapsed = try Stopwatch.seconds {
        let parts = try finder.parts(of: share, reading: read)
        let gathered =
          world.size == 1
          ? [parts] : (try world.gather(parts.numbers, to: 0) ?? []).map { InstanceParts(numbers: $0) }
        let list = finder.list(joining: gathered)
        try world.onRoot {
          if list == nil { throw ImageFileError(.damaged, location.name, "ranks read other values") }
        }
        let places = try world.scatter(list?.places ?? [], from: 0)
        objects = list?.instances.count ?? 0
        try finder.forEachBlock(of: share, parts, places: places, reading: read) { block, found in
          let start = own.pointer + (block.z.lowerBound * slice - first)
          found.fill(UnsafeMutableBufferPointer(start: start, count: block.z.count * slice)) { Int32($0 + 1) }
        }
        if measures, let list { objects = list.instances.columns.voxels.count }
      }
      let busy = Stopwatch.processorSeconds - begin
      seconds.append(try world.allReduce(elapsed, .maximum))
      processorSeconds.append(try world.allReduce(busy, .maximum))
    }
    if let numbers {
      let all = try world.gather(Array(own.buffer), to: 0)
      try world.onRoot {
        let joined = (all ?? []).flatMap { $0 }
        try WholeFile.write(numbers, contents: joined.withUnsafeBytes { Array($0) })
      }
    }
    ranks = world.size
    shape = [extents.z, extents.y, extents.x]
    self.connectivity = connectivity.rawValue
    self.measures = measures
    self.objects = try world.broadcast(objects, from: 0)
    (self.seconds, self.processorSeconds) = (seconds, processorSeconds)
  }

  /// The values but 0.
  private static func labels(of volume: UnsafeMutableBufferPointer<UInt8>) -> [UInt8] {
    var isThere = [Bool](repeating: false, count: 256)
    for value in volume { isThere[Int(value)] = true }
    return (1...255).filter { isThere[Int($0)] }
  }

  private static func values(_ location: ArrayLocation) throws -> (bytes: AlignedBuffer<UInt8>, extents: Extents) {
    let array = try ArrayFile.open(location).1
    let lengths = Array(repeating: 1, count: max(0, 3 - array.shape.count)) + array.shape
    guard lengths.count == 3 else {
      throw ImageFileError(.wrongShape, location.name, "has the shape \(array.shape), which is no volume")
    }
    let bytes = AlignedBuffer<UInt8>(count: array.shape.reduce(1, *))
    try array.read(Hyperslab(all: array.shape), as: .uint8, into: UnsafeMutableRawBufferPointer(bytes.buffer))
    return (bytes, Extents(z: lengths[0], y: lengths[1], x: lengths[2]))
  }
}

extension InstanceBenchmark: CustomStringConvertible {
  public var description: String {
    let best = seconds.min() ?? .nan
    let voxels = Double(shape.reduce(1, *))
    return """
      \(objects) objects in \(shape)\(measures ? ", measured" : ""), connectivity \(connectivity), \(ranks) \(ranks == 1 ? "rank" : "ranks")
        \(best.text(4)) s, \((voxels / best / 1e6).text(0)) million voxels/s, the best of \(seconds.count)
      """
  }
}
