extension NetworkGraph: Codable {
  private enum Key: String, CodingKey { case dimensions, nodes, taps, initialization }

  /// Reads a graph and checks what `add` takes for granted; `shapes(extents:)` checks the rest.
  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let dimensions = try container.decode(Int.self, forKey: .dimensions)
    guard (1...3).contains(dimensions) else {
      throw DecodingError.dataCorruptedError(
        forKey: .dimensions, in: container,
        debugDescription: "a network has 1, 2 or 3 spatial dimensions, not \(dimensions).")
    }
    self.init(dimensions: dimensions)
    for node in try container.decode([Node].self, forKey: .nodes) {
      guard node.inputs.allSatisfy(nodes.indices.contains) else {
        throw DecodingError.dataCorruptedError(
          forKey: .nodes, in: container,
          debugDescription: "network node ‘\(node.name)’ reads \(node.inputs), but only nodes 0 to \(nodes.count - 1) "
            + "stand before it.")
      }
      let id = add(node.name, node.operation, inputs: node.inputs)
      if !node.isTrainable { freeze(id) }
    }
    initialization = try container.decodeIfPresent(Initialization.self, forKey: .initialization) ?? .pytorch
    for (name, node) in try container.decodeIfPresent([String: Int].self, forKey: .taps) ?? [:] {
      guard nodes.indices.contains(node) else {
        throw DecodingError.dataCorruptedError(
          forKey: .taps, in: container,
          debugDescription: "the value ‘\(name)’ of the network is that of node \(node), but there are \(nodes.count).")
      }
      tap(name, node)
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(dimensions, forKey: .dimensions)
    try container.encode(nodes, forKey: .nodes)
    if !taps.isEmpty { try container.encode(taps, forKey: .taps) }
    if initialization != .pytorch { try container.encode(initialization, forKey: .initialization) }
  }
}

extension NetworkGraph.Node: Codable {
  private enum Key: String, CodingKey {
    case name, operation, inputs
    case isTrainable = "trainable"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    name = try container.decode(String.self, forKey: .name)
    operation = try container.decode(Operation.self, forKey: .operation)
    inputs = try container.decode([Int].self, forKey: .inputs)
    isTrainable = try container.decodeIfPresent(Bool.self, forKey: .isTrainable) ?? true
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(operation, forKey: .operation)
    try container.encode(inputs, forKey: .inputs)
    if !isTrainable { try container.encode(false, forKey: .isTrainable) }
  }
}
