import Ensembles
import Foundation
import HDF5
import Host
import ImageFiles
import Imaging
import JobFiles
import MessagePassing

/// A job at work on all ranks: the stages that follow one another, from training to evaluation.
///
/// A stage begins from the files of the one before, so that a run can stop anywhere and go on. A job is opened in
/// steps: shapes (`opened`), statistics of the data (`inspected`), threads (`workers`). Each is taken when a stage
/// first needs it, by all ranks together. All methods are collective.
public final class Run {
  /// What a user says beside the job file.
  public struct Options: Sendable {
    /// Replace results that exist.
    public var overwrite = false
    /// Members that are trained anew, from other initial weights.
    public var retrained: Set<Int> = []
    /// Threads of this rank; nil: its share of the node's cores.
    public var threads: Int?
    /// The silence after which a rank that trains is reported as missing.
    public var stallLimit = Duration.seconds(300)
    /// The silence after which a rank is taken for lost, and the run ends; nil: never.
    public var lossLimit: Duration? = .seconds(1800)
    /// The members to train, where other runs train the others; nil: all.
    public var members: ClosedRange<Int>?
    /// Where a trace of the training goes; nil: none is kept.
    public var trace: String?
    /// Refuse to go on with members or checkpoints of another kind of processor.
    public var sameBits = false
    /// Remove what an earlier run of the job left, and begin anew.
    public var restartsFromScratch = false
    /// The memory of this node; nil: what the host tells.
    public var memory: HostFacts.Memory?
    /// What this rank may take of memory; nil: what the job says.
    public var allowedMemory: ByteCount?
    /// What this process takes of memory by itself; nil: what it has when the run is made.
    var programBytes: Int?
    /// The options of a command without flags.
    public init() {}
  }

  /// The job as read and checked.
  public let job: Job
  /// The job file's text, for the results to carry.
  let text: String
  /// Where the job file is.
  let file: String
  /// All ranks.
  public let world: Communicator
  let options: Options
  /// Whether a signal has asked the run to stop.
  let stop: StopRequest
  /// Where the job's files are.
  public let paths: RunPaths
  let log: Log
  /// What this process had in memory before any data was opened.
  let programBytes: Int
  /// How many ranks share this node's memory.
  let ranksOnNode: Int
  private var openedJob: OpenedJob?
  private var inspectedJob: InspectedJob?
  private var startedWorkers: Workers?
  /// Hashes of the parts of the data that were read.
  var contents: [Part: PartContent] = [:]
  /// When each image has a scaling of its own, those of the images that were looked at.
  var imageScalings: [Int: IntensityScaling] = [:]
  /// Held on rank 0 while stages work.
  private var lock: RunLock?
  private var isLocked = false
  /// The stages that follow each other in this run; none: one alone.
  var planned: Set<RunStage> = []
  /// What the training of this run did; nil when it trained nothing.
  var trained: TrainingReport?

  /// Sees that all ranks have the same job and run the same program. Reads no data.
  ///
  /// - Throws: `RunError.differentOnRanks`, `.differentPrograms` or `.noSuchMember`, on all ranks.
  public init(_ file: JobFile, over world: Communicator, options: Options = Options(), log: Log) throws {
    if let other = options.retrained.sorted().first(where: { $0 < 0 || $0 >= file.job.ensemble.members }) {
      throw RunError.noSuchMember(other, of: file.job.ensemble.members)
    }
    job = file.job
    text = file.text
    self.file = file.path
    self.world = world
    self.options = options
    self.log = log
    paths = RunPaths(results: file.job.outputFile)
    programBytes = options.programBytes ?? HostFacts.residentBytes ?? 0
    stop = try StopRequest(over: world)
    ranksOnNode = try world.splitNodeLocal().size
    try requireSame(file.job.sharedText) {
      "the job files differ: " + SettingDifferences.list($0, $1, was: "on rank 0 it is").joined(separator: "; ")
    }
    guard try world.allAgree(on: Program.hash()) else { throw RunError.differentPrograms }
  }

  // MARK: Steps

