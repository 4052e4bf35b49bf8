import Ensembles
import Host
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

// What is tuned on a part of the calibration units, before the others calibrate.

extension CalibrationStage {
  /// Labels of a box of a region without those of the tuning part, or without those of the others.
  func masked(
    _ labels: [UInt8], of part: TuningPart, tuning: Bool, _ map: UnitMap, region: Int, _ box: Box, _ extents: Extents
  ) -> [UInt8] {
    var labels = labels
    map.forEachRun(region: region, box) { unit, voxels in
      for voxel in voxels {
        let place = job.task.answersImages ? 0 : box.place(of: voxel, in: extents)
        if part.holds(unit: unit, region: region, place: place) != tuning { labels[voxel] = Label.ignored }
      }
    }
    return labels
  }

  /// Gives the ensemble the temperature, and the method the λ and k, of the job. Collective.
  ///
  /// - Parameter part: what they are tuned on; nil: they are as the job says.
  /// - Returns: the method; in words what was tuned on, and on rank 0 the pixels at the temperature 1; nil: nothing was.
  /// - Throws: `RunError.nothingToTuneOn`, `RemoteFailure`.
  func tune(
    _ ensemble: EnsemblePredictor, _ method: ConformalMethod, on part: TuningPart?, _ map: UnitMap
  ) throws -> (method: ConformalMethod, on: String?, sample: CalibrationSample?) {
    let wanted = job.uncertainty
    let classes = job.data.classes.count
    guard let part else {
      let given = try Tuning(wanted, method, on: nil, coverage: opened.levels[0], classes: classes)
      if wanted.temperature != nil { ensemble.combination.temperature = given.temperature }
      return (given.applied(to: method), nil, nil)
    }

    // At the temperature 1: probabilities of the sample are scaled later.
    ensemble.combination.temperature = 1
    var sample = CalibrationSample(width: ensemble.channels)
    /// Whether a region has pixels that tune.
    func tunes(_ region: Int) -> Bool {
      guard part.count != nil else { return true }
      var found = false
      map.forEachRun(region: region, Box(truth.split.calibrate[region].extents)) { unit, _ in
        found = found || part.holds(unit: unit, region: region, place: 0)
      }
      return found
    }
    try predictCalibration(ensemble, nil, nil, where: tunes) { answer, known, region in
      let (box, extents) = (place(answer), truth.split.calibrate[region].extents)
      let own = masked(known.labels, of: part, tuning: true, map, region: region, box, extents)
      guard let mean = answer.mean.baseAddress else { return }
      for voxel in own.indices where own[voxel] != Label.ignored {
        sample.add(
          region: region, place: job.task.answersImages ? 0 : box.place(of: voxel, in: extents),
          truth: Float(own[voxel]), values: mean + voxel, stride: answer.voxels)
      }
    }
    let whole = try sample.joined(over: world)
    let words = try world.fromRoot(of: UInt64.self) {
      let found = try Tuning(wanted, method, on: whole, coverage: opened.levels[0], classes: classes)
      return [found.temperature.bitPattern]
        + (found.regularization.map { [UInt64($0.penalty.bitPattern), UInt64($0.free)] } ?? [])
    }
    ensemble.combination.temperature = Double(bitPattern: words[0])
    let text = try world.fromRoot {
      let what = job.task.answersImages ? "images" : "pixels"
      return Array(
        Tuning.words(whole ?? sample, what, units: part.count.map { ($0, map.count, map.plural) }).utf8)
    }
    guard words.count > 1 else { return (method, String(decoding: text, as: UTF8.self), whole) }
    let found = SetRegularization(penalty: Float(bitPattern: UInt32(words[1])), free: Int(words[2]))
    return (method.regularized(by: found), String(decoding: text, as: UTF8.self), whole)
  }
}
