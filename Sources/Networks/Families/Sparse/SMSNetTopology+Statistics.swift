extension SMSNetTopology {
  /// Counts of a topology's nodes and edges.
  public struct Statistics: Hashable, Sendable, Codable {
    /// Nodes between input and output.
    public var hiddenNodes: Int
    /// Edges of all kinds.
    public var edges: Int
    /// Edges between hidden nodes, which follow the distributions of degree and skip length.
    public var hiddenEdges: Int
    /// Edges from the input to hidden nodes.
    public var inputEdges: Int
    /// Edges from hidden nodes to the output.
    public var outputEdges: Int
    /// Whether an edge leads from the input to the output.
    public var hasInputOutputEdge: Bool
    /// `degrees[k]` hidden nodes have k edges to later hidden nodes.
    public var degrees: [Int]
    /// `skips[δ]` hidden edges lead δ places on in execution order.
    public var skips: [Int]
    /// Edges over nodes: as many enter as leave, on average.
    public var meanDegree: Double
    /// Hidden edges over those of a dense network of as many nodes.
    public var density: Double
    /// Edges on the longest path from input to output.
    public var longestPath: Int
  }

  /// Counts of nodes and edges, degrees, skip lengths and depth.
  ///
  /// - Complexity: O(*edges* + *nodes*).
  public var statistics: Statistics {
    var place = Array(repeating: 0, count: nodeCount)
    for (index, node) in executionOrder.enumerated() { place[node] = index }
    let hidden = nodeCount - 2
    var degree = Array(repeating: 0, count: nodeCount)
    var skips = Array(repeating: 0, count: max(hidden, 1))
    var counts = (hidden: 0, input: 0, output: 0, direct: 0)
    for edge in edges {
      switch (edge.source == 0, edge.target == output) {
      case (true, true): counts.direct += 1
      case (true, false): counts.input += 1
      case (false, true): counts.output += 1
      case (false, false):
        counts.hidden += 1
        degree[edge.source] += 1
        skips[place[edge.target] - place[edge.source]] += 1
      }
    }
    var degrees = Array(repeating: 0, count: (degree.max() ?? 0) + 1)
    for node in 0..<nodeCount where node != 0 && node != output { degrees[degree[node]] += 1 }
    var longest = Array(repeating: 0, count: nodeCount)
    for edge in edges.sorted(by: { place[$0.source] < place[$1.source] }) {
      longest[edge.target] = max(longest[edge.target], longest[edge.source] + 1)
    }
    let pairs = hidden * (hidden - 1) / 2
    return Statistics(
      hiddenNodes: hidden, edges: edges.count, hiddenEdges: counts.hidden, inputEdges: counts.input,
      outputEdges: counts.output, hasInputOutputEdge: counts.direct > 0, degrees: degrees, skips: skips,
      meanDegree: Double(edges.count) / Double(nodeCount),
      density: pairs == 0 ? 0 : Double(counts.hidden) / Double(pairs), longestPath: longest[output])
  }
}
