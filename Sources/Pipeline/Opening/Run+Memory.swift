import Ensembles
import Host
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

// What a stage needs in memory, before its work begins.

extension Run {
  /// What there is for the work, beside what the program takes of itself.
  private var memory: HostFacts.Memory {
    var memory = limits
    if let allowed { memory.allowed = UInt64(max(0, allowed - ownBytes)) }
    memory.controlGroup = memory.controlGroup.map { $0 - min($0, UInt64(ranksOnNode * ownBytes)) }
    return memory
  }

  /// What the program takes of itself: what it had in memory before any data was opened, and what libraries and files take
  /// when they begin to work, as measured (Benchmarks/volumes).
  var ownBytes: Int { programBytes + (40 << 20) }

  private var limits: HostFacts.Memory { options.memory ?? HostFacts.detect().memory }

  /// What a rank may take; nil: as much as there is.
  private var allowed: Int? { (options.allowedMemory ?? job.memory)?.bytes }

  /// Bytes for each cache, of a dataset's chunks or of tiles that are worked at a time: a sixteenth of what a rank may
  /// take; where nobody says what, of its share of the control group's limit, at most as for 1 GiB.
  var cacheBytes: Int {
    let share = limits.controlGroup.map { Int(min($0, 1 << 40)) / ranksOnNode } ?? 1 << 30
    return max(1 << 20, min(1 << 30, (allowed ?? min(share, 1 << 30)) / 16))
  }

  /// What a training keeps where.
  struct TrainingForm {
    /// Each rank of a member keeps a part of the optimizer's state.
    var dividesState = false
    /// Images and targets wait in a file beside the results.
    var keepsImagesInFile = false
  }

  /// What a rank of `ranks` needs to train.
  func trainingBudget(_ opened: OpenedJob, ranks: Int, threads: Int, _ form: TrainingForm) throws -> MemoryBudget {
    let settings = opened.settings
    let groups = RankGroups(
      ranks: ranks, members: settings.members, ranksPerMember: ranksPerMember.map { min($0, ranks) },
      shards: settings.fullShards)
    var budget = try MemoryBudget(
      training: try opened.distinctMembers(), settings: settings,
      validates: !opened.data.split.validate.isEmpty, threads: threads, ranks: ranks,
      ranksPerMember: groups.groups.map(\.count).min() ?? 1, dividesState: form.dividesState)
    if form.keepsImagesInFile {
      budget.add("reading training images", bytes: opened.data.loadingBytes)
    } else {
      budget.add("training images", bytes: trainingImages(opened))
    }
    return budget
  }

  /// The bytes of images and targets that members learn from.
  func trainingImages(_ opened: OpenedJob) -> Int {
    TrainingSet.bytes(of: opened.data, patch: opened.settings.patchSpan)
  }

  /// The forms of a training in the order in which they are tried until one fits in memory.
  func trainingForms(ranks: Int) -> [TrainingForm] {
    let state = job.training.optimizerState
    let divisions = state == .auto && ranks > 1 ? [false, true] : [state == .divided]
    return [false, true].flatMap { inFile in
      divisions.map { TrainingForm(dividesState: $0, keepsImagesInFile: inFile) }
    }
  }

  /// The first form of a training that fits on this node, else the last, and what a rank needs in it.
  ///
  /// - Throws: as `trainingBudget`.
  func trainingPlan(
    _ opened: OpenedJob, ranks: Int, threads: Int, ranksOnNode: Int
  ) throws -> (form: TrainingForm, budget: MemoryBudget) {
    var forms = trainingForms(ranks: ranks)[...]
    while true {
      let form = forms.removeFirst()
      let budget = try trainingBudget(opened, ranks: ranks, threads: threads, form)
      if forms.isEmpty || obstacle(budget, ranksOnNode: ranksOnNode) == nil { return (form, budget) }
    }
  }

  /// Refuses a training that does not fit in memory. Collective.
  ///
  /// - Returns: the first form that fits on all ranks.
  /// - Throws: on all ranks, `RemoteFailure` of a `MemoryBudgetError`: what the last form needs.
  func requireTrainingMemory() throws -> TrainingForm {
    let (opened, workers) = (try opened(), try workers())
    func check(_ form: TrainingForm) throws {
      try trainingBudget(opened, ranks: world.size, threads: workers.team.size, form)
        .check(against: memory, ranksOnNode: workers.ranksOnNode)
    }
    let forms = trainingForms(ranks: world.size)
    for form in forms.dropLast() {
      let isTight = try world.agree {
        do { try check(form) } catch is MemoryBudgetError { return true }
        return false
      }
      if try world.allReduce(isTight ? 1 : 0, .maximum) == 0 { return form }
    }
    let last = forms[forms.count - 1]
    try world.agree { try check(last) }
    return last
  }

  /// Refuses predictions that do not fit in memory. Collective.
  ///
  /// - Throws: on all ranks, `RemoteFailure` of a `MemoryBudgetError`, or of `RunError.tilesDoNotFit` when a network
  ///   cannot predict the tiles.
  func requirePredictionMemory() throws {
    let (opened, workers) = (try opened(), try workers())
    try world.agree {
      for part in [MemberCheck.part(of: opened.truth), .calibrate, .test] {
        try predictionBudget(opened, of: part, ranks: world.size, threads: workers.team.size)
          .check(against: memory, ranksOnNode: workers.ranksOnNode)
      }
    }
  }

