/// In files the word `none` says that there is no activation.
struct OptionalActivation: Codable {
  var value: Activation?

  init(_ value: Activation?) { self.value = value }

  init(from decoder: Decoder) throws {
    let isNone = (try? decoder.singleValueContainer().decode(String.self)) == "none"
    value = isNone ? nil : try Activation(from: decoder)
  }

  func encode(to encoder: Encoder) throws {
    if let value {
      try value.encode(to: encoder)
    } else {
      var container = encoder.singleValueContainer()
      try container.encode("none")
    }
  }
}

extension KeyedDecodingContainer {
  /// An activation, or the default when the key is not given.
  func activation(forKey key: Key, default value: Activation?) throws -> Activation? {
    guard let choice = try decodeIfPresent(OptionalActivation.self, forKey: key) else { return value }
    return choice.value
  }

  /// One activation, several in a list, or none; nil when the key is not given.
  func activations(forKey key: Key) throws -> [Activation]? {
    if let list = try? decodeIfPresent([Activation].self, forKey: key) { return list }
    guard let choice = try decodeIfPresent(OptionalActivation.self, forKey: key) else { return nil }
    return choice.value.map { [$0] } ?? []
  }
}

extension KeyedEncodingContainer {
  mutating func encode(activation: Activation?, forKey key: Key) throws {
    try encode(OptionalActivation(activation), forKey: key)
  }

  mutating func encode(activations: [Activation], forKey key: Key) throws {
    if activations.count > 1 {
      try encode(activations, forKey: key)
    } else {
      try encode(activation: activations.first, forKey: key)
    }
  }
}
