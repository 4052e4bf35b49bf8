/// A network: nodes in execution order, each naming the earlier nodes that it reads.
///
/// Families (`TUNet`, `SMSNet`, …) build it; `Engine` compiles it for forward and backward passes; it is also costed,
/// stored in member files and drawn.
public struct NetworkGraph: Hashable, Sendable {
  /// The number of a node in `nodes`.
  public typealias NodeID = Int

  /// One operation of the network.
  public struct Node: Hashable, Sendable {
    /// Unique in the graph; its parameters are `NAME.weight`, `NAME.bias`.
    public let name: String
    /// What the node computes.
    public let operation: Operation
    /// The nodes that it reads, in the order of the operation's operands.
    public let inputs: [NodeID]
    /// Whether training changes its parameters; else they keep their initial values.
    public internal(set) var isTrainable = true
  }

  /// Spatial axes of the images: 1, 2 or 3.
  public let dimensions: Int
  /// The nodes in execution order; the first is the input, the last the output.
  public private(set) var nodes: [Node] = []
  /// Values that are read in addition to the output, by name: a latent vector, a second result.
  public private(set) var taps: [String: NodeID] = [:]
  /// How the weights start.
  public var initialization = Initialization.pytorch

  /// A graph without nodes. Add an `.input` first.
  public init(dimensions: Int) {
    precondition((1...3).contains(dimensions), "a network has 1, 2 or 3 spatial dimensions")
    self.dimensions = dimensions
  }

  /// The node whose value is the network's: the last one.
  public var output: NodeID { nodes.count - 1 }

  /// The name, with as many primes appended as make it unlike the names of all nodes.
  public func unusedName(_ name: String) -> String {
    var name = name
    while nodes.contains(where: { $0.name == name }) { name += "'" }
    return name
  }

  /// Appends a node that reads `inputs`, which must stand before it, and returns its number.
  @discardableResult
  public mutating func add(_ name: String, _ operation: Operation, _ inputs: NodeID...) -> NodeID {
    add(name, operation, inputs: inputs)
  }

  /// Appends a node that reads `inputs`, which must stand before it, and returns its number.
  @discardableResult
  public mutating func add(_ name: String, _ operation: Operation, inputs: [NodeID]) -> NodeID {
    precondition(inputs.allSatisfy { nodes.indices.contains($0) }, "a node reads nodes that stand before it")
    nodes.append(Node(name: name, operation: operation, inputs: inputs))
    return nodes.count - 1
  }

  /// Inserts nodes before the output, which stays last.
  public mutating func insertBeforeOutput(_ body: (inout NetworkGraph) throws -> Void) rethrows {
    let last = nodes.removeLast()
    let tapped = taps.keys.filter { taps[$0] == nodes.count }
    defer {
      nodes.append(last)
      for name in tapped { taps[name] = output }
    }
    try body(&self)
  }

  mutating func freeze(_ id: NodeID) { nodes[id].isTrainable = false }

  /// Freezes the parameters of the nodes for which the condition holds: training does not change them.
  public mutating func freeze(where condition: (Node) -> Bool) {
    for id in nodes.indices where condition(nodes[id]) { freeze(id) }
  }

  /// The name of the tapped value that is an autoencoder's latent representation.
  public static let latent = "latent"

  /// The name of the tapped value that holds scores of image classes beside the main result.
  public static let classes = "classes"

  /// Taps a value: it is read by this name in addition to the output. No other node need read it.
  public mutating func tap(_ name: String, _ node: NodeID) {
    precondition(nodes.indices.contains(node), "a tapped node is one of the graph")
    taps[name] = node
  }

  /// For every node, its consumers in execution order (one that reads it twice is listed twice).
  ///
  /// - Complexity: O(*edges*).
  public var readers: [[NodeID]] {
    var result = Array(repeating: [NodeID](), count: nodes.count)
    for (id, node) in nodes.enumerated() {
      for input in node.inputs { result[input].append(id) }
    }
    return result
  }
}

/// What is wrong with a network, and at which node.
public struct NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name of the node.
  public let node: String
  /// What is wrong, as a sentence.
  public let problem: String

  /// An error at a node.
  public init(node: String, problem: String) {
    self.node = node
    self.problem = problem
  }

  public var description: String { "network node ‘\(node)’: \(problem)" }
}
