import MessagePassing

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
    let seconds = try? StepTrial.stepSeconds(
      member, settings: settings, target: data.targetKind(settings.task), team: team, patience: .milliseconds(200))
    return seconds ?? .infinity
  }
}
