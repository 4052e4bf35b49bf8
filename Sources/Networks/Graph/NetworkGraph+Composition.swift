extension NetworkGraph {
  /// Adds the nodes of another network that reads `input` in place of its image, with `prefix` before their names: all, with
  /// what is tapped, or those that its node `last` depends on.
  ///
  /// - Precondition: both have as many dimensions.
  /// - Returns: the node that stands for `last`, or for the other network's output.
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

  /// The network that ends with one of its nodes, as for latent vectors or the features before the last layer.
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