  /// Opens the data files: shapes and the split, no pixels.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  func opened() throws -> OpenedJob {
    if let openedJob { return openedJob }
    ArrayFile.cacheBytes = cacheBytes
    let opened = try world.opened { try OpenedJob(job) }
    try requireSame(opened.text, OpenedJob.difference)
    openedJob = opened
    let sources = [opened.data.images, opened.data.answers, opened.data.mask, opened.truth.answers].compactMap(\.self)
    var told: Set<ArrayLocation> = []
    for source in sources where told.insert(source.location).inserted {
      for line in ArrayFile.gaps(in: source.location) { log.note(line) }
    }
    return opened
  }

  /// Reads all of the data once, each rank its share, and finds the same on all of them.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  func inspected() throws -> InspectedJob {
    if let inspectedJob { return inspectedJob }
    let opened = try opened()
    let found: Result<Inspection, any Error>
    do {
      let readers = JointReading.ranks(of: world)
      if opened.truth !== opened.data {
        _ = try opened.truth.inspect(scalingTargets: .none, by: readers)
      }
      found = .success(
        try opened.data.inspect(
          scalingTargets: job.data.targetScaling ?? .standard, after: job.data.targetTransform ?? .none, by: readers))
    } catch let error as RemoteFailure {
      throw error
    } catch {
      // What is wrong with the data all ranks find together.
      found = .failure(error)
    }
    let inspected = try world.agree { try InspectedJob(opened, job, found.get()) }
    inspectedJob = inspected
    return inspected
  }

  /// Starts this rank's threads.
  ///
  /// - Throws: `MPIError`, `RemoteFailure`.
  func workers() throws -> Workers {
    if let startedWorkers { return startedWorkers }
    let workers = try Workers(threads: options.threads, over: world, log: log)
    startedWorkers = workers
    return workers
  }

  // MARK: Stages

  /// All stages: what is done already is not done again.
  ///
  /// - Returns: the tables of the ensemble's figures on the test set.
  /// - Throws: as the stages.
  public func all() throws -> String { try all(trainsMissing: true) }

  /// All stages but the training of members: other runs trained them.
  ///
  /// - Returns: as `all`.
  /// - Throws: `RunError.membersMissing`; as the stages.
  public func collect() throws -> String { try all(trainsMissing: false) }

  private func all(trainsMissing: Bool) throws -> String {
    planned = Set(RunStage.allCases)
    _ = try inspected()
    // Ranks that read other data are found before work.
    for part in Part.allCases { _ = try content(of: part) }
    if let renewal = try finishedBefore() { return try locked { try renew(renewal) } }
    try requirePredictionMemory()
    try refuseExistingOutput()
    return try locked(makingFolder: true) {
      try train(missing: trainsMissing)
      try goOn()
      try calibrate()
      try goOn()
      let exact = try PredictionStage(self).predict()
      try goOn()
      let evaluation = try EvaluationStage(self).evaluate(paths.unfinished, exact: exact)
      try publishPrediction()
      try zarr()
      try instances()
      try reportAtEnd()
      return evaluation.table
    }
  }

  /// Trains the members that are not trained yet, each on whichever group of ranks is free.
  ///
  /// - Throws: `RunError.membersFailed` when all others are trained and stored.
  public func train() throws { try train(missing: true) }

  private func train(missing trainsMissing: Bool) throws {
    let stage = try TrainingStage(self)
    try locked(makingFolder: true) {
      try stage.trainMembers(missing: trainsMissing)
      try goOn()
      // Members that other runs train may be missing.
      if options.members == nil { try AggregationStage(stage)?.train() }
    }
  }

  /// Finds the thresholds of the prediction sets or intervals on the calibration images, unless they are known.
  ///
  /// - Throws: `RunError` when there are no members of this job; `RemoteFailure`.
  public func calibrate() throws { try locked { try CalibrationStage(self).calibrate() } }

  /// Predicts the test images with all members and publishes the results file.
  ///
  /// - Throws: `RunError` when there are results that may not be replaced, or no members or calibration of this job.
  public func predict() throws {
    try refuseExistingOutput()
    try locked {
      _ = try PredictionStage(self).predict()
      try publishPrediction()
      try zarr()
      try instances()
    }
  }

  /// Tells the objects in the results apart, when the job asks for it. Collective.
  func instances() throws {
    guard let rule = job.instances else { return }
    var search = InstanceSearch(paths.results, rule: rule, overwrite: true)
    search.isOfJob = true
    for line in try search.run(over: world, until: { try self.stop.check() }) { log.note(line) }
  }

  /// Writes the results as OME-Zarr too, when this is the job's output. Collective.
  ///
  /// - Parameter ifMissing: only when the prediction of the results is not there.
  func zarr(ifMissing: Bool = false) throws {
    guard let path = job.outputZarr else { return }
    let zarr = ResultsZarr(results: paths.results, path: path)
    if ifMissing {
      let isThere = try world.decidedOnRoot {
        if zarr.isForeign { throw RunError.outputExists(path) }
        guard try zarr.isWritten() else { return false }
        // A run that was killed just after it named the folder left the one before.
        try zarr.removeUnfinished()
        return true
      }
      guard !isThere else { return }
    }
    try goOn()
    try zarr.write(over: world)
    if world.rank == 0 { log.note("The results are in \(path) too.") }
  }

  /// Evaluates the results of this job and stores the figures in them.
  ///
  /// - Throws: `RunError` when there are no results of this job; `RemoteFailure`.
  public func evaluate() throws -> Evaluation { try locked { try EvaluationStage(self).evaluate() } }

  // MARK: Helpers

  /// Keeps other runs from these results while `body` works, and sees before that it writes over nothing that is read.
  /// Collective.
  ///
  /// - Parameter makesFolder: make the folder of the results; without it there is nothing to keep others from.
  /// - Throws: `RunError.locked` or `.outputIsInput` on all ranks, and what `body` throws.
  private func locked<T>(makingFolder makesFolder: Bool = false, _ body: () throws -> T) throws -> T {
    guard !isLocked else { return try body() }
    isLocked = true
    defer {
      lock?.release()
      (lock, isLocked) = (nil, false)
    }
    try world.onRoot {
      try self.files.check()
      let folder = RunPaths.folder(of: self.paths.results)
      if makesFolder { try RunPaths.makeFolder(folder) }
      guard RunPaths.exists(folder) else { return }
      let lock = try RunLock(of: self.paths.results, members: self.options.members)
      if self.options.restartsFromScratch { try self.paths.removeStages() }
      if lock.wasLeftBehind {
        self.log.note("An earlier run of this job did not end by itself; this one goes on from it.")
      }
      self.lock = lock
    }
    if RunPaths.exists(RunPaths.folder(of: paths.results)) { log.keep(paths.log) }
    do {
      return try StopSignal.watched(body)
    } catch  where Interruption.isCause(of: error) {
      // All ranks are here: an interruption is agreed on like a failure.
      try stop.settle()
      throw RunError.stopped
    }
  }

  /// Tells how far a stage is.
  func tell(_ stage: RunStage, _ part: Double) {
    if world.rank == 0 { log.stage(stage, part) }
  }

  /// Tells what there is to do before the training.
  func tellPlan(_ opened: OpenedJob, members: Int, trained: Int) {
    guard world.rank == 0, let work = try? JobWork(opened, job) else { return }
    let all: [RunStage: Double] = [
      .training: work.training + work.validation, .calibration: work.calibration, .prediction: work.prediction,
    ]
    log.plan(all.filter { $0.key == .training || planned.contains($0.key) }, members, trained)
  }

  /// Throws on all ranks when one of them knows that the run is to stop. Collective.
  func goOn() throws { try world.agree { try stop.check() } }

  /// What the job reads and writes.
  var files: RunFiles { RunFiles(job, file: file, paths, trace: options.trace) }

  /// The ranks that are to train one member; nil: as many as there are for each.
  var ranksPerMember: Int? {
    if case .count(let count) = job.ensemble.ranksPerMember { count } else { nil }
  }

  /// What is to be said when a member is to be trained by more than all `ranks`; nil otherwise.
  func remark(ofRanks ranks: Int) -> String? {
    guard let wanted = ranksPerMember, wanted > ranks else { return nil }
    return
      "ensemble.ranks-per-member is \(wanted), but there \(ranks == 1 ? "is 1 rank, which trains" : "are \(ranks) ranks, which train") "
      + "each member; results are the same."
  }

  /// Throws when there are results that may not be replaced.
  private func refuseExistingOutput() throws {
    try world.onRoot {
      guard
        self.options.overwrite || self.options.restartsFromScratch || !self.options.retrained.isEmpty
          || !RunPaths.exists(self.paths.results)
      else {
        throw RunError.outputExists(self.paths.results)
      }
      if let path = self.job.outputZarr, !self.options.overwrite,
        ResultsZarr(results: self.paths.results, path: path).isForeign
      {
        throw RunError.outputExists(path)
      }
    }
  }

  /// Publishes a new prediction, after what was made from the one before is removed: what is there belongs to the results.
  /// Collective.
  private func publishPrediction() throws {
    try world.onRoot {
      for path in [self.paths.xdmf, self.paths.report] { try RunPaths.remove(path) }
      // Also those that a job of before, or a command, asked for.
      if self.job.instances != nil || InstanceFigures.isOfObjects(self.paths.instances) {
        try InstanceSearch(self.paths.results, rule: self.job.instances ?? InstanceRule()).remove()
      }
      try self.paths.publish()
    }
  }
}
