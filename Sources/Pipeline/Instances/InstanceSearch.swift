import HDF5
import Host
import ImageFiles
import Imaging
import MessagePassing

/// Tells the objects of predicted classes apart, and measures each: from a results file to one of labels with a table, and a
/// table as CSV beside it.
public struct InstanceSearch: Sendable {
  /// The results file.
  public var results: String
  /// What an object is.
  public var rule: InstanceRule
  /// The file that is written; its table is written beside it, with the ending csv.
  public var output: String
  /// Replace files that exist.
  public var overwrite: Bool
  /// Whether a job asks for the objects, and not who runs a command.
  var isOfJob = false

  /// A search as asked for.
  ///
  /// - Parameter output: nil: beside the results, `NAME.instances.h5`.
  public init(_ results: String, rule: InstanceRule, to output: String? = nil, overwrite: Bool = false) {
    self.results = results
    self.rule = rule
    self.output = output ?? RunPaths(results: results).instances
    self.overwrite = overwrite
  }

  /// Where the table goes.
  public var table: String { (output.hasSuffix(".h5") ? String(output.dropLast(3)) : output) + ".csv" }

  /// Where the picture of directions goes, of volumes that ask for it.
  public var picture: String { (output.hasSuffix(".h5") ? String(output.dropLast(3)) : output) + ".svg" }

  /// Finds the objects and writes the files. Collective; memory grows with the number of objects, not with the images.
  ///
  /// - Returns: what is to be told.
  /// - Throws: `RunError`, `HDF5Error`; `RemoteFailure` where one rank alone failed.
  @discardableResult
  public func run(over world: Communicator, until stop: (() throws -> Void)? = nil) throws -> [String] {
    try world.agree {
      var files = RunFiles()
      files.inputs = [("the results", results)]
      let own = [output] + (rule.measures ? [table] : []) + (rule.autocorrelation == nil ? [] : [picture])
      files.outputs = (own + [WholeFile.temporary(output)]).map { ("-o", $0) }
      try files.check()
      for path in own where !overwrite && RunPaths.exists(path) { throw RunError.outputExists(path) }
    }
    try world.onRoot {
      try ChecksummedFile.verify(results)
      try RunPaths.makeFolder(RunPaths.folder(of: output))
    }
    let source = try world.agree { try PredictedLabels(results, rule) }
    let finder = InstanceFinder(
      rule, values: source.classes.map { UInt8($0) }, volume: source.hasDepth, extents: source.parts.map(\.extents))
    let share = Shares(of: finder.blocks.count, among: world.size)[world.rank]
    let parts = try world.agree {
      try finder.parts(of: share) { block, buffer in
        try stop?()
        try source.read(block, into: buffer)
      }
    }
    // The first rank joins what all found, and tells each what its pieces are of.
    let gathered = try parts.gather(over: world)
    var list: InstanceList?
    try world.onRoot {
      list = finder.list(joining: gathered)
      guard list != nil else { throw RunError.otherJob(results, reason: "changed while it was read") }
    }
    // One rank has them already.
    let places =
      try world.scatter(list?.places ?? [], from: 0)
    var measures = try measures(list, source, over: world)
    do {
      try writeLabels(finder, share, parts, places, source, list, &measures, over: world, until: stop)
      measures.low = try world.allReduce(measures.low, .minimum)
      measures.high = try world.allReduce(measures.high, .maximum)
      measures.sums = try world.allReduce(measures.sums, .sum)
      let orientations = try orientations(list, source, over: world, until: stop)
      try world.onRoot {
        guard let list else { return }
        let table = InstanceTable(list, source, rule.measures ? measures : nil)
        let file = try File(opening: WholeFile.temporary(output), mode: .readWrite)
        try table.write(to: file, source, rule)
        try file.group("entry").setAttribute(Self.askedBy, isOfJob ? Self.job : "command")
        try orientations?.write(to: file.group("entry"))
        try file.close()
        try ChecksumTrailer.append(to: WholeFile.temporary(output))
        if rule.measures {
          try table.write(csv: self.table)
        } else if overwrite {
          try RunPaths.remove(self.table)
        }
        if let picture = orientations?.picture {
          try WholeFile.write(self.picture, contents: Array(picture.text.utf8))
        } else if overwrite {
          try RunPaths.remove(self.picture)
        }
        try WholeFile.publish(WholeFile.temporary(output), as: output)
      }
    } catch {
      if world.rank == 0 { try? RunPaths.remove(WholeFile.temporary(output)) }
      throw error
    }
    let count = try world.broadcast(list?.instances.count ?? 0, from: 0)
    return ["\(count) \(count == 1 ? "object" : "objects") in \(output)"] + (rule.measures ? ["table: \(table)"] : [])
      + (rule.autocorrelation != nil && source.hasDepth ? ["directions: \(picture)"] : [])
  }

