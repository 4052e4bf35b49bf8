import Ensembles
import Host
import Imaging
import JobFiles
import Networks
import Training

/// A job with its data files opened: shapes and the split are known, and no pixel is read.
struct OpenedJob: Sendable {
  let data: LearningData
  /// What the ensemble is calibrated and evaluated with: `data`, or the targets that a self-supervised task is compared
  /// with, which it learns without.
  let truth: LearningData
  /// The ensemble's settings, without weights of classes that a balanced loss takes from the training set.
  let settings: EnsembleSettings

  /// Opens the files that a job names.
  ///
  /// - Throws: `ImagingError`, `HDF5Error`, `RunError` when files are missing or do not fit each other.
  init(_ job: Job) throws {
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
  /// Of all that decides the members, data included.
  let fingerprint: UInt64

  var data: LearningData { opened.data }
  var truth: LearningData { opened.truth }

  /// - Throws: `TrainingError` when the loss does not fit the targets, `ImagingError.patchTooLarge`.
  init(_ opened: OpenedJob, _ job: Job, _ inspection: Inspection) throws {
    self.opened = opened
    self.inspection = inspection
    fingerprint = RandomStream.key(of: "\(job.trainingFingerprint) \(inspection.text)")
    var settings = opened.settings
    if settings.loss.isBalanced {
      settings.loss = try settings.loss.balanced(
        by: inspection.voxels[.train] ?? [], channels: settings.outputChannels)
    }
    self.settings = settings
    // A patch that does not fit is reported before anything is written.
    for part in [Part.train, .validate] where part == .train || !data.split[part].isEmpty { _ = try opened.units(part) }
    try settings.loss.loss.check(target: data.content.kind(for: settings.task), channels: settings.outputChannels)
  }
}

extension Inspection {
  /// The same for the same data; part of fingerprints in files.
  fileprivate var text: String {
    let voxels = Dictionary(uniqueKeysWithValues: voxels.map { ($0.key.rawValue, $0.value) })
    let target = targetScaling.map { " \($0.mean) \($0.standardDeviation)" } ?? ""
    return "\(scaling.mean) \(scaling.standardDeviation) \(voxels.sorted { $0.key < $1.key })" + target
  }
}
