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
  /// The channels of the images that networks see, by name or number; empty: all that the images have; nil: as the
  /// model's job says.
  public var channels: [String]?
  /// `path[:dataset]` of what says which pixels were measured; nil: the values alone, as the model's job says.
  public var valid: String?
  /// Of one volume the slices to predict; nil: all.
  public var slices: Range<Int>?
  /// Of a stack the images to predict, in this order; nil: all.
  public var numbers: [Int]?
  /// The distance of voxels along (z,) y, x; nil: as the images' files say, else as in the images of the model.
  public var voxelSize: [Length]?

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
  /// - Returns: on rank 0 what is measured, and whether the images are like those of calibration; nil on the others, or when
  ///   the model does not tell.
  /// - Throws: `RunError`, `ImagingError`, `MemberFileError`, `HDF5Error`; `RemoteFailure` where one rank alone failed.
  @discardableResult
  public func run(over world: Communicator, log: Log) throws -> (measurements: MeasurementTable?, shift: ShiftTest?) {
    let stop = try StopRequest(over: world)
    do {
      return try StopSignal.watched { try run(over: world, log: log, until: stop) }
    } catch  where Interruption.isCause(of: error) {
      try stop.settle()
      throw RunError.stopped
    }
  }

  /// The channels that networks see; nil: all that images have.
  private func chosenChannels(for settings: EnsembleSettings) -> [ImageChannel]? {
    let wanted = channels.map { $0.map { ImageChannel($0) } } ?? settings.channels
    return wanted.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Opens the images as the networks see them. Of 3-D networks four axes are those of one image with as many channels as
  /// networks read, or of several images without.
  private func opened(for settings: EnsembleSettings) throws -> ImageSource {
    let chosen = chosenChannels(for: settings)
    func open(_ layout: ImageLayout) throws -> ImageSource {
      var validity = settings.validity ?? Validity()
      validity.hasDataset = valid != nil
      let isPartial = settings.validity != nil || valid != nil
      do {
        return try ImageSource(
          ArrayLocation(images), layout: layout, channels: chosen, validity: isPartial ? validity : nil,
          valid: valid.map { ArrayLocation($0) })
      } catch let error as ImagingError where channels == nil && error.isOfChannels {
        throw RunError.noSuchChannels(reason: "\(error)", wanted: chosen?.map(\.text) ?? [])
      }
    }
    guard settings.isOfVolume else { return try open(.stack) }
    do {
      let one = try open(.volume)
      guard settings.imageChannels == 1, one.channels > 1 else { return one }
    } catch ImagingError.wrongAxes(_, let shape, _) where shape.count == 5 {
    } catch ImagingError.axesDoNotFit {
    } catch let error as ImageFileError
      where error.kind == .unsupported && ArrayFile.files(of: ArrayLocation(images)).count > 1
    {
      // Files of different extents are no slices of one image.
    }
    return try open(.volumes)
  }

  /// What of the images is to be predicted.
  ///
  /// - Throws: `RunError.noSuchImages`, `.otherLayout`.
  private func chosenRegions(of source: ImageSource) throws(RunError) -> [Region] {
    let all = (0..<source.imageCount).map { source.region(ofImage: $0) }
    if let slices {
      guard source.layout.isOneImage else { throw .otherLayout(images, option: "--slices", things: "one volume") }
      let extents = source.extents
      guard !slices.isEmpty, (0..<extents.z).contains(slices.lowerBound), slices.upperBound <= extents.z else {
        throw .noSuchImages(images, option: "--slices", things: "slices", count: extents.z)
      }
      return [Region(image: 0, z: slices, height: extents.y, width: extents.x)]
    }
    guard let numbers else { return all }
    guard !source.layout.isOneImage else { throw .otherLayout(images, option: "--images", things: "a stack") }
    guard numbers.allSatisfy(all.indices.contains), Set(numbers).count == numbers.count, !numbers.isEmpty else {
      throw .noSuchImages(images, option: "--images", things: "images", count: all.count)
    }
    return numbers.map { all[$0] }
  }

  private func run(
    over world: Communicator, log: Log, until stop: StopRequest
  ) throws -> (MeasurementTable?, ShiftTest?) {
    let loaded = try world.agree { try ModelFiles.load(model) }
    try world.agree {
      var files = RunFiles()
      files.inputs =
        ArrayFile.files(of: ArrayLocation(images)).map { ("the new images", $0) }
        + loaded.files.map { ("a file of the model", $0) }
      if let valid { files.inputs += ArrayFile.files(of: ArrayLocation(valid)).map { ("--valid", $0) } }
      let beside = RunPaths(results: output)
      files.outputs = [
        output, beside.unfinished, RunLock.path(of: output), beside.xdmf, beside.exact,
        beside.earlierPrediction.results, beside.earlierPrediction.exact,
      ].map { ("-o", $0) }
      try files.check()
    }
    let (members, calibration) = (loaded.members, loaded.calibration)
    let volume = members[0].settings.isOfVolume
    let source = try world.opened {
      guard overwrite || !RunPaths.exists(output) else { throw RunError.outputExists(output) }
      return try opened(for: members[0].settings)
    }
    let facts = HostFacts.detect()
    let node = try world.splitNodeLocal()
    let team = try world.agree {
      try ThreadTeam(
        size: threads ?? ThreadTeam.defaultSize(for: facts, ranksOnNodeWithOverlappingMask: node.size))
    }
    ArrayFile.threads = team.size
    let ensemble = try world.agree {
      guard source.channels == members[0].settings.imageChannels else {
        throw RunError.wrongChannels(
          images, channels: source.channels, expected: members[0].settings.imageChannels)
      }
      return try EnsemblePredictor(members, team: team)
    }
    let voxelSize = try world.agree { try self.voxelSize(of: source, model: loaded.voxelSize, log: log) }
    if let combination = calibration?.combination { ensemble.combination = combination.form }
    if members.count == 1 { log.note("The prediction is that of a single member, which has no spread: it is NaN.") }
    if members[0].settings.validity?.hasDataset == true, valid == nil {
      log.note(
        "The model was trained with a dataset that says which pixels were measured; here the values alone say it. Name one "
          + "with --valid where there are gaps.")
    }
    ensemble.averagesFlips = loaded.averagesFlips
    let regions = try world.agree { try chosenRegions(of: source) }
    let work = try world.agree {
      TileWork(
        regions, try Tiling(members.map(\.graph), settings: members[0].settings, isVolume: volume),
        averagesFlips: loaded.averagesFlips)
    }
    if calibration != nil, loaded.calibratedTiling.map({ $0 != work.identity }) ?? !work.isWhole {
      log.note(
        "The images are predicted otherwise than those of the calibration: \(work.identity); the calibration's were "
          + "\(loaded.calibratedTiling ?? "tiles of an earlier tutti"). Coverage may differ a little.")
    }
    let paths = RunPaths(results: output)
    var lock: RunLock?
    defer { lock?.release() }
    try world.onRoot {
      try RunPaths.makeFolder(RunPaths.folder(of: output))
      lock = try RunLock(of: output)
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
      ensemble, calibration: calibration, images: source, latents: latents,
      statistics: loaded.statistics, aggregator: aggregator, results: loaded.form, over: world)
    // Masks are drawn from the exact numbers.
    let exact = calibration?.masks.flatMap { _ in writer.results.missing(hasMasks: true) }
    let sums = PredictionSums()
    sums.objects = calibration?.measurements.map {
      ObjectCollector(
        MeasuredQuantity.all(
          $0.measurements, classes: members[0].classes, volume: volume, sizes: voxelSize),
        members: members.count,
        classes: ensemble.channels, regions: regions)
    }
    sums.shift = calibration?.shift.map { _ in ShiftCollector(ensemble, regions: regions.count) }
    let scaling = try members[0].scaling.completed(for: regions.map(\.image), of: source, over: world)
    let identity = try writer.identity(
      of: work, images: try source.contentHash(of: regions, over: world), scaling: scaling,
      settings: source.validity.map { "measured by \($0)" } ?? "")
    try writer.write(
      work, scaledBy: scaling, to: paths, exact: exact, identity: identity, sums: sums, stop: stop,
      begin: { _, there in
        if there > 0 { log.note(PredictionWriter.remark(there: there, of: work.count)) }
      },
      eachMember: { region, member, tile, answer, _ in sums.objects?.add(answer, of: member, region, tile.core) })
    var table = try sums.objects?.joined(over: world).map {
      MeasurementTable($0, numbers: regions.map(\.image), groups: nil, calibration?.measurements)
    }
    table?.voxelSize = Array(voxelSize.suffix(source.layout.hasDepth ? 3 : 2))
    let features = try sums.shift?.features(over: world)
    let test = features.flatMap { features in calibration?.shift.map { ShiftTest(features, $0) } }
    try world.onRoot {
      let file = try File(opening: paths.unfinished, mode: .readWrite)
      try ResultsFile.describe(
        file,
        ResultsFile.Header(
          job: members[0].fingerprint, name: source.location.name, form: writer.form, classForm: writer.classForm,
          classes: members[0].classes, tiling: work.identity, averagesFlips: ensemble.averagesFlips,
          indices: source.layout.isOneImage ? regions.flatMap { Array($0.z) } : regions.map(\.image),
          extents: regions.extents(in: source.layout), voxelSize: voxelSize, members: members.map(\.answerHash),
          statistics: loaded.statistics, results: writer.results))
      if let calibration {
        try CalibrationFile.write(calibration, to: try file.group("entry").createGroup("calibration"))
      }
      try table?.write(to: try file.group("entry"))
      try test?.write(to: try file.group("entry"))
      let provenance = try Provenance.create(in: try file.group("entry"), threads: team.size, over: world)
      try provenance.write(Provenance.path(model), to: "model")
      let named = ArrayLocation(images)
      try provenance.write(Provenance.path(named.file) + images.dropFirst(named.file.count), to: "images")
      if let valid { try provenance.write(valid, to: "valid") }
      if let chosen = chosenChannels(for: members[0].settings) {
        try provenance.write(chosen.map(\.text), to: "channels")
      }
      if let masks = calibration?.masks {
        let spacing = VoxelSpacing(voxelSize, hasDepth: source.layout.hasDepth)
        let remarks = try WrittenMasks.write(
          masks, to: try file.group("entry"), exact: try exact.map { _ in try File(opening: paths.exact) },
          spacing: spacing, isOneImage: source.layout.isOneImage)
        for line in remarks { log.note(line) }
      }
      try file.close()
      // That of an earlier prediction of this name.
      try RunPaths.remove(paths.xdmf)
      try paths.publish()
    }
    return (table, world.rank == 0 ? test : nil)
  }
}
