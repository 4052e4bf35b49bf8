import Engine
import MessagePassing
import Training

extension MemberTrainer {
  /// The speeds of all ranks as they are before a training: steps of the cheapest member a second. Collective over
  /// `world`.
  ///
  /// All ranks time the same steps at the same time; the shortest counts, since a busy machine only makes them longer.
  /// - Returns: nil when there is nothing to time, or a step cannot be done.
  /// - Throws: `NetworkError`, `LossError`, `MPIError`.
  public func speeds(_ candidates: [MemberSchedule.Candidate], over world: Communicator) throws -> [Double]? {
    guard let member = candidates.min(by: { ($0.cost, $0.member) < ($1.cost, $1.member) })?.member else { return nil }
    try world.barrier()
    let seconds = try world.allGather(try world.agree { try stepSeconds(member) })
    return seconds.allSatisfy { $0 > 0 && $0 < .infinity } ? seconds.map { 1 / $0 } : nil
  }

  /// The shortest of several steps of a member on this rank alone; infinite when they fail, which the member's own
  /// training will tell of.
  private func stepSeconds(_ index: Int) throws -> Double {
    let member = try settings.member(index)
    let plan = try settings.trainingPlan(of: member)
    let bag = data.sample(seed: settings.seed, member: index, bagging: settings.bagging)
    let source = DatasetBatchSource(data, bag: bag, settings: settings, member: index)
    source.prepare(epoch: 0)
    let trainer = try Trainer(
      plan, loss: settings.loss.loss, target: data.targetKind(settings.task), batch: settings.batch,
      shards: settings.shards, recipe: TrainingRecipe(optimizer: OptimizerSettings(SGD(), rate: 0)), team: team,
      seed: settings.seed, member: UInt64(index))
    begin(trainer.execution, member: index)
    let positions = 0..<min(settings.batch, source.samplesPerEpoch)
    let begin = ContinuousClock.now
    var shortest = Double.infinity
    for trial in 0..<20 where trial < 4 || ContinuousClock.now - begin < .milliseconds(200) {
      let start = ContinuousClock.now
      do { _ = try trainer.step(source, epoch: 0, positions: positions) } catch { return .infinity }
      // The first brings memory in.
      if trial > 0 { shortest = min(shortest, (ContinuousClock.now - start) / .seconds(1)) }
    }
    return shortest
  }
}
