import Ensembles
import Host
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

/// Finds how much each member counts, by what members say of pixels of the validation part.
struct MemberWeighting: Stage {
  let run: Run
  let opened: OpenedJob

  /// The most pixels that are looked at.
  private static let mostPixels = 16_384

  private var settings: EnsembleSettings { opened.settings }
  private var truth: LearningData { opened.truth }

  /// How members are combined as the job says, with the temperature 1. Collective.
  ///
  /// - Throws: `RunError.nothingToWeighBy`, `RemoteFailure`.
  func combination(of ensemble: EnsemblePredictor) throws -> MemberCombination {
    let members = ensemble.members
    var result = MemberCombination()
    result.average = job.ensemble.average ?? .probabilities
    let rule = job.ensemble.weights ?? .equal
    guard rule != .equal, members.count > 1 else { return result }
    try world.agree {
      guard !truth.split.validate.isEmpty else { throw RunError.nothingToWeighBy(rule.rawValue) }
    }
    var sample = try answers(of: ensemble)
    let whole = try sample.joined(over: world)
    let numbers = try world.fromRoot(of: Double.self) {
      guard let whole, whole.count > 0 else { throw RunError.nothingToWeighBy(rule.rawValue) }
      return rule.weights(
        of: whole, members: members.count, classes: settings.task.hasClasses ? settings.answer.channels : nil,
        channels: max(1, settings.targetChannels), average: result.average
      ).flatMap(\.self)
    }
    result.weights = stride(from: 0, to: numbers.count, by: members.count).map {
      Array(numbers[$0..<$0 + members.count])
    }
    // A channel's weights are those of all its quantiles.
    let quantiles = settings.answer.quantiles?.count ?? 1
    if result.weights.count > 1 || (quantiles > 1 && rule == .stacking) {
      result.weights = (0..<quantiles).flatMap { _ in result.weights }
    }
    if result.weights.count == 1 || !settings.task.hasClasses { tell(result.weights[0], rule, members) }
    return result
  }

  private func tell(_ weights: [Double], _ rule: MemberWeights, _ members: [TrainedMember]) {
    let shown = zip(members, weights).map { "\($0.index): \(TextTable.number($1))" }.joined(separator: ", ")
    log.note("ensemble.weights: \(rule.rawValue) gives the members \(shown).")
  }

  /// What members say of known pixels of the validation part, as `MemberWeights.weights` takes it: of this rank.
  private func answers(of ensemble: EnsemblePredictor) throws -> CalibrationSample {
    let (members, channels) = (ensemble.members.count, ensemble.channels)
    let form = AnswerForm(settings, job.layout)
    let hasClasses = settings.task.hasClasses
    var sample = CalibrationSample(width: hasClasses ? members * channels : members, capacity: Self.mostPixels)
    let units = ensemble.members[0].targetScaling?.units ?? []
    let scaling = try run.scaling(ensemble.members[0].scaling, of: .validate)
    try world.agree {
      let work = try TileWork(truth.split.validate, of: job, settings, graphs: ensemble.members.map(\.graph))
      var known = TileTruth()
      var answers: [[Float]] = []
      let mine = work.share(rank: world.rank, of: world.size)
      try ensemble.predict(
        mine.map { $0.reading(truth.images, scaledBy: scaling) },
        eachMember: { _, member, _, answer, _ in
          if member == 0 { answers.removeAll(keepingCapacity: true) }
          answers.append(Array(form.value(answer)))
        },
        eachTile: { index, answer in
          let part = mine[index]
          let extents = part.region.extents
          try run.stop.check()
          try known.read(answer.tile.core, of: part.region, truth, for: .validate)
          let voxels = answer.voxels
          func place(_ voxel: Int) -> Int {
            (part.index << 32) + (job.task.answersImages ? 0 : answer.tile.core.place(of: voxel, in: extents))
          }
          if hasClasses {
            for (voxel, label) in known.labels.enumerated() where label != Label.ignored {
              sample.add(region: 0, place: place(voxel), truth: Float(label)) { index in
                answers[index / channels][index % channels * voxels + voxel]
              }
            }
          } else {
            for channel in units.indices {
              for voxel in 0..<voxels where known.isKnown(voxel) {
                let index = channel * voxels + voxel
                sample.add(region: channel, place: place(voxel), truth: known.values[index] / units[channel]) {
                  answers[$0][index] / units[channel]
                }
              }
            }
          }
        })
    }
    return sample
  }
}
