/// The connections of a sparse mixed-scale network: a directed acyclic graph in which an edge is a convolution with its
/// own dilation and channels, and a node's value is the concatenation of its incoming edges.
public struct SMSNetTopology: Hashable, Sendable {
  /// One convolution.
  public struct Edge: Hashable, Sendable, Codable {
    /// The node that the edge reads.
    public var source: Int
    /// The node that the edge writes.
    public var target: Int
    /// Dilation of the convolution.
    public var dilation: Int
    /// Channels that the edge puts into its target.
    public var channels: Int

    /// An edge.
    public init(source: Int, target: Int, dilation: Int, channels: Int) {
      self.source = source
      self.target = target
      self.dilation = dilation
      self.channels = channels
    }
  }

  /// How large nodes are beside an image of N pixels along an axis: a node of power p ≤ 0 has ⌈N / `base`^−p⌉, one of
  /// power p > 0 has N · `base`^p.
  public struct Scales: Hashable, Sendable, Codable {
    /// The factor between sizes, at least 2.
    public var base: Int
    /// Of every node; the input's is 0.
    public var powers: [Int]

    /// Sizes of nodes.
    public init(base: Int = 2, powers: [Int]) {
      self.base = base
      self.powers = powers
    }

    /// base^|power|, or nil when it is above 256.
    static func factor(base: Int, power: Int) -> Int? {
      var factor = 1
      for _ in 0..<abs(power) {
        factor *= base
        if factor > 256 { return nil }
      }
      return factor
    }
  }

  /// Nodes with input and output: node 0 is the input, node `nodeCount` − 1 the output.
  public let nodeCount: Int
  /// The edges; their order is that of the channels within each node.
  public let edges: [Edge]
  /// How large the nodes are; nil when all are as large as the image.
  public let scales: Scales?
  /// The topological order that always takes the lowest number possible.
  public let executionOrder: [Int]

  /// The number of the output node.
  public var output: Int { nodeCount - 1 }

  /// A topology of these edges.
  ///
  /// - Throws: `SMSNetTopologyError` when a number is out of range, two edges join the same nodes, the edges have a
  ///   cycle, a node lies on no path from input to output, or the scales are not one for each node, 0 for the input.
  /// - Complexity: O(*edges* + *nodes*²).
  public init(nodeCount: Int, edges: [Edge], scales: Scales? = nil) throws(SMSNetTopologyError) {
    self.nodeCount = nodeCount
    self.edges = edges
    self.scales = scales.flatMap { scales in scales.powers.contains { $0 != 0 } ? scales : nil }
    if let scales {
      guard scales.base >= 2, scales.powers.count == nodeCount, scales.powers.first == 0,
        scales.powers.allSatisfy({ abs($0) <= 16 && Scales.factor(base: scales.base, power: $0) != nil })
      else { throw .scales(scales, nodeCount: nodeCount) }
    }
    try Self.checkEdges(nodeCount: nodeCount, edges: edges)
    executionOrder = try Self.executionOrder(nodeCount: nodeCount, edges: edges)
    for node in 1..<nodeCount {
      if !edges.contains(where: { $0.target == node }) { throw .nothingEnters(node: node) }
    }
    for node in 0..<nodeCount - 1 {
      if !edges.contains(where: { $0.source == node }) { throw .nothingLeaves(node: node) }
    }
    // Going back along edges from any node ends at a node that nothing enters, which is the input; likewise forward. So
    // every node lies on a path from input to output.
  }

  private static func checkEdges(nodeCount: Int, edges: [Edge]) throws(SMSNetTopologyError) {
    guard nodeCount >= 2 else { throw .tooFewNodes(nodeCount) }
    var pairs = Set<[Int]>()
    for edge in edges {
      guard edge.source >= 0, edge.target >= 0, edge.source < nodeCount, edge.target < nodeCount else {
        throw .noSuchNode(edge, nodeCount: nodeCount)
      }
      guard edge.source != edge.target else { throw .circle(nodes: [edge.source]) }
      guard edge.target != 0 else { throw .entersInput(edge) }
      guard edge.source != nodeCount - 1 else { throw .leavesOutput(edge) }
      guard edge.dilation >= 1, edge.channels >= 1 else { throw .empty(edge) }
      guard pairs.insert([edge.source, edge.target]).inserted else { throw .twice(edge) }
    }
  }

