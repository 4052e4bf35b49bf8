import Engine
import Ensembles
import Foundation
import Host
import Imaging
import JobFiles
import MessagePassing
import Networks
import Training

/// A job at work on all ranks: its data, its threads, and the stages that follow one another.
///
/// Every stage begins from the files of the one before, so that a run can stop anywhere and go on. All methods are collective.
public final class Run {
  public struct Options: Sendable {
    /// Replace results that exist.
    public var overwrite = false
    /// Threads of this rank; nil: its share of the node's cores.
    public var threads: Int?
    /// The silence after which a rank that trains is reported as missing.
    public var stallLimit = Duration.seconds(300)
    /// Phases of the training that each rank keeps for a trace.
    public var traceEvents = 0
    public init() {}
  }

  public let job: Job
  /// The job file's text, for the results to carry.
  public let text: String
  public let world: Communicator
  public let options: Options
  public let paths: RunPaths
  public let data: LearningData
  /// What the ensemble is calibrated and evaluated with: the same, or the targets of a self-supervised task, which learns without.
  public let truth: LearningData
  /// What the training voxels say of intensities, and how many voxels each class has.
  public let inspection: DataInspection
  public let settings: EnsembleSettings
  /// Of all that decides the members, data included.
  public let fingerprint: UInt64
  public let team: ThreadTeam
  let log: Log
  /// Whether each rank that trains a member with others keeps a part of the optimizer's state.
  private(set) var dividesOptimizerState = false
  /// Whether some ranks take turns on cores, so that what each takes for a step says little.
  let sharesCores: Bool
  /// The different kinds of processors that the ranks run on.
  let processors: [String]
  /// For each rank the shards that it computed in training.
  var shardsOfRank: [Int] = []
  /// What became of the members that this run trained.
  var reports: [MemberSchedule.Report] = []
  /// Where the time of the training went; nil when this run trained nothing.
  public internal(set) var timeOfTraining: TimeUse?

