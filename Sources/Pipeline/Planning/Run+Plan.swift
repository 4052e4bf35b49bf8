import Engine
import Ensembles
import Foundation
import Host
import Imaging
import JobFiles
import Networks

extension Run {
  /// What a run on `ranks` ranks would do, for people: data, members and their costs, memory, who trains what.
  /// Collective.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what `all()` would refuse before work, but for want of memory,
  ///   which the plan tells.
  public func plan(ranks: Int) throws -> RunPlan {
    try world.onRoot { try self.files.check() }
    let (known, workers) = (try inspected(), try workers())
    let (made, fits) = try world.agree { try self.plan(known, workers, ranks: ranks) }
    var plan = made
    let fitsEverywhere = try world.allReduce(fits ? 1 : 0, .minimum) == 1
    if fitsEverywhere { plan.addTimes(try stageTimes(ranks: ranks), tried: world.size, threads: workers.team.size) }
    plan.addStatus(try status())
    return plan
  }

  /// - Returns: the plan, and whether training fits in memory.
  private func plan(
    _ known: InspectedJob, _ workers: Workers, ranks: Int
  ) throws -> (plan: RunPlan, fits: Bool) {
    let (data, settings, inspection) = (known.data, known.settings, known.inspection)
    let scaling = inspection.scaling
    var lines = ["\(job.name): \(purpose(data))"]
    lines.append(
      "images \(data.images.axes)"
        + (data.answers.map { ", \(job.task.hasClasses ? "labels" : "targets") \($0.axes)" } ?? ""))
    for part in Part.allCases {
      let regions = data.split[part]
      let voxels = inspection.voxels[part] ?? []
      let total = max(1, voxels.reduce(0, +))
      let shares = zip(job.data.classes, voxels).map { "\($0) \(Self.percent(Double($1) / Double(total)))" }
      guard !regions.isEmpty else { continue }
      let unit = data.content.labels == .image ? "images" : "pixels"
      lines.append(
        "\(part.rawValue): \(listed(regions)), \(voxels.reduce(0, +)) known \(unit)"
          + (shares.isEmpty ? "" : ": " + shares.joined(separator: ", ")))
    }
    func list(_ numbers: [Double]) -> String { numbers.map { TextTable.number($0) }.joined(separator: ", ") }
    let transform = scaling.transform == .none ? "" : "\(scaling.transform), then "
    lines.append(
      "intensities: " + transform
        + (scaling.rule.isByImage
          ? "scaled by each image (\(scaling.rule))"
          : "mean \(list(scaling.mean)), standard deviation \(list(scaling.standardDeviation))"))
    if let targets = inspection.targetScaling, job.task == .regression,
      targets.transform != .none || scaling.transform != .none
    {
      lines.append(
        targets.transform == .none
          ? "targets: as they are, not transformed as the images (data.target-transform transforms them, and answers back)"
          : "targets: \(targets.transform), then mean \(list(targets.mean)), standard deviation "
            + "\(list(targets.standardDeviation)); answers are transformed back")
    }
    let units = try known.opened.units()
    let patches = settings.patchesPerEpoch(of: units)
    let steps = (patches + settings.batch - 1) / settings.batch
    lines.append(
      "training: \(units.units.count) units, \(patches) patches of \(job.layout.text(settings.patchExtents)) an epoch, \(steps) steps of "
        + "\(settings.batch) in \(settings.shards) shards, \(settings.epochs) epochs")
    for part in [Part.train, .validate] where !data.split[part].isEmpty {
      let padded = try known.opened.units(part).padded
      guard padded > 0 else { continue }
      lines.append(
        "\(padded) \(padded == 1 ? "image" : "images") of the \(part.words) \(padded == 1 ? "is" : "are") smaller than a "
          + "patch, and padded; the padding is not learnt from")
    }
    lines.append("")
    lines.append("member   parameters   GFLOP a step   ranks at first")
    let members = try (0..<settings.members).map { try settings.member($0) }
    let groups = RankGroups(
      ranks: ranks, members: members.count, ranksPerMember: ranksPerMember.map { min($0, ranks) },
      shards: settings.fullShards)
    let owners = Self.owners(
      members.map { .init(member: $0.index, cost: $0.cost(samplesPerEpoch: patches, epochs: settings.epochs)) },
      groups: groups.groups.count)
    var figures: [RunPlan.Member] = []
    for member in members {
      let flop = Double(member.costs.trainingFLOPs) * Double(settings.batch) / 1e9
      let group = groups.groups[owners[member.index] ?? 0]
      let place = group.count == 1 ? "\(group[0])" : "\(group[0])–\(group[0] + group.count - 1)"
      figures.append(
        RunPlan.Member(
          member: member.index, parameters: member.costs.parameters, stepGFLOP: flop, ranks: Array(group)))
      lines.append(
        String(format: "%6d   %10d   %12.2f   %@", member.index, member.costs.parameters, flop, place)
          + (try drawn(member.index, settings)))
    }
    if let remark = remark(ofRanks: ranks) { lines.append(remark) }
    if let remark = groups.remark(members: members.count) { lines.append(remark) }
    if ranks > 1, settings.fullShards > 1 {
      lines.append("ranks that become free join the members that still train, before an epoch.")
    }
    lines.append("")
    for part in [Part.calibrate, .test] where !data.split[part].isEmpty {
      let work = try TileWork(data.split[part], of: job, settings, graphs: members.map(\.graph))
      lines.append("prediction of the \(part.words): \(work.description)")
    }
    let (form, budget) = try trainingPlan(
      known.opened, ranks: ranks, threads: workers.team.size, ranksOnNode: workers.ranksOnNode)
    let parts = [MemberCheck.part(of: known.truth), .calibrate, .test]
    let predictions = try parts.map { part in
      try predictionBudget(known.opened, of: part, ranks: ranks, threads: workers.team.size)
    }
    let evaluation = try evaluationBudget(known.opened)
    // Members are checked when they are trained.
    let training = max(budget.bytes, predictions[0].bytes)
    lines.append("")
    lines.append(
      memory(
        [training, predictions[1].bytes, predictions[2].bytes, evaluation.bytes], opened: known.opened,
        threads: workers.team.size))
    if form.keepsImagesInFile { lines.append(imagesInFile(known.opened)) }
    for (stage, budget) in [("training", budget), ("calibration", predictions[1]), ("prediction", predictions[2])] {
      if let obstacle = obstacle(budget, ranksOnNode: workers.ranksOnNode) {
        lines.append("\(stage) would be refused: \(obstacle)")
      }
    }
    let files = try memberFiles(settings, ranks: ranks)
    lines.append(
      "members' files: \(Doctor.size(files.weights)) of weights, \(Doctor.size(files.states)) of states of trainings"
        + (settings.recipe.schedule.dependsOnTotal ? ", while they last" : ", from which more epochs can go on"))
    let results = ResultsForm(job.results, isOfClasses: job.task.hasClasses, members: settings.members)
    lines.append("results: \(paths.results)" + (results.description.isEmpty ? "" : " (\(results.description))"))
    if let rest = results.missing(hasMasks: job.uncertainty.masks != nil)?.section.write {
      let names = rest.map(\.rawValue).joined(separator: ", ")
      lines.append("until they are evaluated, the exact \(names) stand beside them on the disk")
    }
    var plan = RunPlan(name: job.name, task: job.task.rawValue, ranks: ranks, results: paths.results, lines: lines)
    (plan.patches, plan.steps, plan.epochs, plan.members) = (patches, steps, settings.epochs, figures)
    plan.memory = [
      "training": training, "calibration": predictions[1].bytes, "prediction": predictions[2].bytes,
      "evaluation": evaluation.bytes,
    ]
    for part in Part.allCases where !data.split[part].isEmpty { plan.known[part.rawValue] = inspection.voxels[part] }
    return (plan, obstacle(budget, ranksOnNode: workers.ranksOnNode) == nil)
  }

