import Ensembles
import HDF5
import Host
import Imaging
import MessagePassing

extension PredictionWriter {
  /// What is told of tiles that are there already.
  static func remark(there: Int, of tiles: Int) -> String {
    "\(there) of \(tiles) tiles are predicted already, by a run that was interrupted; this one goes on from them."
  }

  /// What the numbers of a prediction depend on, as text: of equal texts, one prediction goes on from the tiles of the
  /// other. Collective.
  ///
  /// - Parameters:
  ///   - images: a hash of the images, and of what else is read of the data.
  ///   - settings: of the job.
  /// - Throws: `RemoteFailure`, `HDF5Error`.
  func identity(of work: TileWork, images: UInt64, scaling: IntensityScaling, settings: String) throws -> String {
    let processors = Set(try world.allGather(HostFacts.detect().processorKind)).sorted()
    return try world.agree {
      var lines = ["program \(Program.hash())", "processors \(processors)", "images \(images)", settings]
      let members = ensemble.members + (aggregator.map { [$0.network] } ?? [])
      lines.append("members \(members.map(\.answerHash))")
      if let calibration {
        let file = try File(creatingImage: "calibration")
        try CalibrationFile.write(calibration, to: file.root)
        var hash = ContentHash()
        try file.image().withUnsafeBytes { hash.add($0) }
        lines.append("calibration \(hash.value)")
      }
      for (region, grid) in zip(work.regions, work.grids) {
        lines.append("\(region) by tiles of \(grid.core), read as \(grid.input)")
      }
      lines.append(work.identity)
      for image in [scaling] + scaling.images.sorted(by: { $0.key < $1.key }).map(\.value) {
        let numbers = "\(image.mean) \(image.standardDeviation) \(image.limits ?? [])"
        lines.append("scaling \(image.rule) \(image.transform) \(numbers)")
      }
      return lines.joined(separator: "\n")
    }
  }
}

extension ImageSource {
  /// A hash of all values of some regions, and of which of them were measured; each rank reads its share. Collective.
  ///
  /// - Throws: `RemoteFailure`, on all ranks.
  func contentHash(of regions: [Region], over world: Communicator) throws -> UInt64 {
    let boxes = regions.flatMap { region in slabs(of: region).map { (region, $0) } }
    let own = try world.agree {
      try boxes[Shares(of: boxes.count, among: world.size)[world.rank]].flatMap { region, box in
        try hashes(of: box, image: region.image)
      }
    }
    var hash = ContentHash()
    for slice in try world.allGather(own).joined() { hash.add(slice) }
    return hash.value
  }
}
