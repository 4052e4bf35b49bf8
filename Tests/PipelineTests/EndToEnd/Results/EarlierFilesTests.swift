import Foundation
import HDF5
import TestSupport
import Testing

/// Files that a program of before wrote (Tests/Fixtures/earlier, written on 2026-11-29 at numerics 8): a job with its results,
/// calibration, members, and a checkpoint of the second one.
@Suite("End to end: files of an earlier program")
struct EarlierFilesTests {
  static let fixture = Repository.path("Tests/Fixtures/earlier")

  let folder: String
  var job: String { folder + "/job.yaml" }
  var results: String { folder + "/earlier.h5" }

  init() throws {
    folder = try EndToEnd.makeFolder("earlier") + "/files"
    try FileManager.default.copyItem(atPath: Self.fixture, toPath: folder)
  }

  private func expectSameMean(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let name = "entry/prediction/mean"
    let before = try File(opening: Self.fixture + "/earlier.h5").read(name, as: Float.self)
    let now = try File(opening: path).read(name, as: Float.self)
    // Bits hold on one kind of processor, and this may be another one.
    let differences = zip(before, now).map { abs($0 - $1) }
    #expect(before.count == now.count, sourceLocation: sourceLocation)
    #expect(try #require(differences.max()) < 1e-4, sourceLocation: sourceLocation)
  }

  @Test("members and calibration are taken as they are")
  func membersAndCalibration() throws {
    try FileManager.default.removeItem(atPath: results)
    let ended = try EndToEnd.run(["run", job])
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(ended.errors.contains("2 of 2 members are trained already."))
    #expect(ended.errors.contains("The calibration is there already."))
    try expectSameMean(results)
  }

  @Test("a checkpoint is gone on from, to the member that it would have become")
  func checkpoint() throws {
    let member = folder + "/earlier.members/member-0001.h5"
    let weights = "parameters/last.conv.weight"
    let before = try File(opening: member).read(weights, as: Float.self)
    try FileManager.default.removeItem(atPath: member)
    try FileManager.default.removeItem(atPath: results)
    let ended = try EndToEnd.run(["run", job])
    #expect(ended.status == 0, "\(ended.errors)")
    let after = try File(opening: member).read(weights, as: Float.self)
    #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-4 })
    try expectSameMean(results)
  }

  @Test("results predict new images, and are evaluated and plotted")
  func predictEvaluatePlot() throws {
    let output = folder + "/new.h5"
    let predicted = try EndToEnd.run(["predict", results, folder + "/data.h5:/images", "-o", output])
    #expect(predicted.status == 0, "\(predicted.errors)")
    let test = Hyperslab(start: [10, 0, 0, 0], count: [2, 2, 24, 24])
    let before = try File(opening: results).read("entry/prediction/mean", as: Float.self)
    let new = try File(opening: output).dataset("entry/prediction/mean").read(as: Float.self, test)
    #expect(zip(before, new).allSatisfy { abs($0 - $1) < 1e-4 })
    let evaluated = try EndToEnd.run(["evaluate", job])
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let plotted = try EndToEnd.run(["plot", results, "-o", folder + "/plot.svg"])
    #expect(plotted.status == 0, "\(plotted.errors)")
  }
}