  /// The attribute that tells who asked for the objects, and what it says when a job did.
  static let (askedBy, job) = ("asked_by", "job")

  /// The directions of the objects in the file that is being written; nil when the rule does not ask. Collective.
  private func orientations(
    _ list: InstanceList?, _ source: PredictedLabels, over world: Communicator, until stop: (() throws -> Void)?
  ) throws -> InstanceOrientations? {
    guard let radius = rule.autocorrelation else { return nil }
    var classes = [[UInt8]](repeating: [], count: source.parts.count)
    let images = try world.broadcast((list?.instances.byImage ?? []).flatMap { [$0.image, $0.places.count] }, from: 0)
    var labels = try world.broadcast(list.map { $0.instances.indices.map($0.instances.label) } ?? [], from: 0)[...]
    // Numbers of an image's objects ascend from 1.
    for index in stride(from: 0, to: images.count, by: 2) {
      classes[images[index]] = Array(labels.prefix(images[index + 1]))
      labels = labels.dropFirst(images[index + 1])
    }
    return try InstanceOrientations(
      radius: radius, of: WholeFile.temporary(output), classes: classes, source, over: world, until: stop)
  }

  /// What is to be measured of all objects, on all ranks; of none when the rule does not ask. Collective.
  private func measures(
    _ list: InstanceList?, _ source: PredictedLabels, over world: Communicator
  ) throws -> InstanceMeasures {
    guard rule.measures else { return InstanceMeasures(centroids: [], axes: [], voxel: source.voxel) }
    let axes = list?.instances.flatMap {
      $0.moments.principalAxes(voxel: source.voxel, volume: source.hasDepth).axes[0]
    }
    return InstanceMeasures(
      centroids: try world.broadcast(list?.instances.columns.centroids ?? [], from: 0),
      axes: try world.broadcast(axes ?? [], from: 0), voxel: source.voxel)
  }

  /// Writes the number of its object for every voxel, and measures objects on the way. Collective.
  private func writeLabels(
    _ finder: InstanceFinder, _ share: Range<Int>, _ parts: InstanceParts, _ places: [Int32],
    _ source: PredictedLabels, _ list: InstanceList?, _ measures: inout InstanceMeasures, over world: Communicator,
    until stop: (() throws -> Void)?
  ) throws {
    let numbers = try world.broadcast(list?.instances.numbers ?? [], from: 0)
    let told = try world.broadcast(list.map { $0.instances.indices.map($0.instances.label) } ?? [], from: 0)
    let file = try SharedFile(creating: WholeFile.temporary(output), on: world)
    let dataset = try source.createLabels(in: file, depth: finder.depth)
    do {
      let reader: InstanceFinder.Reader = { try source.read($0, into: $1) }
      try finder.forEachBlock(of: share, parts, places: places, reading: reader) { block, found in
        try stop?()
        let extents = source.parts[block.image].extents
        let labels = [Int32](unsafeUninitializedCapacity: block.z.count * extents.y * extents.x) { labels, count in
          count = labels.count
          found.fill(labels) { numbers[$0] }
        }
        if rule.measures { try measure(block, found, told, source, &measures) }
        try file.write([try dataset.part(labels, source.slab(block), fill: source.isPadded ? 0 : nil)])
      }
    } catch {
      // The other ranks learn of it, and end too.
      try file.finish(failure: error)
    }
    try file.finish()
  }

  /// Measures the objects in a block: how far they reach, and their spread.
  private func measure(
    _ block: InstanceFinder.Block, _ found: BlockInstances, _ labels: [UInt8], _ source: PredictedLabels,
    _ measures: inout InstanceMeasures
  ) throws {
    var spreads: [[Float]?] = Array(repeating: nil, count: source.classes.count)
    var failure: (any Error)?
    found.forEachRun { run in
      measures.add(run)
      guard source.hasSpread else { return }
      let label = Int(labels[run.place]) - 1
      do {
        if spreads[label] == nil { spreads[label] = try source.spread(ofClass: source.classes[label], block) }
      } catch {
        failure = error
      }
      spreads[label]?.withUnsafeBufferPointer {
        guard !$0.isEmpty else { return }
        measures.add(UnsafeBufferPointer(rebasing: $0[run.offset..<run.offset + run.x.count]), of: run)
      }
    }
    if let failure { throw failure }
  }
}

extension InstanceParts {
  /// What every rank found, on the first; of no rank elsewhere. Collective.
  func gather(over world: Communicator) throws -> [InstanceParts] {
    guard world.size > 1 else { return [self] }
    return (try world.gather(numbers, to: 0) ?? []).map { InstanceParts(numbers: $0) }
  }
}
