extension NetworkGraph {
  /// Adds the nodes of another network, which then reads `input` in place of its image; `prefix` is put before their
  /// names.
  ///
  /// - Parameter last: adds only this node and those that it depends on; nil for all nodes, with the tapped values.
  /// - Precondition: both have as many dimensions.
  /// - Returns: the node that corresponds to `last`, or to the other network's output.
  @discardableResult
  public mutating func add(
    _ other: NetworkGraph, prefix: String, reading input: NodeID, through last: NodeID? = nil
  ) -> NodeID {
    precondition(other.dimensions == dimensions, "a part of a network has the network's dimensions")
    let taps = last == nil ? other.taps : [:]
    let last = last ?? other.output
    var isNeeded = Array(repeating: false, count: other.nodes.count)
    for id in [last] + taps.values { isNeeded[id] = true }
    for id in other.nodes.indices.reversed() where isNeeded[id] {
      for input in other.nodes[id].inputs { isNeeded[input] = true }
    }
    var copies = Array(repeating: input, count: other.nodes.count)
    for (id, node) in other.nodes.enumerated() where isNeeded[id] {
      if case .input = node.operation { continue }
      copies[id] = add(prefix + node.name, node.operation, inputs: node.inputs.map { copies[$0] })
      if !node.isTrainable { freeze(copies[id]) }
    }
    for (name, node) in taps { tap(prefix + name, copies[node]) }
    return copies[last]
  }

  /// The number of the node of this name.
  public func node(named name: String) -> NodeID? { nodes.firstIndex { $0.name == name } }

  /// The part of the network that computes one of its nodes, which becomes the output.
  public func ending(at last: NodeID) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: dimensions)
    graph.initialization = initialization
    let input = graph.add(nodes[0].name, nodes[0].operation)
    graph.add(self, prefix: "", reading: input, through: last)
    return graph
  }

  /// The node that the last convolution (`last.conv` of all families) reads: the network's features.
  public var features: NodeID? { node(named: "last.conv").map { nodes[$0].inputs[0] } }
}
