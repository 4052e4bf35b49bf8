import Foundation

/// Job files made of their JSON Schema: one for every number in it and each end of the number's range.
///
/// They are JSON, and so YAML. What a job needs besides is taken from a job that is right.
public struct SchemaExamples {
  /// A job in which one number is at an end of its range.
  public struct Example: Sendable {
    /// Keys to the number, with the names of forms among them: `training.optimizer(sgd).momentum`.
    public let path: String
    /// The number as the job has it.
    public let number: String
    /// The job file.
    public let text: String
  }

  private let schema: [String: Any]
  private let base: [String: Any]

  /// - Parameters:
  ///   - schema: as `tutti schema` prints it.
  ///   - base: a job that is right, as JSON; each example has another value for one of its keys, or one key more.
  public init(schema: String, base: String) throws {
    self.schema = try Self.object(schema)
    self.base = try Self.object(base)
  }

  private static func object(_ text: String) throws -> [String: Any] {
    guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      throw CocoaError(.propertyListReadCorrupt)
    }
    return object
  }

  /// An example for each end of each number.
  public func atEnds() -> [Example] {
    let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
    return properties.sorted { $0.key < $1.key }.flatMap { key, schema in
      ends(schema, at: key, given: base[key]).map { end in
        var job = base.mapValues { Self.text($0) }
        job[key] = end.text
        return Example(path: end.path, number: end.number, text: Self.object(job) + "\n")
      }
    }
  }

  // MARK: Values at their ends

  private struct End {
    var path: String
    var number: String
    /// The value around the number, as JSON.
    var text: String
  }

  private func ends(_ schema: [String: Any], at path: String, given: Any? = nil) -> [End] {
    if let forms = schema["anyOf"] as? [[String: Any]] {
      return forms.flatMap { form in
        ends(form, at: path + (Self.name(of: form).map { "(\($0))" } ?? ""), given: given)
      }
    }
    switch schema["type"] as? String {
    case "integer", "number":
      return Self.numbers(schema).map { End(path: path, number: $0, text: $0) }
    case "array":
      guard let items = schema["items"] as? [String: Any] else { return [] }
      let others = Array(repeating: sample(items), count: max(0, (schema["minItems"] as? Int ?? 0) - 1))
      return ends(items, at: path).map { end in
        var end = end
        end.text = "[" + ([end.text] + others).joined(separator: ", ") + "]"
        return end
      }
    case "object":
      let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
      // What is given belongs to the form that knows all of it.
      let given = (given as? [String: Any]).flatMap { $0.keys.allSatisfy { properties[$0] != nil } ? $0 : nil } ?? [:]
      var members = required(schema).merging(given.mapValues { Self.text($0) }) { $1 }
      for (key, property) in properties where property["const"] != nil { members[key] = sample(property) }
      return properties.sorted { $0.key < $1.key }.flatMap { key, property in
        ends(property, at: "\(path).\(key)", given: given[key]).map { end in
          var end = end
          end.text = Self.object(members.merging([key: end.text]) { $1 })
          return end
        }
      }
    default: return []
    }
  }

  /// A few values, each as JSON: those that must be given.
  private func required(_ schema: [String: Any]) -> [String: String] {
    let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
    let keys = schema["required"] as? [String] ?? []
    return Dictionary(uniqueKeysWithValues: keys.map { ($0, sample(properties[$0] ?? [:])) })
  }

  /// A value that the schema allows.
  private func sample(_ schema: [String: Any]) -> String {
    if let value = schema["const"] ?? schema["default"] { return Self.text(value) }
    if let words = schema["enum"] as? [Any], let word = words.first { return Self.text(word) }
    if let forms = schema["anyOf"] as? [[String: Any]], let form = forms.first { return sample(form) }
    switch schema["type"] as? String {
    case "integer": return "\(max(2, schema["minimum"] as? Int ?? 2))"
    case "number": return "0.5"
    case "boolean": return "false"
    case "array":
      let items = schema["items"] as? [String: Any] ?? [:]
      return "[" + Array(repeating: sample(items), count: schema["minItems"] as? Int ?? 0).joined(separator: ", ") + "]"
    case "object": return Self.object(required(schema))
    default: return "\"x\""
    }
  }

  /// Both ends of a range of numbers; where one is left out, the last number that can be written.
  private static func numbers(_ schema: [String: Any]) -> [String] {
    if schema["type"] as? String == "integer" {
      let (low, high) = (schema["minimum"] as? Int ?? .min, schema["maximum"] as? Int ?? .max)
      return low == high ? ["\(low)"] : ["\(low)", "\(high)"]
    }
    let low =
      (schema["exclusiveMinimum"] as? Double)?.nextUp ?? schema["minimum"] as? Double ?? -.greatestFiniteMagnitude
    let high =
      (schema["exclusiveMaximum"] as? Double)?.nextDown ?? schema["maximum"] as? Double ?? .greatestFiniteMagnitude
    return ["\(low)", "\(high)"]
  }

  // MARK: Text

  /// The name of a form, where it has one.
  private static func name(of form: [String: Any]) -> String? {
    let properties = form["properties"] as? [String: [String: Any]] ?? [:]
    return properties.values.compactMap { $0["const"] as? String }.first
  }

  private static func object(_ members: [String: String]) -> String {
    "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
  }

  private static func text(_ value: Any) -> String {
    let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else { return "null" }
    return String(decoding: data, as: UTF8.self)
  }
}
