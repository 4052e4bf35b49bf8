import Engine
import Ensembles
import Foundation
import HDF5
import Imaging
import MessagePassing
import Tensors
import Training
import Uncertainty

extension Run {
  /// Predicts the test images with all members and writes mean, spread and prediction sets.
  ///
  /// - Parameter publish: give the file its final name; else it stays under `paths.unfinished`.
  public func predict(publish isFinal: Bool = true) throws {
    let conformal = try calibration()
    let ensemble = try EnsemblePredictor(members(), team: team)
    let work = try world.agree { try TileWork(data.split.test, settings: self, graphs: ensemble.members.map(\.graph)) }
    let classes = ensemble.classes
    var confusion = Array(repeating: ConfusionMatrix(classes: classes), count: ensemble.members.count)
    var labels: [UInt8] = []
    var predictions: [UInt8] = []
    let writer = PredictionWriter(ensemble, conformal: conformal, volume: job.data.volume, over: world)
    try writer.write(work, to: paths.unfinished) { region, predict in
      let labelled = try data.load(region, scaling: inspection.scaling)
      try predict(EnsemblePredictor.reader(of: labelled)) { member, tile, probabilities in
        labelled.copyLabels(of: tile.core, to: &labels)
        mostLikely(probabilities, classes: classes, into: &predictions)
        try confusion[member].add(labels: labels, predictions: predictions)
      }
    }
    let counts = try world.allReduce(confusion.flatMap(\.counts), .sum)
    try onRoot {
      try self.complete(conformal, members: ensemble.members, confusion: counts)
      if isFinal { try self.publish() }
    }
  }

  /// Adds to the written prediction what else belongs in the file. Rank 0 alone.
  private func complete(_ conformal: SplitConformal, members: [TrainedMember], confusion: [Int64]) throws {
    let file = try File(opening: paths.unfinished, mode: .readWrite)
    let regions = data.split.test
    try ResultsFile.describe(
      file,
      ResultsFile.Header(
        job: fingerprint, name: job.name, classes: job.data.classes,
        indices: job.data.volume ? regions.flatMap { Array($0.z) } : regions.map(\.image), volume: job.data.volume))
    let entry = try file.group("entry")
    let calibration = try entry.createGroup("calibration")
    try calibration.setAttribute("NX_class", "NXprocess")
    try CalibrationFile.write(conformal, to: calibration)
    let group = try entry.createGroup("members")
    try group.setAttribute("NX_class", "NXcollection")
    try group.setAttribute("folder", paths.members.split(separator: "/").last.map(String.init) ?? paths.members)
    try group.write(members.map { Int32($0.index) }, to: "member")
    try group.write(members.map { Int64($0.parameters.count) }, to: "parameters")
    try group.write(members.map { $0.history.last?.loss ?? .nan }, to: "final_loss")
    let dataset = try group.write(
      confusion, shape: [members.count, job.data.classes.count, job.data.classes.count], to: "confusion")
    try dataset.setAttribute("long_name", "test pixels by member, true class and predicted class")
    try writeProvenance(entry)
    try file.close()
  }

  /// The job file, versions and host facts: whatever may differ between equal runs stands here and nowhere else.
  private func writeProvenance(_ entry: Group) throws {
    let group = try entry.createGroup("provenance")
    try group.setAttribute("NX_class", "NXprocess")
    try group.write("tutti", to: "program")
    try group.write(text, to: "job_file")
    try group.write(Int64(job.training.seed), to: "seed")
    try group.write(Int64(Plan.numericsVersion), to: "numerics")
    try group.write(ISO8601DateFormatter().string(from: Date()), to: "date")
    try group.write(Int64(world.size), to: "ranks")
    try group.write(Int64(team.size), to: "threads")
    try group.write(try MPI.processorName(), to: "host")
    try group.write(MPI.libraryVersion(), to: "mpi")
    try group.write(HostFacts.detect().processorName, to: "processor")
    try group.write(BLAS.kernelName, to: "blas")
    guard !reports.isEmpty else { return }
    try group.write(reports.map { Int32($0.member) }, to: "trained_member")
    try group.write(reports.map { Int32($0.rank) }, to: "trained_on_rank")
    try group.write(reports.map(\.seconds), to: "training_seconds")
  }
}
