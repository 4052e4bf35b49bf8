import Engine
import Ensembles
import Foundation
import HDF5
import Host
import ImageFiles
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

/// Predicts images that no job knows with a trained ensemble.
public struct NewPrediction: Sendable {
  /// A results file, a folder of members, or a member's file.
  public var model: String
  /// `path[:dataset]`
  public var images: String
  /// The file that is written.
  public var output: String
  /// Threads of each rank; nil: its share of the cores.
  public var threads: Int?
  /// Replace a file that exists.
  public var overwrite: Bool
  /// Whether the members' latent values are written too.
  public var latents: Bool

  /// A prediction as asked for.
  public init(
    model: String, images: String, output: String, threads: Int? = nil, overwrite: Bool = false, latents: Bool = false
  ) {
    self.model = model
    self.images = images
    self.output = output
    self.threads = threads
    self.overwrite = overwrite
    self.latents = latents
  }

  /// Writes `/entry/prediction` of all the images into `output`, and what the model measures. Collective.
  ///
  /// - Parameter log: told when the calibration was made by other tiles.
  /// - Returns: on rank 0 what is measured; nil on the others, or when the model measures nothing.
  /// - Throws: `RunError`, `ImagingError`, `MemberFileError`, `HDF5Error`; `RemoteFailure` where one rank alone failed.
  @discardableResult
  public func run(over world: Communicator, log: Log) throws -> MeasurementTable? {
    let stop = try StopRequest(over: world)
    do {
      return try StopSignal.watched { try run(over: world, log: log, until: stop) }
    } catch  where Interruption.isCause(of: error) {
      try stop.settle()
      throw RunError.stopped
    }
  }

  /// Opens the images as the networks see them. Of 3-D networks four axes are those of one image with as many channels as
  /// networks read, or of several images without.
  private func opened(for settings: EnsembleSettings) throws -> ImageSource {
    let location = ArrayLocation(images)
    guard settings.isOfVolume else { return try ImageSource(location, layout: .stack) }
    do {
      let one = try ImageSource(location, layout: .volume)
      guard settings.inputChannels == 1, one.channels > 1 else { return one }
    } catch ImagingError.wrongAxes(_, let shape, _) where shape.count == 5 {
    } catch ImagingError.axesDoNotFit {
    }
    return try ImageSource(location, layout: .volumes)
  }

  private func run(over world: Communicator, log: Log, until stop: StopRequest) throws -> MeasurementTable? {
    let loaded = try world.agree { try ModelFiles.load(model) }
    try world.agree {
      var files = RunFiles()
      files.inputs = [("the new images", ArrayLocation(images).file)] + loaded.files.map { ("a file of the model", $0) }
      files.outputs = [output, WholeFile.temporary(output), RunLock.path(of: output)].map { ("-o", $0) }
      try files.check()
    }
    let (members, calibration) = (loaded.members, loaded.calibration)
    let volume = members[0].settings.isOfVolume
    let source = try world.agree {
      guard overwrite || !RunPaths.exists(output) else { throw RunError.outputExists(output) }
      return try opened(for: members[0].settings)
    }
    let facts = HostFacts.detect()
    let node = try world.splitNodeLocal()
    let team = try world.agree {
      try ThreadTeam(
        size: threads ?? ThreadTeam.defaultSize(for: facts, ranksOnNodeWithOverlappingMask: node.size))
    }
    let ensemble = try world.agree {
      guard source.channels == members[0].settings.inputChannels else {
        throw RunError.wrongChannels(
          images, channels: source.channels, expected: members[0].settings.inputChannels)
      }
      return try EnsemblePredictor(members, team: team)
    }
    let regions = (0..<source.imageCount).map { source.region(ofImage: $0) }
    let work = try world.agree {
      TileWork(regions, try Tiling(members.map(\.graph), settings: members[0].settings, isVolume: volume))
    }
    if calibration != nil, loaded.calibratedTiling.map({ $0 != work.identity }) ?? !work.isWhole {
      log.note(
        "The images are predicted otherwise than those of the calibration: \(work.identity); the calibration's were "
          + "\(loaded.calibratedTiling ?? "tiles of an earlier tutti"). Coverage may differ a little.")
    }
    let unfinished = WholeFile.temporary(output)
    var lock: RunLock?
    defer { lock?.release() }
    _ = try world.fromRoot {
      try RunPaths.makeFolder(RunPaths.folder(of: output))
      lock = try RunLock(of: output)
      return []
    }
    let aggregator = try world.agree {
      try loaded.aggregate.map {
        guard $0.fingerprint == members[0].fingerprint || ($0.origin == nil) != (members[0].origin == nil) else {
          throw RunError.otherJob(model, reason: "was made by other members: their combination is of another job")
        }
        return try Aggregator($0, team: team)
      }
    }
    let writer = PredictionWriter(
      ensemble, calibration: calibration, layout: source.layout, latents: latents, aggregator: aggregator, over: world)
    let collector = calibration?.measurements.map {
      ObjectCollector(
        MeasuredQuantity.all(
          $0.measurements, classes: members[0].classes, volume: volume, sizes: source.voxelSize),
        members: members.count,
        classes: ensemble.channels, regions: regions)
    }
    let scaling = try members[0].scaling.completed(for: regions.map(\.image), of: source, over: world)
    try writer.write(work, to: unfinished) { region, predict in
      try predict(EnsemblePredictor.reader(of: source, region: region, scaling: scaling)) {
        member, tile, answer, _ in
        try stop.check()
        collector?.add(answer, of: member, region, tile.core)
      }
    }
    let table = try collector?.joined(over: world).map {
      MeasurementTable($0, numbers: Array(regions.indices), groups: nil, calibration?.measurements)
    }
    _ = try world.fromRoot {
      let file = try File(opening: unfinished, mode: .readWrite)
      try ResultsFile.describe(
        file,
        ResultsFile.Header(
          job: members[0].fingerprint, name: source.location.name, form: writer.form, classForm: writer.classForm,
          classes: members[0].classes, tiling: work.identity,
          indices: Array(0..<(source.layout.isOneImage ? source.extents.z : source.imageCount)),
          voxelSize: source.voxelSize, members: members.map(\.answerHash)))
      if let calibration {
        try CalibrationFile.write(calibration, to: try file.group("entry").createGroup("calibration"))
      }
      try table?.write(to: try file.group("entry"))
      try file.close()
      try ChecksumTrailer.append(to: unfinished)
      try WholeFile.publish(unfinished, as: output)
      return []
    }
    return table
  }
}
