import Foundation
import TestSupport
import Testing

@testable import JobFiles

/// Job files that are damaged at random.
@Suite("Mutated job files")
struct MutatedJobTests {
  @Test("a damaged job file is read, or refused with messages that name lines (200 files; TUTTI_MUTATIONS: so many)")
  func yaml() throws {
    let root = Repository.folder
    let texts = try ["cement", "denoising", "shapes-autoencoder", "shapes-classification", "quantiles"].map {
      try String(contentsOf: root.appendingPathComponent("jobs/\($0).yaml"), encoding: .utf8)
    }
    var random = TestRandom(13)
    var refused = 0
    let count = Mutations.count(200)
    for number in 0..<count {
      let text = Mutations.of(texts[number % texts.count], &random)
      do {
        _ = try JobFile(text: text, path: "job.yaml", folder: nil)
      } catch {
        refused += 1
        let lines = error.description.split(separator: "\n")
        #expect(!lines.isEmpty && lines.allSatisfy { $0.hasPrefix("job.yaml:") }, "file \(number): \(error)\n\(text)")
      }
    }
    #expect(refused > count / 4 && refused < count)
  }
}
