import Ensembles
import Host
import Imaging
import JobFiles
import MessagePassing
import Training

/// Finds members that did not learn, by their answers for some tiles of the validation part, or else of the training part.
struct MemberCheck: Stage {
  let run: Run
  private let known: InspectedJob
  private let team: ThreadTeam
  private let expected: ExpectedFiles
  private var data: LearningData { known.data }
  private var settings: EnsembleSettings { known.settings }

  /// The most tiles that are predicted.
  private static let mostTiles = 48

  /// What members are checked with.
  static func part(of data: LearningData) -> Part { data.split.validate.isEmpty ? .train : .validate }

  /// After the training of the members.
  init(_ training: TrainingStage) {
    (run, known, team, expected) = (training.run, training.known, training.team, training.expected)
  }

  /// The verdicts of the trained members, stored beside them; not found again when they are there. Collective.
  ///
  /// - Throws: `RemoteFailure`, on all ranks.
  func verdicts() throws -> MemberVerdicts {
    // Members that failed are not there.
    let numbers = try world.fromRoot { (0..<job.ensemble.members).map { RunPaths.exists(paths.member($0)) ? 1 : 0 } }
    let all = try world.agree {
      try numbers.indices.filter { numbers[$0] == 1 }.map { try expected.member($0, paths.member($0)) }
    }
    let hashes = all.map(\.answerHash)
    let isThere = try world.decidedOnRoot {
      guard RunPaths.exists(paths.verdicts), let found = try? MemberVerdicts(paths.verdicts) else { return false }
      return found.members == all.map(\.index) && found.hashes == hashes
    }
    if isThere { return try world.agree { try MemberVerdicts(paths.verdicts) } }
    let ensemble = try predictor(all, team: team)
    // The answers of all flips tell no more of what was learnt.
    ensemble.averagesFlips = false
    let reasons = try reasons(ensemble)
    let verdicts = MemberVerdicts(members: all.map(\.index), hashes: hashes, reasons: reasons)
    try world.onRoot { try verdicts.write(to: paths.verdicts) }
    return verdicts
  }

  private func reasons(_ ensemble: EnsemblePredictor) throws -> [String?] {
    let part = Self.part(of: data)
    let form = AnswerForm(settings, job.layout)
    var figures = MemberFigures(ensemble, form: form)
    var inputs: [RegressionMetrics] = []
    var truth = TileTruth()
    let scaling = try run.scaling(ensemble.members[0].scaling, of: part)
    let comparesInput =
      settings.task == .regression && settings.inputChannels == settings.targetChannels && scaling.isLinear
      && settings.validity == nil
    try world.agree {
      let work = try TileWork(data.split[part], of: job, settings, graphs: ensemble.members.map(\.graph))
      let step = max(1, work.count / Self.mostTiles)
      var number = Shares(of: work.count, among: world.size)[world.rank].lowerBound
      for share in work.share(rank: world.rank, of: world.size) {
        let chosen = share.tiles.enumerated().filter { (number + $0.offset).isMultiple(of: step) }.map(\.element)
        number += share.tiles.count
        guard !chosen.isEmpty else { continue }
        let reader = EnsemblePredictor.reader(of: data.images, region: share.region, scaling: scaling)
        for tile in chosen {
          try ensemble.predict(
            grid: share.grid, tiles: tile..<tile + 1, reading: reader,
            eachMember: { member, tile, answer, _ in
              if member == 0 {
                try run.stop.check()
                try truth.read(tile.core, of: share.region, data, for: part)
                if comparesInput { inputs += try inputMetrics(tile.core, truth, scaling, reader) }
              }
              try figures.add(answer, of: member, truth)
            }, eachTile: { _ in _ = figures.endTile(share.first + tile) })
        }
      }
    }
    try figures.reduce(over: world)
    guard !settings.task.hasClasses else {
      return MemberVerdicts.reasons(figures.confusion, names: job.data.classes)
    }
    let channels = settings.targetChannels
    let input = comparesInput ? try RegressionMetrics.joined(inputs, width: channels, over: world) : nil
    let sums = figures.sums
    return MemberVerdicts.reasons(
      ensemble.members.indices.map { Array(sums[$0 * channels..<($0 + 1) * channels]) }, input: input,
      mayBeNoise: settings.task == .selfSupervised)
  }

  /// The metrics of the image as the answer, in its own units.
  private func inputMetrics(
    _ box: Box, _ truth: TileTruth, _ scaling: IntensityScaling, _ reader: EnsemblePredictor.Reader
  ) throws -> [RegressionMetrics] {
    let pixels = AlignedBuffer<Float>(count: settings.inputChannels * box.count)
    try reader(box, pixels.buffer)
    for channel in 0..<settings.inputChannels {
      for i in channel * box.count..<(channel + 1) * box.count {
        pixels.pointer[i] = scaling.unscaled(pixels.pointer[i], channel: channel)
      }
    }
    return RegressionMetrics.channels(settings.targetChannels, of: UnsafeBufferPointer(pixels.buffer), truth)
  }
}
