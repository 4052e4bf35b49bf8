import Foundation
import Networks

/// The graph's parameters for images of these extents.
func parameterCount(_ graph: NetworkGraph, _ extents: [Int]) throws -> Int {
  try graph.costs(extents: extents).parameters
}

/// The value after a trip through JSON with sorted keys, and that JSON.
func throughJSON<Value: Codable>(_ value: Value) throws -> (value: Value, text: String) {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  let data = try encoder.encode(value)
  return (try JSONDecoder().decode(Value.self, from: data), String(decoding: data, as: UTF8.self))
}

func decode<Value: Decodable>(_ type: Value.Type = Value.self, _ json: String) throws -> Value {
  try JSONDecoder().decode(type, from: Data(json.utf8))
}

/// What JSON text of a wrong form is told.
func decodingMessage<Value: Decodable>(_ type: Value.Type, _ json: String) -> String? {
  do {
    _ = try decode(type, json)
    return nil
  } catch DecodingError.dataCorrupted(let context) {
    return context.debugDescription
  } catch {
    return "\(error)"
  }
}
