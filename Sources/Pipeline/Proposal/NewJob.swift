import Ensembles
import Foundation
import Host
import ImageFiles
import Imaging
import JobFiles
import MessagePassing

/// Writes a job file for data, with settings that are chosen from the data, this machine and a time.
public struct NewJob: Sendable {
  /// The images, as a user names them.
  public var images: String
  /// The labels; nil: those of the same file that are named so, if any.
  public var labels: String?
  /// Target images; nil: those of the same file that are named so, if any.
  public var targets: String?
  /// What is learnt; nil: as labels or targets say.
  public var task: EnsembleTask?
  /// How the images are read; nil: as their axes say, and how alike neighbours are.
  public var layout: ImageLayout?
  /// A letter for each axis; nil: as the file says.
  public var axes: String?
  /// The label of pixels that nobody labelled.
  public var ignore: Int?
  /// The job file.
  public var output: String
  /// Minutes that the whole job may take.
  public var minutes = 10.0
  /// Threads of the run; nil: all.
  public var threads: Int?
  /// What the run may take of memory, and the job says; nil: what there is.
  public var memory: ByteCount?
  /// How long the stages of a job take: by trials, in the time of this process, since what others take at the moment shall
  /// not decide what the job is.
  var times: @Sendable (Run) throws -> StageTimes = { try $0.stageTimes(ranks: 1, clock: .processor) }
  /// The memory of this node; nil: what the host tells.
  var nodeMemory: HostFacts.Memory?
  /// What a run has in memory before it opens data: what this process has before it looks at any, and what reading a job file
  /// takes, with what differs from process to process (13 MB were measured).
  private let programBytes = HostFacts.residentBytes.map { $0 + (16 << 20) }

  /// A job for these images.
  public init(images: String, output: String) { (self.images, self.output) = (images, output) }

  /// Looks at the data, tries networks, and writes the job file. Alone, not beside other ranks.
  ///
  /// - Returns: what was chosen, for people.
  /// - Throws: `ProposalError`, `ImageFileError`, `HDF5Error`, and as a run of the job that is refused.
  public func write(overwriting: Bool, over world: Communicator, log: Log) throws -> String {
    guard overwriting || !RunPaths.exists(output) else { throw ProposalError.exists(output) }
    // Files of a folder are opened once, however often it is looked at.
    let proposal = try FileCatalog().used { try self.proposal(over: world, log: log) }
    let text = proposal.text(file: output)
    do {
      try RunPaths.makeFolder(folder)
      try WholeFile.write(output) { try text.write(toFile: $0, atomically: false, encoding: .utf8) }
    } catch {
      throw ProposalError.file(output, reason: error.localizedDescription)
    }
    return text
  }

  private var folder: String { RunPaths.folder(of: output) }

  /// What suits the data and the time.
  func proposal(over world: Communicator, log: Log) throws -> JobProposal {
    var survey = try DataSurvey(request)
    let range = try FoundArrays(ArrayLocation(survey.images.text)).summary().range
    // Paths of a job are relative to its file.
    survey.images.text = fromJob(survey.images.text)
    for place in [\DataSurvey.answer, \.split, \.groups] {
      guard var source = survey[keyPath: place] else { continue }
      source.text = fromJob(source.text)
      survey[keyPath: place] = source
    }
    let name = Self.stem(output)
    var proposal = JobProposal(survey, name: name, output: "results/\(name).h5", minutes: minutes)
    proposal.memory = memory
    if let range {
      proposal.intensities = "values \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
    }
    let networks = JobProposal.networks(survey)
    for (index, network) in networks.enumerated() {
      proposal.choose(network)
      let isLast = index == networks.count - 1
      let isDone = try fit(&proposal, isLast: isLast, over: world, log: log)
      if isDone { break }
    }
    return proposal
  }

