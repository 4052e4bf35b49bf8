import Foundation
import Settings

extension JobFile {
  /// A JSON Schema of job files (draft 2020-12), from the declaration that the reader uses, for the completion and
  /// checks of editors.
  ///
  /// The reader is stricter: it also sees what settings must hold together, and what the data hold.
  public static var schema: String {
    var schema = object(Job.declarations())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Tutti job file, version \(Job.formVersion)"
    let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? JSONSerialization.data(withJSONObject: schema, options: options) else {
      preconditionFailure("a schema holds texts, numbers, lists and objects only")
    }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  private static func object(_ settings: [SettingDeclaration]) -> [String: Any] {
    var properties: [String: Any] = [:]
    for setting in settings { properties[setting.key] = property(setting) }
    return [
      "type": "object", "properties": properties, "additionalProperties": false,
      "required": settings.filter(\.isRequired).map(\.key),
    ]
  }

  private static func property(_ setting: SettingDeclaration) -> [String: Any] {
    var result = kind(setting.kind)
    result["description"] = setting.meaning
    if case .standard(let value) = setting.presence { result["default"] = json(value) }
    return result
  }

  private static func kind(_ kind: SettingDeclaration.Kind) -> [String: Any] {
    switch kind {
    case .boolean: return ["type": "boolean"]
    case .wholeNumber(let range):
      var result: [String: Any] = ["type": "integer", "minimum": range.lowerBound]
      if range.upperBound != .max { result["maximum"] = range.upperBound }
      return result
    case .number(let interval): return interval.schema
    case .text, .dataPath, .outputPath: return ["type": "string", "minLength": 1]
    case .choice(let choice): return ["enum": choice.words]
    case .list(let element, let count):
      var result: [String: Any] = ["type": "array", "items": self.kind(element), "minItems": count.lowerBound]
      if count.upperBound != .max { result["maxItems"] = count.upperBound }
      return result
    case .map(_, let values):
      return [
        "type": "object", "minProperties": 1, "patternProperties": ["^-?[0-9]+$": self.kind(.wholeNumber(values))],
        "additionalProperties": false,
      ]
    case .or(let kinds): return ["anyOf": kinds.map(self.kind)]
    case .section(let settings): return object(settings)
    case .variants(let variants): return ["anyOf": variants.variants.map { variant($0, of: variants.selector) }]
    }
  }

  /// One form of a section; a form that is named holds its name.
  private static func variant(
    _ variant: SettingDeclaration.Variants.Variant, of selector: SettingDeclaration.Variants.Selector
  )
    -> [String: Any]
  {
    var result = object(variant.settings)
    if !variant.meaning.isEmpty { result["description"] = variant.meaning }
    guard case .value(let setting) = selector else { return result }
    var properties = result["properties"] as? [String: Any] ?? [:]
    properties[setting.key] = ["const": variant.name, "description": setting.meaning]
    result["properties"] = properties
    if case .standard(let name) = setting.presence, name.text == variant.name { return result }
    result["required"] = [setting.key] + variant.settings.filter(\.isRequired).map(\.key)
    return result
  }

  private static func json(_ value: SettingValue) -> Any {
    switch value {
    case .boolean(let value): value
    case .integer(let value): value
    case .number(let value): value
    case .text(let value): value
    case .list(let values): values.map(json)
    case .section(let settings): settings.mapValues(json)
    }
  }
}
