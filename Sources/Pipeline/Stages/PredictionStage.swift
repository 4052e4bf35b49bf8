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
  private let known: InspectedJob
  private let workers: Workers
  private var settings: EnsembleSettings { known.settings }
  private var truth: LearningData { known.truth }
  private var fingerprint: UInt64 { known.fingerprint }
  private var team: ThreadTeam { workers.team }

  /// Inspects the data and starts threads.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  init(_ run: Run) throws {
    self.run = run
    known = try run.inspected()
    workers = try run.workers()
  }

  /// Writes the prediction to `paths.unfinished`.
  ///
  /// - Throws: `RunError.noCalibration`, `.noMembers`, `.otherJob`, `MemberFileError`, `RemoteFailure`.
  func predict() throws {
    let calibration = try calibration()
    let ensemble = try EnsemblePredictor(
      members(settings.members, fingerprint: fingerprint), team: team)
    let work = try world.agree {
      try TileWork(truth.split.test, of: job, settings, graphs: ensemble.members.map(\.graph))
    }
    let writer = PredictionWriter(
      ensemble, calibration: calibration, volume: job.data.volume, latents: job.prediction.latent,
      aggregator: try aggregator(),
      over: world)
    var figures = MemberFigures(ensemble, form: writer.form)
    var classFigures = writer.classForm.map { MemberFigures(ensemble, form: $0) }
    try writer.write(work, to: paths.unfinished) { region, predict in
      let known = try truth.loadTruth(region, for: .test, scaling: known.inspection.scaling)
      try predict(EnsemblePredictor.reader(of: known)) { member, tile, answer, classes in
        try figures.add(answer, of: member, tile: tile, known)
        try classFigures?.add(classes, of: member, tile: tile, known)
      }
    }
    try figures.reduce(over: world)
    try classFigures?.reduce(over: world)
    try run.onRoot { try complete(calibration, writer, [figures] + (classFigures.map { [$0] } ?? [])) }
  }

  /// The calibration of this job.
  private func calibration() throws -> Calibration {
    try world.agree {
      guard RunPaths.exists(paths.calibration) else { throw RunError.noCalibration(paths.calibration) }
      guard
        let found = try CalibrationFile.read(paths.calibration, job: fingerprint, key: CalibrationStage.key(job))
      else { throw RunError.otherJob(paths.calibration) }
      return found
    }
  }

  /// The network that combines the members' answers; nil when the job has none.
  private func aggregator() throws -> Aggregator? {
    guard job.ensemble.aggregate != nil else { return nil }
    return try world.agree {
      guard RunPaths.exists(paths.aggregate) else { throw RunError.noMembers(folder: paths.members) }
      return try Aggregator(try MemberFile.read(paths.aggregate, job: fingerprint), team: team)
    }
  }

  /// Adds to the written prediction what else belongs in the file. Rank 0 alone.
  private func complete(
    _ calibration: Calibration, _ writer: PredictionWriter, _ figures: [MemberFigures]
  ) throws {
    let members = writer.ensemble.members
    let file = try File(opening: paths.unfinished, mode: .readWrite)
    let regions = truth.split.test
    try ResultsFile.describe(
      file,
      ResultsFile.Header(
        job: fingerprint, name: job.name, form: writer.form, classForm: writer.classForm, classes: job.data.classes,
        indices: job.data.volume ? regions.flatMap { Array($0.z) } : regions.map(\.image)))
    let entry = try file.group("entry")
    let group = try entry.createGroup("calibration")
    try group.setAttribute("NX_class", "NXprocess")
    try CalibrationFile.write(calibration, to: group)
    let memberGroup = try entry.createGroup("members")
    try memberGroup.setAttribute("NX_class", "NXcollection")
    try memberGroup.setAttribute("folder", paths.members.split(separator: "/").last.map(String.init) ?? paths.members)
    try memberGroup.write(members.map { Int32($0.index) }, to: "member")
    try memberGroup.write(members.map { Int64($0.parameters.count) }, to: "parameters")
    try memberGroup.write(members.map { $0.history.last?.loss ?? .nan }, to: "final_loss")
    for figures in figures { try figures.write(to: memberGroup) }
    try writeProvenance(entry)
    try file.close()
  }

  /// The job file, versions and host facts: whatever may differ between equal runs stands here and nowhere else.
  private func writeProvenance(_ entry: Group) throws {
    let group = try entry.createGroup("provenance")
    try group.setAttribute("NX_class", "NXprocess")
    try group.write("tutti", to: "program")
    try group.write(run.text, to: "job_file")
    try group.write(Int64(job.training.seed), to: "seed")
    try group.write(Int64(Plan.numericsVersion), to: "numerics")
    try group.write(ISO8601DateFormatter().string(from: Date()), to: "date")
    try group.write(Int64(world.size), to: "ranks")
    try group.write(Int64(team.size), to: "threads")
    try group.write(try MPI.processorName(), to: "host")
    try group.write(MPI.libraryVersion(), to: "mpi")
    try group.write(HostFacts.detect().processorName, to: "processor")
    try group.write(BLAS.kernelName, to: "blas")
    try group.write(workers.processors, to: "processors")
    guard let trained = run.trained else { return }
    try group.write(trained.shardsOfRank.map { Int64($0) }, to: "shards_of_rank")
    try group.write(trained.members.map { Int32($0.member) }, to: "trained_member")
    try group.write(trained.members.map { Int32($0.rank) }, to: "trained_on_rank")
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