  /// Tells that images do not stay in memory.
  func imagesInFile(_ opened: OpenedJob) -> String {
    "images and labels to learn from take \(Doctor.size(trainingImages(opened))) and do not fit in memory: the ranks of a node "
      + "keep them in a file beside the results while they train"
  }

  /// What each stage will have in memory on a rank, this program included.
  ///
  /// - Parameter bytes: of training, calibration, prediction and evaluation.
  private func memory(_ bytes: [Int], opened: OpenedJob, threads: Int) -> String {
    let program = ownBytes
    let data = opened.truth
    // A stage first reads its part to know it, and then works.
    func stage(_ name: String, _ bytes: Int, reading parts: [Part]) -> String {
      let reading = parts.map(data.hashingBytes).max() ?? 0
      let cached = parts.map(data.cachedBytes).max() ?? 0
      let bytes = program + max(bytes, reading) + cached
      return String(format: "%.0f MB to %@", Double(bytes) / 1e6, name)
    }
    let stages = [
      stage("train", bytes[0], reading: Part.allCases),
      stage("calibrate", bytes[1], reading: [.calibrate]),
      stage("predict", bytes[2], reading: [.test]),
      stage("evaluate", bytes[3], reading: [.test]),
    ]
    return "memory of a rank, about: \(stages.joined(separator: ", ")); "
      + String(format: "%.0f MB of each are the program's own; ", Double(program) / 1e6)
      + "\(threads) \(threads == 1 ? "thread" : "threads") a rank"
  }