  private static func executionOrder(nodeCount: Int, edges: [Edge]) throws(SMSNetTopologyError) -> [Int] {
    var missing = Array(repeating: 0, count: nodeCount)
    var targets = Array(repeating: [Int](), count: nodeCount)
    for edge in edges {
      missing[edge.target] += 1
      targets[edge.source].append(edge.target)
    }
    var waiting = Set(0..<nodeCount)
    var order: [Int] = []
    while let next = waiting.filter({ missing[$0] == 0 }).min() {
      waiting.remove(next)
      order.append(next)
      for target in targets[next] { missing[target] -= 1 }
    }
    guard waiting.isEmpty else { throw .circle(nodes: waiting.sorted()) }
    return order
  }

  /// The power of a node's scale: 0 for one as large as the image.
  public func power(of node: Int) -> Int { scales?.powers[node] ?? 0 }

  /// The channels of every node's value: the sum over its incoming edges.
  public func nodeChannels(inputChannels: Int) -> [Int] {
    var channels = Array(repeating: 0, count: nodeCount)
    channels[0] = inputChannels
    for edge in edges { channels[edge.target] += edge.channels }
    return channels
  }
}

extension SMSNetTopology: Codable {
  private enum Key: String, CodingKey { case nodes, edges, scales }

  /// Reads `{"nodes": 22, "edges": [{"source": 0, "target": 1, "dilation": 1, "channels": 1}, …]}`. Without `nodes`,
  /// the highest number is the output's.
  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let edges = try container.decode([Edge].self, forKey: .edges)
    let nodes =
      try container.decodeIfPresent(Int.self, forKey: .nodes) ?? (edges.map { max($0.source, $0.target) }.max() ?? 0)
      + 1
    let scales = try container.decodeIfPresent(Scales.self, forKey: .scales)
    try self.init(nodeCount: nodes, edges: edges, scales: scales)
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(nodeCount, forKey: .nodes)
    try container.encode(edges, forKey: .edges)
    try container.encodeIfPresent(scales, forKey: .scales)
  }
}

/// Why edges do not make a network.
public enum SMSNetTopologyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no input or no output.
  case tooFewNodes(Int)
  /// An edge names a node that is out of range.
  case noSuchNode(SMSNetTopology.Edge, nodeCount: Int)
  /// An edge leads into the input.
  case entersInput(SMSNetTopology.Edge)
  /// An edge leaves the output.
  case leavesOutput(SMSNetTopology.Edge)
  /// An edge has no channels or no dilation.
  case empty(SMSNetTopology.Edge)
  /// Two edges join the same nodes.
  case twice(SMSNetTopology.Edge)
  /// The edges have a cycle.
  case circle(nodes: [Int])
  /// A node other than the input reads nothing.
  case nothingEnters(node: Int)
  /// A node other than the output is read by nothing.
  case nothingLeaves(node: Int)
  /// The scales do not fit the nodes.
  case scales(SMSNetTopology.Scales, nodeCount: Int)

  public var description: String {
    func name(_ edge: SMSNetTopology.Edge) -> String { "edge \(edge.source) → \(edge.target)" }
    switch self {
    case .tooFewNodes(let count):
      return "a sparse network has at least an input and an output node, not \(count) nodes."
    case .noSuchNode(let edge, let count): return "\(name(edge)): nodes are numbered from 0 to \(count - 1)."
    case .entersInput(let edge): return "\(name(edge)): no edge may lead into the input node 0."
    case .leavesOutput(let edge): return "\(name(edge)): no edge may leave the output node, the one of highest number."
    case .empty(let edge):
      return "\(name(edge)): channels (\(edge.channels)) and dilation (\(edge.dilation)) are at least 1."
    case .twice(let edge): return "\(name(edge)) stands twice."
    case .circle(let nodes): return "the edges between nodes \(nodes) run in a circle."
    case .nothingEnters(let node): return "no edge enters node \(node); every node lies on a path from the input."
    case .nothingLeaves(let node): return "no edge leaves node \(node); every node lies on a path to the output."
    case .scales(let scales, let count):
      return "scales of base \(scales.base) with powers \(scales.powers): the base is at least 2, and each of \(count) "
        + "nodes has a power, the input 0; no size differs from the image's by more than a factor of 256."
    }
  }
}