  /// Chooses batch and epochs for a network by trying it.
  ///
  /// - Returns: false when it needs more memory or time than there is, and there are others.
  private func fit(
    _ proposal: inout JobProposal, isLast: Bool, over world: Communicator, log: Log
  ) throws -> Bool {
    while true {
      let run = try opened(proposal, over: world, log: log)
      let (opened, workers) = (try run.opened(), try run.workers())
      proposal.calibrationUnits = Self.units(opened.truth)
      let work = try JobWork(opened, run.job)
      // As a run tries them: images that do not fit in memory wait in a file.
      let budget = try run.trainingPlan(opened, ranks: 1, threads: workers.team.size, ranksOnNode: 1).budget
      if run.obstacle(budget, ranksOnNode: 1) != nil {
        guard proposal.batch > 1 else {
          guard isLast else { return false }
          throw MemoryBudgetFailure(budget: budget)
        }
        proposal.batch /= 2
        continue
      }
      // A run refuses a job whose prediction does not fit before it trains.
      for part in [MemberCheck.part(of: opened.truth), .calibrate, .test] {
        let budget = try run.predictionBudget(opened, of: part, ranks: 1, threads: workers.team.size)
        guard run.obstacle(budget, ranksOnNode: 1) != nil else { continue }
        guard isLast else { return false }
        throw MemoryBudgetFailure(budget: budget)
      }
      let patches = try opened.units().units.reduce(0) { $0 + $1.count }
      let steps = max(1, (patches + proposal.batch - 1) / proposal.batch)
      let share = Double(steps) / Double(proposal.network.leastSteps)
      // A network that 80 GFLOP/s a thread could not train in time is not tried.
      let hopeless = work.training / share > 60 * minutes * 8e10 * Double(workers.team.size)
      if hopeless, !isLast { return false }
      let times = try self.times(run)
      let rest = times.total - times.training
      let room = max(0.2 * 60 * minutes, 0.85 * 60 * minutes - rest)
      let epochs = room / max(times.training, 1e-6)
      guard isLast || epochs * Double(steps) >= Double(proposal.network.leastSteps) else { return false }
      // More steps than these add little.
      let most = Double(8 * proposal.network.leastSteps) / Double(steps)
      proposal.epochs = JobProposal.coarse(min(epochs, max(most, 10)))
      let minutes = StageTimes.text(Double(proposal.epochs) * times.training + rest)
      let threads = "\(workers.team.size) \(workers.team.size == 1 ? "thread" : "threads")"
      proposal.epochsReason =
        "\(steps) \(steps == 1 ? "step" : "steps") each; all takes about \(minutes) on \(threads) here that nobody else uses "
        + "(\(Self.short((times.speed / 1e9).rounded())) GFLOP/s)"
      return true
    }
  }

  /// The job of a proposal, opened.
  private func opened(_ proposal: JobProposal, over world: Communicator, log: Log) throws -> Run {
    let path = URL(fileURLWithPath: folder).standardizedFileURL.path
    let file = try JobFile(text: proposal.text(file: output), path: output, folder: path)
    var options = Run.Options()
    options.threads = threads
    options.memory = nodeMemory
    options.programBytes = programBytes
    return try Run(file, over: world, options: options, log: log)
  }

  private var request: DataSurvey.Request {
    DataSurvey.Request(
      images: images, labels: labels, targets: targets, task: task, layout: layout, axes: axes, ignore: ignore)
  }

  /// How many images, or groups, calibrate; nil where pixels are divided or there is one image.
  private static func units(_ data: LearningData) -> Int? {
    if data.split.pixels != nil { return nil }
    if let groups = data.groups {
      return Set(groups.numbers(of: data.split.calibrate, layout: data.layout)).count
    }
    return data.layout.isOneImage ? nil : data.split.calibrate.count
  }

  /// A path as the job file names it, which a user named from here.
  private func fromJob(_ text: String) -> String {
    guard folder != ".", !text.hasPrefix("/") else { return text }
    let here = URL(fileURLWithPath: ".").standardizedFileURL.path
    return URL(fileURLWithPath: folder).standardizedFileURL.path == here ? text : here + "/" + text
  }

  private static func stem(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return name.split(separator: ".").first.map(String.init) ?? name
  }

  private static func short(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e7 ? String(Int(value)) : String(format: "%.3g", value)
  }
}

/// The smallest network does not fit in memory.
struct MemoryBudgetFailure: Error, CustomStringConvertible {
  let budget: MemoryBudget
  var description: String {
    let parts = budget.items.sorted { $0.bytes > $1.bytes }.map { "\($0.name) \(Doctor.size($0.bytes))" }
    return
      "the smallest network would need \(Doctor.size(budget.bytes)) beside the program itself (\(parts.joined(separator: ", "))), "
      + "which is not free; name a part of the images, as in images.h5:/images[0:100], give more by --memory, or use a larger "
      + "machine."
  }
}
