import Foundation
import TestSupport
import Testing

@testable import JobFiles
@testable import Settings

@Suite("JSON Schema")
struct SchemaTests {
  private func schema() throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(JobFile.schema.utf8)) as? [String: Any])
  }

  /// What does not fit the schema; a few keywords are enough for ours.
  private func problems(_ value: Any, _ schema: [String: Any], _ path: String = "") -> [String] {
    if let choices = schema["anyOf"] as? [[String: Any]] {
      return choices.contains { problems(value, $0, path).isEmpty } ? [] : ["\(path): none of the forms"]
    }
    if let constant = schema["const"] as? String {
      return value as? String == constant ? [] : ["\(path): not \(constant)"]
    }
    if let words = schema["enum"] as? [String] {
      return (value as? String).map(words.contains) == true ? [] : ["\(path): no word"]
    }
    switch schema["type"] as? String {
    case "object":
      guard let object = value as? [String: Any], let properties = schema["properties"] as? [String: [String: Any]]
      else {
        return ["\(path): no object"]
      }
      let missing = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }.map {
        "\(path).\($0): missing"
      }
      return missing
        + object.flatMap { key, value in
          properties[key].map { problems(value, $0, "\(path).\(key)") } ?? ["\(path).\(key): unknown"]
        }
    case "array":
      guard let list = value as? [Any], let items = schema["items"] as? [String: Any] else {
        return ["\(path): no list"]
      }
      let few = list.count < schema["minItems"] as? Int ?? 0 || list.count > schema["maxItems"] as? Int ?? .max
      return (few ? ["\(path): length"] : []) + list.flatMap { problems($0, items, path) }
    case "integer", "number":
      guard let number = value as? Double else { return ["\(path): no number"] }
      let isIn =
        number >= schema["minimum"] as? Double ?? -.infinity && number <= schema["maximum"] as? Double ?? .infinity
        && number > schema["exclusiveMinimum"] as? Double ?? -.infinity
        && number < schema["exclusiveMaximum"] as? Double ?? .infinity
      return isIn ? [] : ["\(path): outside"]
    case "boolean": return value is Bool ? [] : ["\(path): not true or false"]
    case "string": return value is String ? [] : ["\(path): no text"]
    default: return ["\(path): the schema says nothing"]
    }
  }

  private func json(_ text: String) throws -> Any {
    func plain(_ node: YAMLDocument.Node) -> Any {
      switch node.content {
      case .mapping(let entries):
        Dictionary(entries.map { ($0.key, plain($0.value)) }) { first, _ in first } as [String: Any]
      case .list(let items): items.map(plain)
      case .scalar(let text, quoted: true): text
      case .scalar(let text, quoted: false):
        text == "true" ? true : text == "false" ? false : Double(text).map { $0 as Any } ?? text
      }
    }
    return plain(try YAMLDocument(text).root)
  }

  @Test("the repository's jobs and the examples of the documentation fit the schema")
  func jobs() throws {
    let folder = Repository.path("jobs")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
    #expect(!files.isEmpty)
    let texts = try files.map { try String(contentsOfFile: folder + "/" + $0, encoding: .utf8) }
    let schema = try schema()
    for (name, text) in zip(files, texts) + [("example", JobFile.example), ("full", JobFileText.full)] {
      #expect(problems(try json(text), schema) == [], "\(name)")
    }
  }

  @Test(
    "what the reader refuses by itself, the schema refuses too",
    arguments: [
      ("task: segmentation", "task: guessing"), ("epochs: 6", "epochs: 0"), ("epochs: 6", "epoch: 6"),
      ("family: smsnet", "family: smsnot"), ("alpha: 1.5", "alpha: -1"), ("name: cement\n", ""),
      ("loss: cross-entropy", "loss: {name: cross-entropy, smoothing: 1}"),
    ])
  func refused(change: (String, String)) throws {
    let text = JobFileText.full.replacingOccurrences(of: change.0, with: change.1)
    try #require(text != JobFileText.full)
    #expect(problems(try json(text), try schema()) != [])
    #expect(throws: JobError.self) { try JobFile(text: text, path: "job.yaml", folder: nil) }
  }
}
