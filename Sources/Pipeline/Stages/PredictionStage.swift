import Engine
import Ensembles
import Foundation
import HDF5
import Host
import Imaging
import JobFiles
import MessagePassing
import Training
import Uncertainty

/// Predicts the test images with all members and writes mean, spread and prediction sets or intervals.
struct PredictionStage: Stage {
  let run: Run
  private let opened: OpenedJob
  private let workers: Workers
  private let expected: ExpectedFiles
  private let contents: (calibration: PartContent, test: PartContent)
  private var settings: EnsembleSettings { opened.settings }
  private var truth: LearningData { opened.truth }
  private var team: ThreadTeam { workers.team }

  /// Opens the data, sees what members and calibration are to be made from, and starts threads.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  init(_ run: Run) throws {
    self.run = run
    opened = try run.opened()
    workers = try run.workers()
    expected = try run.expectedFiles()
    contents = (try run.content(of: .calibrate), try run.content(of: .test))
  }

  /// Writes the prediction to `paths.unfinished`, and to `paths.exact` what evaluation needs and it does not hold exactly.
  ///
  /// - Returns: `paths.exact`; nil when evaluation needs nothing of it.
  ///
  /// - Throws: `RunError.noCalibration`, `.noMembers`, `.otherMember`, `.otherJob`, `MemberFileError`, `RemoteFailure`.
  func predict() throws -> String? {
    try world.agree {
      guard RunPaths.exists(paths.calibration) else { throw RunError.noCalibration(paths.calibration) }
    }
    let candidates = try members(expected)
    let calibration = try calibration(of: candidates)
    let combination = calibration.combination
    let used = candidates.filter { combination.members.isEmpty || combination.members.contains($0.index) }
    let ensemble = try predictor(used, team: team)
    ensemble.combination = combination.form
    let work = try world.agree {
      try TileWork(truth.split.test, of: job, settings, graphs: ensemble.members.map(\.graph))
    }
    let writer = PredictionWriter(
      ensemble, calibration: calibration, images: truth.images, latents: job.prediction.latent,
      statistics: job.prediction.statistics,
      aggregator: try aggregator(), results: job.results, over: world)
    let exact = writer.results.missing(hasMasks: calibration.masks != nil)
    let sums = PredictionSums()
    sums.figures = ([writer.form] + (writer.classForm.map { [$0] } ?? [])).map { MemberFigures(ensemble, form: $0) }
    sums.objects = MeasuredQuantity.all(of: job, truth).map {
      ObjectCollector(
        $0, members: ensemble.members.count, classes: ensemble.channels,
        regions: truth.split.test)
    }
    sums.shift = calibration.shift.map { _ in ShiftCollector(ensemble, regions: truth.split.test.count) }
    let scaling = try run.scaling(ensemble.members[0].scaling, of: .test)
    var hash = ContentHash()
    hash.add(contents.test.images)
    hash.add(contents.test.targets)
    let identity = try writer.identity(of: work, images: hash.value, scaling: scaling, settings: job.canonicalText)
    var known = TileTruth()
    var progress = TileProgress(run, .prediction, work)
    try writer.write(
      work, scaledBy: scaling, to: paths, exact: exact, identity: identity, sums: sums, stop: run.stop,
      begin: { own, there in
        progress.count = own
        if there > 0 { log.note(PredictionWriter.remark(there: there, of: work.count)) }
      },
      eachMember: { region, member, tile, answer, classes in
        if member == 0 {
          progress.next()
          try known.read(tile.core, of: region, truth, for: .test)
          sums.objects?.addTruth(known.labels, region, tile.core)
        }
        try sums.figures[0].add(answer, of: member, known)
        sums.objects?.add(answer, of: member, region, tile.core)
        if sums.figures.count > 1 { try sums.figures[1].add(classes, of: member, known) }
      })
    for index in sums.figures.indices { try sums.figures[index].reduce(over: world) }
    let features = try sums.shift?.features(over: world)
    let measured = try sums.objects?.joined(over: world)
    let exactPath = exact.map { _ in paths.exact }
    try world.onRoot {
      try complete(calibration, writer, work, sums.figures, measured, features, exact: exactPath)
    }
    return exactPath
  }

  /// The calibration of these members.
  private func calibration(of members: [TrainedMember]) throws -> Calibration {
    try world.agree {
      let reason = try expected.obstacle(
        calibration: paths.calibration, members: members, content: contents.calibration,
        try TileWork(truth.split.calibrate, of: job, settings, graphs: members.map(\.graph)))
      if let reason { throw RunError.otherJob(paths.calibration, reason: reason) }
      return try CalibrationFile.read(paths.calibration)
    }
  }

  /// The network that combines the members' answers; nil when the job has none.
  private func aggregator() throws -> Aggregator? {
    guard job.ensemble.aggregate != nil else { return nil }
    return try world.agree {
      guard RunPaths.exists(paths.aggregate) else { throw RunError.noMembers(folder: paths.members) }
      return try Aggregator(try expected.member(0, paths.aggregate), team: team)
    }
  }

  /// Adds to the written prediction what else belongs in the file. Rank 0 alone.
  private func complete(
    _ calibration: Calibration, _ writer: PredictionWriter, _ work: TileWork, _ figures: [MemberFigures],
    _ measured: MeasuredImages?, _ features: [ImageFeatures]?, exact: String?
  ) throws {
    let members = writer.ensemble.members
    let file = try File(opening: paths.unfinished, mode: .readWrite)
    let regions = truth.split.test
    try ResultsFile.describe(
      file,
      ResultsFile.Header(
        job: expected.origin.fingerprint, name: job.name, form: writer.form, classForm: writer.classForm,
        classes: job.data.classes, tiling: work.identity, averagesFlips: writer.ensemble.averagesFlips,
        indices: job.layout.isOneImage ? regions.flatMap { Array($0.z) } : regions.map(\.image),
        extents: regions.extents(in: job.layout), voxelSize: job.voxelSize ?? truth.images.voxelSize,
        members: members.map(\.answerHash), statistics: job.prediction.statistics, results: writer.results))
    let entry = try file.group("entry")
    try entry.setAttribute("data", [contents.test.images, contents.test.targets])
    let group = try entry.createGroup("calibration")
    try group.setAttribute("NX_class", "NXprocess")
    try CalibrationFile.write(calibration, to: group)
    try CalibrationFile.sample(paths.calibration)?.write(to: group)
    try group.setAttribute(
      "tiling", try TileWork(truth.split.calibrate, of: job, settings, graphs: members.map(\.graph)).identity)
    let memberGroup = try entry.createGroup("members")
    try memberGroup.setAttribute("NX_class", "NXcollection")
    try memberGroup.setAttribute("folder", paths.members.split(separator: "/").last.map(String.init) ?? paths.members)
    try memberGroup.setAttribute("settings", job.canonicalText)
    try memberGroup.write(members.map { Int32($0.index) }, to: "member")
    try memberGroup.write(members.map(\.answerHash), to: "fingerprint")
    try memberGroup.write(members.map { Int64($0.parameters.count) }, to: "parameters")
    let weights = calibration.combination.form.weights
    if !weights.isEmpty {
      try memberGroup.write(weights.flatMap { $0 }, shape: [weights.count, members.count], to: "weight")
        .setAttribute("long_name", "weight of each member in mean and spread, of all or by class or channel")
    }
    if RunPaths.exists(paths.verdicts) {
      let verdicts = try MemberVerdicts(paths.verdicts)
      try memberGroup.write(verdicts.reasons.map { $0 ?? "" }, to: "weak")
        .setAttribute("long_name", "of every member of the job why it did not learn; empty when it did")
      try memberGroup.setAttribute("weak_members", (job.ensemble.weakMembers ?? .warn).rawValue)
    }
    try memberGroup.write(members.map { $0.history.last?.loss ?? .nan }, to: "final_loss")
    for figures in figures { try figures.write(to: memberGroup) }
    let groups = truth.groups?.numbers(of: regions, layout: truth.layout)
    if let features, let reference = calibration.shift {
      let test = ShiftTest(features, groups: groups, reference)
      try test.write(to: entry)
      if test.isAlarm { for line in test.lines { log.note(line) } }
    }
    if let measured {
      var table = MeasurementTable(
        measured, numbers: job.layout.isOneImage ? Array(regions.indices) : regions.map(\.image), groups: groups,
        calibration.measurements)
      table.voxelSize = Array((job.voxelSize ?? truth.images.voxelSize).suffix(job.layout.hasDepth ? 3 : 2))
      try table.write(to: entry)
    }
    if let masks = calibration.masks {
      let spacing = VoxelSpacing(job.voxelSize ?? truth.images.voxelSize, hasDepth: job.layout.hasDepth)
      let exact = try exact.map { try File(opening: $0) }
      let remarks = try WrittenMasks.write(
        masks, to: entry, exact: exact, spacing: spacing, isOneImage: job.layout.isOneImage)
      try exact?.close()
      for line in remarks { log.note(line) }
    }
    try writeProvenance(entry)
    try file.close()
  }

  /// The job file, versions and host facts: all that may differ between equal runs, and is in no other group.
  private func writeProvenance(_ entry: Group) throws {
    let group = try Provenance.create(in: entry, threads: team.size, over: world)
    try group.write(run.text, to: "job_file")
    try group.write(Provenance.path(run.file), to: "job_path")
    try group.write(Int64(job.training.seed), to: "seed")
    try group.write(workers.processors, to: "processors")
    guard let trained = run.trained else { return }
    try group.write(trained.shardsOfRank.map { Int64($0) }, to: "shards_of_rank")
    try group.write(trained.members.map { Int32($0.member) }, to: "trained_member")
    try group.write(trained.members.map { Int32($0.rank) }, to: "trained_on_rank")
    try group.write(trained.members.map(\.start), to: "training_started")
      .setAttribute("long_name", "seconds from the beginning of the training of all to that of each member")
    try group.write(trained.members.map(\.seconds), to: "training_seconds")
    let use = trained.time
    let phases = Timeline.Phase.allCases
    try group.write(use.phases.flatMap { $0 }, shape: [world.size, phases.count], to: "time_use")
    try group.dataset("time_use").setAttribute("long_name", "seconds by rank and phase of the training")
    try group.dataset("time_use").setAttribute("phases", phases.map(\.name))
    try group.write(use.elapsed, to: "training_elapsed")
    try group.write(use.efficiency, to: "parallel_efficiency")
  }
}