  /// The task in words.
  private func purpose(_ data: LearningData) -> String {
    let images = data.images.location
    return switch job.task {
    case .segmentation: "segmentation of \(images) into \(job.data.classes.joined(separator: ", "))"
    case .binary: "segmentation of \(images) into \(job.data.classes.joined(separator: " and ")) by one channel"
    case .classification: "classification of \(images) as \(job.data.classes.joined(separator: ", "))"
    case .regression: "regression from \(images) to \(data.targetLocation)"
    case .autoencoder where job.classifier != nil:
      "autoencoding of \(images), told to be \(job.data.classes.joined(separator: ", "))"
    case .autoencoder: "autoencoding of \(images)"
    case .selfSupervised: "self-supervised denoising of \(images)"
    }
  }

  /// The extents of regions; equal ones of many images are counted.
  private func listed(_ regions: [Region]) -> String {
    let texts = regions.map { job.layout.text($0.extents) }
    guard texts.count > 4 else { return texts.joined(separator: " ") }
    let order = regions.indices.sorted { regions[$0].extents.count < regions[$1].extents.count }
    guard Set(texts).count > 1, let least = order.first, let most = order.last else {
      return "\(texts.count) × \(texts[0])"
    }
    return "\(texts.count) of \(texts[least]) to \(texts[most])"
  }

  /// What the network that is drawn for a member came to; empty in families whose members are alike.
  private func drawn(_ member: Int, _ settings: EnsembleSettings) throws -> String {
    let statistics = try settings.family.statistics(
      inputChannels: settings.inputChannels, outputChannels: settings.outputChannels, dimensions: settings.patch.count,
      seed: settings.seed, member: member)
    guard let statistics else { return "" }
    return String(
      format: "   %d nodes, %d connections (%.0f %% of a dense network's between nodes), longest path %d",
      statistics.hiddenNodes, statistics.edges, 100 * statistics.density, statistics.longestPath)
  }

  /// Which group would train what if all were equally fast: the schedule, played through.
  private static func owners(_ candidates: [MemberSchedule.Candidate], groups ranks: Int) -> [Int: Int] {
    var schedule = MemberSchedule(candidates, ranks: ranks)
    let cost = Dictionary(uniqueKeysWithValues: candidates.map { ($0.member, $0.cost) })
    var owners: [Int: Int] = [:]
    var busyUntil = Array(repeating: 0.0, count: ranks)
    for rank in 0..<ranks {
      guard let member = schedule.first(for: rank) else { continue }
      owners[member] = rank
      busyUntil[rank] = cost[member] ?? 0
    }
    while owners.count < candidates.count {
      let rank = busyUntil.indices.min { busyUntil[$0] < busyUntil[$1] } ?? 0
      guard let member = schedule.next(for: rank) else { break }
      owners[member] = rank
      busyUntil[rank] += cost[member] ?? 0
    }
    return owners
  }

  private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
}
