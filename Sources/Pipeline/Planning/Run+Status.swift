import Ensembles
import Imaging
import JobFiles

extension Run {
  /// What a job's files hold already, and what a run would make again, and why. Collective; empty when there is
  /// nothing.
  ///
  /// - Throws: as `expectedFiles()` and `EvaluationStage.init`.
  func status() throws -> String {
    let (expected, content) = (try expectedFiles(), try content(of: .calibrate))
    let evaluation = try EvaluationStage(self)
    let bytes = try world.fromRoot {
      var lines: [String] = []
      var members: [TrainedMember] = []
      var begun: [Int: Int] = [:]
      let checkpoints = expected.checkpoints(in: paths)
      for index in 0..<job.ensemble.members where RunPaths.exists(paths.member(index)) {
        do {
          switch try expected.standing(index, paths.member(index), checkpoints) {
          case .isDone(let member): members.append(member)
          case .goesOn(_, let epochs): begun[index] = epochs
          }
        } catch {
          lines.append("member \(index) would be refused: \(error)")
        }
      }
      if !members.isEmpty { lines.append("\(members.count) of \(job.ensemble.members) members are trained already.") }
      if !begun.isEmpty {
        lines += StandingWords.text(begun, of: job.training.epochs).split(separator: "\n").map(String.init)
        lines.append("What follows from the members would be made again.")
      }
      if members.count == job.ensemble.members, RunPaths.exists(paths.calibration) {
        let reason: String?
        do {
          let (data, settings) = (try opened().truth, try opened().settings)
          reason = try expected.obstacle(
            calibration: paths.calibration, members: members, content: content,
            try TileWork(data.split.calibrate, of: job, settings, graphs: members.map(\.graph)))
        } catch {
          reason = "cannot be read: \(error)"
        }
        lines.append(
          reason.map { "The calibration \($0); it would be found again." } ?? "The calibration is there already.")
      }
      if RunPaths.exists(paths.results) { lines += try evaluation.status(expected, content) }
      return Array(lines.joined(separator: "\n").utf8)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension EvaluationStage {
  /// What is said of results that are there. Rank 0 alone.
  fileprivate func status(_ expected: ExpectedFiles, _ calibrated: PartContent) throws -> [String] {
    switch try? standing(expected, calibrated) {
    case .finished?:
      return ["The results are there already, made by this job from these data."] + (try renewal().lines(would: true))
    case .others(let reason?)?: return ["\(paths.results) \(reason); a run replaces it with --overwrite."]
    case .others(nil)?, nil: return ["The results are there; a run replaces them with --overwrite."]
    }
  }
}
