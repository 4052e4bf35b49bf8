import Ensembles
import Host
import Imaging
import JobFiles
import Networks
import Training
import Uncertainty

/// A job with its data files opened: shapes and the split are known, and no pixel is read.
struct OpenedJob: Sendable {
  let data: LearningData
  /// What the ensemble is calibrated and evaluated with: `data`, or the targets that a self-supervised task or an
  /// autoencoder is compared with, which it learns without.
  let truth: LearningData
  /// The ensemble's settings, without weights of classes that a balanced loss takes from the training set.
  let settings: EnsembleSettings
  /// The wanted coverages.
  let levels: [Coverage]

  /// Opens the files that a job names.
  ///
  /// - Throws: `ImagingError`, `HDF5Error`, `RunError` when files are missing or do not fit each other, or a part that is
  ///   needed is empty, `UncertaintyError` for a coverage that cannot be.
  init(_ job: Job) throws {
    levels = try job.uncertainty.coverage.map { try Coverage($0) }
    let data = try LearningData(job)
    self.data = data
    if let reference = try LearningData(referenceOf: job) {
      guard reference.targetChannels == data.targetChannels else {
        throw RunError.referenceChannels(
          reference.targetLocation.description, channels: reference.targetChannels, expected: data.targetChannels)
      }
      truth = reference
    } else {
      truth = data
    }
    // Known before members are trained.
    if let rule = job.ensemble.weights, rule != .equal, truth.split.validate.isEmpty {
      throw RunError.nothingToWeighBy(rule.rawValue)
    }
    // Networks with linear layers, and codes, are of one size.
    guard data.images.hasOneExtent || !job.task.answersImages && job.task != .autoencoder else {
      throw RunError.extentsDiffer(data.images.location.description, axes: data.images.axes, task: job.task.rawValue)
    }
    settings = EnsembleSettings(job, data: data, loss: job.training.loss)
  }

  /// The places of the patches in a part of the data.
  ///
  /// - Throws: `ImagingError.patchTooLarge`.
  func units(_ part: Part = .train) throws -> TrainingUnits {
    try TrainingUnits(
      data, part: part, patch: settings.patchExtents, overlap: part == .train ? settings.overlap : 0,
      planes: settings.planes)
  }

  /// Shapes and the split, which all ranks must have alike: a line each.
  var text: String {
    let sources = [data.images, data.answers, data.mask, truth.answers].compactMap(\.self)
    let parts = Part.allCases.map { part in
      let regions = data.split[part].map { "\($0.image): \($0.z.lowerBound) to \($0.z.upperBound)" }
      return "the \(part.words) is of \(regions.count) images or runs of slices: \(regions.joined(separator: ", "))"
    }
    return (sources.map { "\($0.location) has shape \($0.shape)" } + parts).joined(separator: "\n")
  }

  /// The first of the lines in which two texts differ, as both have it.
  static func difference(_ own: String, _ first: String) -> String {
    let lines = [own, first].map { $0.split(separator: "\n").map(String.init) }
    let pair = zip(lines[0], lines[1]).first { $0 != $1 } ?? ("", "")
    func short(_ line: String) -> String { line.count > 200 ? line.prefix(200) + "…" : line }
    return "\(short(pair.0)); \(short(pair.1))"
  }

  /// The members, one for each different network.
  ///
  /// - Throws: as `EnsembleSettings.member(_:)`.
  func distinctMembers() throws -> [MemberSpecification] {
    var seen: Set<NetworkGraph> = []
    return try (0..<settings.members).map { try settings.member($0) }.filter { seen.insert($0.graph).inserted }
  }
}

/// An opened job whose data were read once: intensities and the voxels of each class are known.
struct InspectedJob {
  let opened: OpenedJob
  let inspection: Inspection
  let settings: EnsembleSettings
  /// What earlier programs stored in members, of settings, shapes and moments.
  let earlierFingerprint: UInt64

  var data: LearningData { opened.data }
  var truth: LearningData { opened.truth }

  /// Takes what an inspection told.
  ///
  /// - Throws: `ImagingError.patchTooLarge`, `TrainingError` when the loss does not fit the targets.
  init(_ opened: OpenedJob, _ job: Job, _ inspection: Inspection) throws {
    self.opened = opened
    self.inspection = inspection
    earlierFingerprint = RandomStream.key(of: "\(job.trainingFingerprint) \(inspection.text)")
    var settings = opened.settings
    if settings.loss.isBalanced {
      settings.loss = try settings.loss.balanced(
        by: inspection.voxels[.train] ?? [], channels: settings.outputChannels)
    }
    self.settings = settings
    // A patch that does not fit is reported before anything is written.
    var content = data.content
    for part in [Part.train, .validate] where part == .train || !data.split[part].isEmpty {
      let units = try opened.units(part)
      if units.padded > 0, content.channels > 0 { content.hasWeights = true }
    }
    try settings.loss.loss.check(target: content.kind(for: settings.task), channels: settings.outputChannels)
  }
}

extension Inspection {
  /// The same for the same data; part of fingerprints in files.
  fileprivate var text: String {
    let voxels = Dictionary(uniqueKeysWithValues: voxels.map { ($0.key.rawValue, $0.value) })
    // Programs that know no transform of targets wrote the rest.
    let target =
      targetScaling.map { " \($0.mean) \($0.standardDeviation)" + ($0.isLinear ? "" : " \($0.transform)") } ?? ""
    return "\(scaling.mean) \(scaling.standardDeviation) \(voxels.sorted { $0.key < $1.key })" + target
  }
}