  /// What a rank needs to predict a part tile by tile: the calibration set to find thresholds, the test set to write its
  /// results, others to see whether members have learnt.
  ///
  /// - Throws: `RunError.tilesDoNotFit` when a network cannot predict the tiles.
  func predictionBudget(_ opened: OpenedJob, of part: Part, ranks: Int, threads: Int) throws -> MemoryBudget {
    let settings = opened.settings
    let graphs = try (0..<settings.members).map { try settings.member($0).graph }
    let regions = opened.data.split[part]
    let grids = Set(try TileWork(regions, of: job, settings, graphs: graphs).grids)
    var (largest, core) = (0, 0)
    for grid in grids {
      do {
        let bytes = try EnsemblePredictor.bytes(
          graphs, settings: settings, grid: grid, threads: threads, bytesAtOnce: cacheBytes,
          average: job.ensemble.average ?? .probabilities)
        largest = max(largest, bytes)
      } catch {
        throw RunError.tilesDoNotFit(part.rawValue, grid.window, job.layout, reason: "\(error)")
      }
      core = max(core, settings.task.answersImages ? 1 : grid.core.count)
    }
    var budget = MemoryBudget()
    budget.add("predicting a tile", bytes: largest)
    let (channels, levels) = (settings.answer.channels, job.uncertainty.coverage.count)
    // Labels as they are read, as classes, and as a list; of target images each number twice, and weights.
    let known = settings.task.hasClasses ? 6 : 8 * opened.truth.targetChannels + 8
    budget.add("what is known of a tile", bytes: core * known)
    if part == .test {
      // Mean and spread; sets and their sizes, or bounds; each as it is, as it is packed, and packed.
      let answer = 8 * channels + levels * (settings.task.hasClasses ? channels + 1 : 8 * channels)
      let form = ResultsForm(job.results, isOfClasses: settings.task.hasClasses, members: settings.members)
      let copies = form.missing(hasMasks: job.uncertainty.masks != nil) == nil ? 4 : 6
      budget.add("a tile of the results", bytes: copies * core * answer)
    } else if part == .calibrate, isByPixel {
      // Each pixel's score in one of several lists, of which a part stays in memory, and what is read of one at a time.
      let voxels = regions.reduce(0) { $0 + $1.extents.count }
      let scores = (voxels + ranks - 1) / ranks * max(1, opened.truth.targetChannels)
      let lists = (job.uncertainty.byClass ? settings.classes : 1) + 2 * (job.uncertainty.masks?.count ?? 0)
      budget.add("calibration scores", bytes: UnitScores.bytes(of: scores, lists: lists))
    }
    if part == .test, job.ensemble.aggregate != nil {
      // As ranks keep them, as rank 0 gathers them, and as it learns from them.
      let voxels = opened.data.split.train.reduce(0) { $0 + $1.extents.count }
      budget.add(
        "the members' answers of the training part",
        bytes: 3 * 4 * settings.members * settings.answer.channels * voxels)
    }
    return budget
  }

  /// What a rank needs to evaluate the results piece by piece.
  ///
  /// - Throws: `NetworkError`.
  func evaluationBudget(_ opened: OpenedJob) throws -> MemoryBudget {
    let settings = opened.settings
    let graphs = try (0..<settings.members).map { try settings.member($0).graph }
    let grids = try TileWork(opened.data.split.test, of: job, settings, graphs: graphs).grids
    let (channels, levels) = (settings.answer.channels, job.uncertainty.coverage.count)
    let isOfClasses = settings.task.hasClasses
    let chunks = grids.map { ChunkShape.extents(of: $0, pixelBytes: 4 * channels) }
    let chunk = settings.task.answersImages ? 1 : chunks.map(\.count).max() ?? 0
    let piece =
      settings.task.answersImages
      ? 1 : zip(grids, chunks).map { TestBox.mostVoxels(of: $0.region, chunk: $1) }.max() ?? 0
    var budget = MemoryBudget()
    let known = isOfClasses ? 7 : 8 * opened.truth.targetChannels + 8
    // Mean and spread; a level's set or bounds; of each level what is covered.
    let answer = 8 * channels + (isOfClasses ? channels + 1 : 8 * channels) + levels * (isOfClasses ? 1 : channels)
    budget.add("a piece of the results", bytes: piece * (known + answer))
    budget.add("a chunk of the results", bytes: 2 * chunk * 4 * channels)
    if !isOfClasses, !opened.truth.content.hasWeights, !settings.task.answersImages {
      let voxels = opened.data.split.test.reduce(0) { $0 + $1.extents.count }
      budget.add("chunks that slices share", bytes: min(2 * cacheBytes, 4 * channels * voxels))
    }
    return budget
  }

  private var isByPixel: Bool { !job.task.answersImages }

  /// Why work would be refused on this node; nil when it fits.
  func obstacle(_ budget: MemoryBudget, ranksOnNode: Int) -> MemoryBudgetError? {
    do { try budget.check(against: memory, ranksOnNode: ranksOnNode) } catch { return error }
    return nil
  }
}
