/// A network: nodes in execution order, each naming the earlier nodes that it reads.
///
/// The one description of a network. It is run and differentiated (`Engine`), costed, stored in model files, drawn and
/// exported; families (`TUNet`, `SMSNet`, …) are functions that build it. Its `dimensions` (1, 2 or 3 spatial axes) are data.
public struct NetworkGraph: Hashable, Sendable {
  /// The number of a node in `nodes`.
  public typealias NodeID = Int

  public struct Node: Hashable, Sendable {
    /// Unique in the graph; its parameters are `NAME.weight`, `NAME.bias`.
    public let name: String
    public let operation: Operation
    public let inputs: [NodeID]
    /// Whether training changes its parameters, or they stay as they start.
    public internal(set) var isTrainable = true
  }

  /// Spatial axes of the images: 1, 2 or 3.
  public let dimensions: Int
  public private(set) var nodes: [Node] = []
  /// Values that are read beside the output, by name: a latent vector, a second result.
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

  /// The name, with as many primes as tell it from those of the nodes.
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

  /// Appends nodes before the last one, which stays the output.
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

  /// Freezes the parameters of the nodes for which the condition holds: training leaves them as they start.
  public mutating func freeze(where condition: (Node) -> Bool) {
    for id in nodes.indices where condition(nodes[id]) { freeze(id) }
  }

  /// The name of what an autoencoder reduces an image to, among the tapped values.
  public static let latent = "latent"

  /// The name of the classes of the image that a network tells beside its result, among the tapped values.
  public static let classes = "classes"

  /// Gives a value a name by which it is read beside the output. Nothing else need read it.
  public mutating func tap(_ name: String, _ node: NodeID) {
    precondition(nodes.indices.contains(node), "a tapped node is one of the graph")
    taps[name] = node
  }

  /// For every node, the nodes that read its value, in order (a node that reads it twice stands twice).
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
  public let node: String
  public let problem: String

  public init(node: String, problem: String) {
    self.node = node
    self.problem = problem
  }

  public var description: String { "network node ‘\(node)’: \(problem)" }
}
