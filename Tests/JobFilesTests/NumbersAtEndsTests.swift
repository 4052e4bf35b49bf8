import Foundation
import TestSupport
import Testing

@testable import JobFiles

/// Every number of the job file at both ends of its range.
@Suite("Numbers at their ends")
struct NumbersAtEndsTests {
  static let base = """
    {"tutti": 1, "name": "x", "task": "segmentation", "output": "r.h5", "network": {"family": "tunet", "depth": 2},
     "data": {"images": "a.h5", "labels": "b.h5", "classes": ["a", "b"], "split": {}}}
    """

  @Test(
    "a job with a number at an end of its range is read, or refused with a message (a sample; TUTTI_ALL_EXAMPLES=1: all)"
  )
  func read() throws {
    let all = try SchemaExamples(schema: JobFile.schema, base: Self.base).atEnds()
    #expect(all.count > 500)
    // Reading makes the network of each job: large ones take their time.
    let sizes = ["nodes", "layers", "width", "depth", "block-depth"]
    let isWhole = ProcessInfo.processInfo.environment["TUTTI_ALL_EXAMPLES"] != nil
    let examples = all.enumerated().filter { index, example in
      isWhole || index.isMultiple(of: 4) && !sizes.contains { example.path.hasSuffix(".\($0)") }
    }.map(\.element)
    var accepted = 0
    for example in examples {
      do {
        _ = try JobFile(text: example.text, path: "job.yaml", folder: nil)
        accepted += 1
      } catch {
        #expect(error.description.hasPrefix("job.yaml:1: "), "\(example.path): \(example.number): \(error)")
      }
    }
    // Refused are those that contradict other settings of the same job.
    #expect(Double(accepted) > 0.8 * Double(examples.count))
  }

  @Test("no number may be so large that arithmetic overflows, seeds apart")
  func limits() throws {
    for example in try SchemaExamples(schema: JobFile.schema, base: Self.base).atEnds() {
      guard !example.path.hasSuffix("seed"), example.path != "tutti" else { continue }
      let size = try #require(Double(example.number)).magnitude
      #expect(size <= 1e30, "\(example.path): \(example.number)")
    }
  }

  @Test(
    "numbers beyond sense are refused by their ranges",
    arguments: [
      ("training", #"{"checkpoint": 1e20}"#, "training.checkpoint: must be at most 1000000, not 1e20"),
      (
        "training", #"{"augmentation": {"elastic": {"magnitude": 1e308}}}"#,
        "training.augmentation.elastic.magnitude: must be at most"
      ),
      ("prediction", #"{"tile": [9223372036854775807, 8]}"#, "prediction.tile: must be 1 to 1000000, not"),
      ("prediction", #"{"margin": [9223372036854775800, 8]}"#, "prediction.margin: must be 0 to 1000000, not"),
      ("uncertainty", #"{"coverage": [1e-300]}"#, "uncertainty.coverage: "),
      ("uncertainty", #"{"coverage": [0.9, 1e-19]}"#, "uncertainty.coverage: "),
    ])
  func refused(key: String, value: String, message: String) {
    let text = Self.base.dropLast() + #", "\#(key)": \#(value)}"#
    #expect(Self.messages(String(text)).contains { $0.contains(message) }, "\(Self.messages(String(text)))")
  }

  @Test("256 classes are too many for labels of one byte, of which 255 are ignored")
  func classes() {
    let names = (0..<256).map { "\"c\($0)\"" }
    let text = Self.base.replacingOccurrences(of: #"["a", "b"]"#, with: "[\(names.joined(separator: ", "))]")
    #expect(Self.messages(text) == ["job.yaml:2: data.classes: needs 2 to 255 values, not 256"])
    let fewer = Self.base.replacingOccurrences(
      of: #"["a", "b"]"#, with: "[\(names.dropLast().joined(separator: ", "))]")
    #expect(Self.messages(fewer) == [])
  }

  private static func messages(_ text: String) -> [String] { JobFileMessageTests.messages(text) }
}
