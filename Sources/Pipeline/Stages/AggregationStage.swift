import Ensembles
import Host
import Imaging
import JobFiles
import MessagePassing
import Training

/// Trains the network that combines the members' answers.
struct AggregationStage: Stage {
  let run: Run
  private let aggregate: Job.AggregateSection
  private let known: InspectedJob
  private let team: ThreadTeam
  private let expected: ExpectedFiles
  private var data: LearningData { known.data }
  private var inspection: Inspection { known.inspection }

  /// After the training of the members; nil when the job combines them by their mean alone.
  init?(_ training: TrainingStage) {
    guard let aggregate = training.job.ensemble.aggregate else { return nil }
    self.aggregate = aggregate
    (run, known, team, expected) = (training.run, training.known, training.team, training.expected)
  }

  /// Trains the network, unless it is there already.
  ///
  /// All ranks predict the training set; rank 0 trains, which takes little time beside the members' training.
  ///
  /// - Throws: `RemoteFailure`, on all ranks.
  func train() throws {
    let (settings, fingerprint) = (known.settings, expected.origin.fingerprint)
    let own = settings.aggregating(
      by: aggregate.network, epochs: aggregate.epochs, ofFlips: job.prediction.augment == .flips)
    let isThere = try world.decidedOnRoot {
      RunPaths.exists(paths.aggregate) && (try? expected.member(0, paths.aggregate))?.settings == own
    }
    guard !isThere else { return }
    let ensemble = try predictor(members(expected), team: team)
    let work = try world.agree {
      try TileWork(data.split.train, of: job, settings, graphs: ensemble.members.map(\.graph))
    }
    let input = try run.scaling(inspection.scaling, of: .train)
    let answers = try world.gather(try trainingAnswers(ensemble, work, input), to: 0)
    try world.onRoot {
      let scaling = Aggregator.scaling(of: settings, targetScaling: inspection.targetScaling)
      let regions = try answerRegions(answers ?? [], work, own, scaling, input)
      let units = try TrainingUnits(data, patch: own.patchExtents, overlap: own.overlap)
      let trainer = MemberTrainer(
        own, data: TrainingSet(regions: regions, units: units), scaling: scaling,
        targetScaling: inspection.targetScaling, classes: own.classes > 0 ? job.data.classes : [],
        fingerprint: fingerprint, team: team)
      var network = try trainer.train(0, hooks: MemberTrainer.Hooks(afterStep: { _ in try run.stop.check() }))
      network.origin = expected.origin
      try MemberFile.write(network, to: paths.aggregate)
      let loss = network.history.last?.loss ?? .nan
      log.note("the combination of the members is trained: \(aggregate.epochs) epochs, loss \(TextTable.number(loss))")
    }
  }

  /// The answers of all members for this rank's tiles of the training part, `[tile][member, channel, z, y, x]`.
  private func trainingAnswers(
    _ ensemble: EnsemblePredictor, _ work: TileWork, _ input: IntensityScaling
  ) throws -> [Float] {
    try world.agree {
      var answers: [Float] = []
      try ensemble.predict(
        work.share(rank: world.rank, of: world.size).map { $0.reading(data.images, scaledBy: input) },
        eachMember: { _, _, _, answer, _ in answers += answer }, eachTile: { _, _ in try run.stop.check() })
      return answers
    }
  }

  /// The regions of the training part with the members' answers in place of images.
  ///
  /// - Parameter answers: of all ranks' tiles, in order.
  private func answerRegions(
    _ answers: [[Float]], _ work: TileWork, _ own: EnsembleSettings, _ scaling: IntensityScaling,
    _ input: IntensityScaling
  ) throws -> [LearningRegion] {
    let channels = own.inputChannels
    let answers = Array(answers.joined())
    var next = 0
    return try zip(work.regions, work.grids).map { region, grid in
      let known = try data.load(
        region, for: .train, scaling: input, targetScaling: inspection.targetScaling,
        patch: own.patchSpan)
      var content = known.content
      if content.labels == .image { content.labels = .none }
      let result = LearningRegion(region: known.region, channels: channels, content: content)
      if content.labels == .pixels { _ = result.labels.buffer.update(from: known.labels.buffer) }
      if content.channels > 0 { _ = result.values.buffer.update(from: known.values.buffer) }
      if content.hasWeights { _ = result.weights.buffer.update(from: known.weights.buffer) }
      let extents = known.region.extents
      for index in 0..<grid.count {
        let core = grid[index].core
        for channel in 0..<channels {
          for z in core.z {
            for y in core.y {
              let row = result.images.pointer + ((channel * extents.z + z) * extents.y + y) * extents.x
              for x in core.x {
                row[x] = answers[next]
                next += 1
              }
            }
          }
        }
      }
      scaling.apply(to: result.images.buffer)
      return result
    }
  }
}
