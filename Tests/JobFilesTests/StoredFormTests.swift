import Ensembles
import Foundation
import Networks
import TestSupport
import Testing
import Training

@testable import JobFiles
@testable import Settings

/// Forms of settings that were written before, in `settings.json`: canonical texts, of which fingerprints are made, and
/// what member files hold.
@Suite("Stored forms of settings")
struct StoredFormTests {
  struct Fixture: Decodable {
    /// What a job file says, and its form.
    struct Entry: Decodable {
      var text: String
      var form: String
    }
    /// Whole jobs.
    var jobs: [Entry]
    /// Values of `training.loss`, `training.optimizer`, `training.schedule`, and of the whole section.
    var losses, optimizers, schedules, training: [Entry]
    /// `EnsembleSettings` as member files have them.
    var members: [String]
  }

  let fixture: Fixture

  init() throws {
    let file = Repository.folder.appendingPathComponent("Tests/Fixtures/settings.json")
    fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
  }

  private func form(_ value: some Encodable) -> String { SettingValue(encoding: value).canonicalText }

  private func read<Value: Decodable>(_: Value.Type, _ json: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(json.utf8))
  }

  @Test("jobs have the canonical texts that they had, and these are jobs")
  func jobs() throws {
    #expect(fixture.jobs.count > 9)
    for entry in fixture.jobs {
      let job = try JobFile(text: entry.text, path: "job.yaml", folder: nil).job
      #expect(form(job) == entry.form)
      #expect(try read(Job.self, entry.form) == job)
    }
  }

  @Test("losses, optimizers, schedules and whole sections keep their form")
  func parts() throws {
    func check<Value: Codable & Hashable>(
      _ entries: [Fixture.Entry], _ key: String, _ part: (Job.TrainingSection) -> Value
    ) throws {
      #expect(entries.count > 2)
      for entry in entries {
        let isOfValues = ["mse", "l1", "huber", "quantile"].contains { entry.text.contains($0) }
        let text = """
          tutti: 1
          name: x
          task: \(isOfValues ? "regression" : "segmentation")
          data: {images: a.h5, \(isOfValues ? "targets: b.h5" : "labels: b.h5, classes: [a, b, c]"), split: {}}
          network: {family: tunet}
          output: r.h5
          training: \(key.isEmpty ? entry.text : "{\(key): \(entry.text)}")
          """
        let value = part(try JobFile(text: text, path: "job.yaml", folder: nil).job.training)
        #expect(form(value) == entry.form, "\(entry.text)")
        #expect(try read(Value.self, entry.form) == value, "\(entry.text)")
      }
    }
    try check(fixture.losses, "loss") { $0.loss }
    try check(fixture.optimizers, "optimizer") { $0.recipe.optimizer }
    try check(fixture.schedules, "schedule") { $0.recipe.schedule }
    try check(fixture.training, "") { $0 }
  }

  @Test("what member files hold is read, and written the same")
  func members() throws {
    #expect(fixture.members.count > 3)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for text in fixture.members {
      let settings = try read(EnsembleSettings.self, text)
      #expect(String(decoding: try encoder.encode(settings), as: UTF8.self) == text)
    }
  }
}
