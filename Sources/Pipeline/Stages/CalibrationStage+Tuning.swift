import Ensembles
import Host
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

// What is tuned on a part of the calibration units, before the others calibrate.

extension CalibrationStage {
  /// The units that tune; nil: nothing is tuned.
  func tuningPart(_ map: UnitMap) -> TuningPart? {
    guard job.uncertainty.needsTuning else { return nil }
    return TuningPart(
      share: job.uncertainty.tuning ?? TuningPart.standardShare, ofUnits: unit == .pixel ? nil : map.count)
  }

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
  /// - Returns: the method, and in words what was tuned on; nil: nothing was.
  /// - Throws: `RunError.nothingToTuneOn`, `RemoteFailure`.
  func tune(
    _ ensemble: EnsemblePredictor, _ method: ConformalMethod, on part: TuningPart?, _ map: UnitMap
  ) throws -> (method: ConformalMethod, on: String?) {
    let wanted = job.uncertainty
    let (penalty, free) = (wanted.lambda?.number.map { Float($0) }, wanted.k?.number)
    let isRegularized = method.isRegularized && (wanted.lambda != nil || wanted.k != nil)
    if let fixed = wanted.temperature?.number { ensemble.combination.temperature = fixed }
    func fixed() -> SetRegularization {
      SetRegularization(
        penalty: wanted.lambda == nil ? 0.1 : penalty ?? 0.1, free: free ?? max(1, job.data.classes.count / 10))
    }
    guard let part else { return (isRegularized ? method.regularized(by: fixed()) : method, nil) }

    // At the temperature 1: probabilities of the sample are scaled later.
    let given = ensemble.combination.temperature
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
      guard let whole, whole.count > 0 else { throw RunError.nothingToTuneOn }
      let temperature = wanted.temperature == .auto ? whole.fittedTemperature : given
      var found = fixed()
      if isRegularized, wanted.lambda == .auto || wanted.k == .auto {
        found = try whole.tunedRegularization(
          method, temperature: temperature, coverage: opened.levels[0],
          penalty: wanted.lambda == .auto ? nil : found.penalty, free: wanted.k == .auto ? nil : found.free)
      }
      return [
        temperature.bitPattern, UInt64(found.penalty.bitPattern), UInt64(found.free), UInt64(whole.count),
        UInt64(whole.offered),
      ]
    }
    ensemble.combination.temperature = Double(bitPattern: words[0])
    let units = part.count.map { "\($0) of \(map.count) calibration \(map.plural), which do not calibrate" }
    let pixels = words[3] == words[4] ? "\(words[3])" : "\(words[3]) of \(words[4])"
    let what = job.task.answersImages ? "images" : "pixels"
    let text =
      units.map { "\(pixels) \(what) of \($0)" } ?? "\(pixels) calibration \(what), which do not calibrate"
    let found = SetRegularization(penalty: Float(bitPattern: UInt32(words[1])), free: Int(words[2]))
    return (isRegularized ? method.regularized(by: found) : method, text)
  }
}
