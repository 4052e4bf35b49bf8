import Ensembles
import Host
import Imaging
import JobFiles
import MessagePassing

// What a job needs in memory, before work begins.

extension Run {
  /// What a rank of `ranks` needs to train.
  func trainingBudget(ranks: Int, dividesState: Bool) throws -> MemoryBudget {
    let groups = RankGroups(
      ranks: ranks, members: settings.members, ranksPerMember: ranksPerMember, shards: settings.fullShards)
    var budget = try MemoryBudget(
      training: try (0..<settings.members).map { try settings.member($0) }, settings: settings,
      validates: !data.split.validate.isEmpty, threads: team.size, ranks: ranks,
      ranksPerMember: groups.groups.map(\.count).min() ?? 1, dividesState: dividesState)
    budget.add("training images", bytes: TrainingSet.bytes(of: data))
    return budget
  }

  /// Refuses a job that does not fit in memory before work begins.
  ///
  /// - Returns: whether the optimizer's state is to be divided over ranks.
  func checkMemory(_ facts: HostFacts, ranksOnNode: Int) throws -> Bool {
    var divides = job.training.optimizerState == .divided
    if job.training.optimizerState == .auto, world.size > 1 {
      let isTight = try world.agree {
        let budget = try trainingBudget(ranks: world.size, dividesState: false)
        do { try budget.check(against: facts.memory, ranksOnNode: ranksOnNode) } catch { return true }
        return false
      }
      divides = try world.allReduce(isTight ? 1 : 0, .maximum) == 1
    }
    try world.agree {
      try trainingBudget(ranks: world.size, dividesState: divides)
        .check(against: facts.memory, ranksOnNode: ranksOnNode)
      var prediction = MemoryBudget()
      prediction.add("predicting a tile", bytes: try predictionBytes())
      if job.ensemble.aggregate != nil {
        // As ranks keep them, as rank 0 gathers them, and as it learns from them.
        let voxels = data.split.train.reduce(0) { $0 + $1.extents.count }
        prediction.add(
          "the members' answers of the training part",
          bytes: 3 * 4 * settings.members * settings.answer.channels * voxels)
      }
      try prediction.check(against: facts.memory, ranksOnNode: ranksOnNode)
    }
    return divides
  }

  /// The bytes that the largest tile of the calibration and test parts takes.
  ///
  /// - Throws: `RunError.tilesDoNotFit` when a network cannot predict them, which is better known before the training.
  private func predictionBytes() throws -> Int {
    let graphs = try (0..<settings.members).map { try settings.member($0).graph }
    var largest = 0
    var seen: Set<Extents> = []
    for part in [Part.calibrate, .test] {
      for grid in try TileWork(data.split[part], settings: self, graphs: graphs).grids
      where seen.insert(grid.input).inserted {
        do {
          let bytes = try EnsemblePredictor.bytes(
            graphs, settings: settings, input: grid.input, threads: team.size)
          largest = max(largest, bytes)
        } catch {
          throw RunError.tilesDoNotFit(part.rawValue, grid.input, job.layout, reason: "\(error)")
        }
      }
    }
    return largest
  }
}