  /// Reads the data's shapes and statistics and checks them.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  public init(_ file: JobFile, over world: Communicator, options: Options = Options(), log: Log) throws {
    job = file.job
    text = file.text
    self.world = world
    self.options = options
    self.log = log
    let job = file.job
    guard try world.allAgree(on: job.fingerprint) else { throw RunError.differentJobs }
    guard try world.allAgree(on: Program.hash()) else { throw RunError.differentPrograms }
    paths = RunPaths(results: job.outputFile)
    let data = try world.agree { try LearningData(job) }
    self.data = data
    let truth = try world.agree {
      guard let reference = try LearningData(referenceOf: job) else { return data }
      guard reference.targetChannels == data.targetChannels else {
        throw RunError.referenceChannels(
          reference.targetLocation.description, channels: reference.targetChannels, expected: data.targetChannels)
      }
      return reference
    }
    self.truth = truth
    let inspected = try world.fromRoot {
      if truth !== data { _ = try truth.inspect(scalingTargets: .none) }
      return Array(
        try JSONEncoder().encode(DataInspection(try data.inspect(scalingTargets: job.data.targetScaling ?? .standard))))
    }
    let inspection = try world.agree { try JSONDecoder().decode(DataInspection.self, from: Data(inspected)) }
    self.inspection = inspection
    fingerprint = RandomStream.key(of: "\(job.trainingFingerprint) \(inspection.text)")
    settings = try world.agree {
      let settings = try EnsembleSettings(job, data: data, inspection: inspection)
      // A patch that does not fit is told before anything is written.
      _ = try TrainingUnits(
        data, patch: settings.patchExtents, overlap: settings.overlap, planes: settings.planes)
      try settings.loss.loss.check(
        target: data.content.kind(for: settings.task), channels: settings.outputChannels)
      return settings
    }
    let facts = HostFacts.detect()
    let processor = "\(facts.processorName), \(HostFacts.kernels) kernels, BLAS for \(BLAS.kernelName)"
    processors = Set(try world.allGather(processor)).sorted()
    if world.rank == 0, processors.count > 1 {
      log.note(
        "the ranks run on unequal processors (\(processors.joined(separator: "; "))): bits may differ from those of one "
          + "kind, and between runs whose ranks lie otherwise.")
    }
    let node = try world.splitNodeLocal()
    let overlapping = try Self.overlappingRanks(facts.cores, on: node)
    let threads = options.threads ?? ThreadTeam.defaultSize(for: facts, ranksOnNodeWithOverlappingMask: overlapping)
    team = try world.agree { try ThreadTeam(size: threads) }
    let wanted = node.size * team.size
    sharesCores = try world.allReduce(wanted > facts.allowedCores.count ? 1 : 0, .maximum) == 1
    dividesOptimizerState = try checkMemory(facts, ranksOnNode: node.size)
    if world.rank == 0, options.threads == nil, facts.openMPThreads == nil,
      facts.cores.count < facts.allowedCores.count,
      node.size * facts.cores.count < facts.allowedCores.count
    {
      log.note(
        "\(facts.allowedCores.count) cores are allowed but the ranks are bound to \(node.size * facts.cores.count); "
          + "start with ‘mpirun --bind-to none’ or ‘--map-by slot:PE=n’, or ‘tutti run --ranks N’, to use them all.")
    }
  }

  /// How many ranks of a node may run on a core of this one's mask, itself counted.
  private static func overlappingRanks(_ cores: [Int], on node: Communicator) throws -> Int {
    let overlapping = try node.allGather(cores).count { HostFacts.overlap(cores, $0) }
    return max(1, overlapping)
  }

  // MARK: Stages

  /// All stages: what is done already is not done again.
  ///
  /// - Returns: how the ensemble and its sets fare on the test images.
  public func all() throws -> Evaluation {
    try prepareOutput()
    try train()
    try calibrate()
    try predict(publish: false)
    let evaluation = try evaluate(paths.unfinished)
    try onRoot { try self.publish() }
    return evaluation
  }

  /// Sees that the results can be written, before any work.
  public func prepareOutput() throws {
    try checkRanks()
    try refuseExistingOutput()
    try onRoot {
      try RunPaths.makeFolder(RunPaths.folder(of: self.paths.results))
      try RunPaths.makeFolder(self.paths.members)
    }
  }

  /// The ranks that are to train one member; nil: as many as there are for each.
  var ranksPerMember: Int? {
    if case .count(let count) = job.ensemble.ranksPerMember { count } else { nil }
  }

  /// Throws when a member is to be trained by more ranks than there are.
  func checkRanks() throws {
    if let wanted = ranksPerMember, wanted > world.size {
      throw RunError.tooFewRanks(world.size, ranksPerMember: wanted)
    }
  }

  /// Throws when there are results that may not be replaced.
  public func refuseExistingOutput() throws {
    try onRoot {
      guard self.options.overwrite || !RunPaths.exists(self.paths.results) else {
        throw RunError.outputExists(self.paths.results)
      }
    }
  }

  func publish() throws {
    try WholeFile.publish(paths.unfinished, as: paths.results)
  }

  /// Does something on rank 0; all ranks throw when it fails.
  func onRoot(_ body: () throws -> Void) throws {
    _ = try world.fromRoot {
      try body()
      return []
    }
  }
}

/// What reading all of the data told, as rank 0 tells it to the others.
public struct DataInspection: Codable, Hashable, Sendable {
  public let scaling: IntensityScaling
  /// Of target images; nil for classes.
  public let targetScaling: IntensityScaling?
  /// For each part of the split, the voxels (or images) of each class, or those whose target is known.
  public let voxels: [String: [Int]]

  init(_ inspection: Inspection) {
    scaling = inspection.scaling
    targetScaling = inspection.targetScaling
    voxels = Dictionary(uniqueKeysWithValues: inspection.voxels.map { ($0.key.rawValue, $0.value) })
  }

  /// The same for the same data.
  var text: String {
    let target = targetScaling.map { " \($0.mean) \($0.standardDeviation)" } ?? ""
    return "\(scaling.mean) \(scaling.standardDeviation) \(voxels.sorted { $0.key < $1.key })" + target
  }
}

/// Where a run's messages go: lines for the user, and the progress of training.
public struct Log {
  public var note: (String) -> Void
  /// A member's epoch ended; called on rank 0.
  public var progress: (MemberQueue.Progress) -> Void

  public init(note: @escaping (String) -> Void, progress: @escaping (MemberQueue.Progress) -> Void) {
    self.note = note
    self.progress = progress
  }

  public static var silent: Log { Log(note: { _ in }, progress: { _ in }) }
}
