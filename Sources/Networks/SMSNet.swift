/// The sparse mixed-scale network of DLSIA (arXiv 2308.02559, II-D): a topology, run as convolutions in 1, 2 or 3 dimensions.
///
/// A node's value is the concatenation of its incoming edges, in the order in which the topology lists them; a 1×1
/// convolution of the output node's value ends the network. What an edge consists of is the form's to say.
public struct SMSNet: Hashable, Sendable {
  /// The layers of an edge, by where it runs.
  public enum Form: String, Hashable, Sendable, Codable, CaseIterable {
    /// DLSIA's two-dimensional network, and ours in every dimension: all edges are normalized convolutions of kernel 3,
    /// but those from hidden nodes to the output are 1×1 without bias.
    case planar
    /// DLSIA's three-dimensional network: as `planar`, but the edge from input to output is 1×1×1 without bias too.
    case volumetric
  }

  /// The layers of an edge.
  public struct EdgeLayers: Hashable, Sendable {
    public var kernel: Int
    public var bias: Bool
    /// Whether batch normalization and activation follow.
    public var isNormalized: Bool

    static let full = EdgeLayers(kernel: 3, bias: true, isNormalized: true)
    static let linear = EdgeLayers(kernel: 1, bias: false, isNormalized: false)
  }

  public var form: Form
  /// After every normalization.
  public var activation: Activation
  /// How the convolutions see beyond the image.
  public var paddingMode: PaddingMode
  /// Whether predictions use running statistics (the default) or, as DLSIA's, those of their own batch.
  public var tracksRunningStatistics: Bool

  public init(
    form: Form = .planar, activation: Activation = .relu, paddingMode: PaddingMode = .reflect,
    tracksRunningStatistics: Bool = true
  ) {
    self.form = form
    self.activation = activation
    self.paddingMode = paddingMode
    self.tracksRunningStatistics = tracksRunningStatistics
  }

  /// The layers of an edge of this topology.
  public func layers(of edge: SMSNetTopology.Edge, in topology: SMSNetTopology) -> EdgeLayers {
    let isLinear = edge.target == topology.output && (edge.source != 0 || form == .volumetric)
    return isLinear ? .linear : .full
  }

  /// The network of a topology for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// The edge from node 3 to node 5 has the nodes `edge3-5.conv`, `edge3-5.norm`, `edge3-5.act`; the concatenation that is
  /// node 5 is called `node5`, and is left out where a single edge enters. All edges that leave a node follow one another.
  ///
  /// - Throws: `NetworkSettingError` when there are no channels or the dimensions are not 1, 2 or 3.
  public func graph(
    topology: SMSNetTopology, inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    var leaving = Array(repeating: [Int](), count: topology.nodeCount)
    var entering = leaving
    for (index, edge) in topology.edges.enumerated() {
      leaving[edge.source].append(index)
      entering[edge.target].append(index)
    }
    var graph = NetworkGraph(dimensions: dimensions)
    var value = graph.add("input", .input(channels: inputChannels))
    var edgeValues = Array(repeating: value, count: topology.edges.count)
    for node in topology.executionOrder {
      if node != 0 {
        let parts = entering[node].map { edgeValues[$0] }
        value = parts.count == 1 ? parts[0] : graph.add("node\(node)", .concatenation, inputs: parts)
      }
      for index in leaving[node] {
        edgeValues[index] = add(topology.edges[index], of: topology, reading: value, to: &graph)
      }
    }
    // Every node leads to the output, which is therefore the last in execution order: `value` is its value.
    graph.add("last.conv", .convolution(Convolution(channels: outputChannels, kernel: 1)), value)
    return graph
  }

  private func add(
    _ edge: SMSNetTopology.Edge, of topology: SMSNetTopology, reading source: NetworkGraph.NodeID,
    to graph: inout NetworkGraph
  ) -> NetworkGraph.NodeID {
    let layers = layers(of: edge, in: topology)
    let name = "edge\(edge.source)-\(edge.target)"
    let convolution = Convolution.same(
      channels: edge.channels, kernel: layers.kernel, dilation: layers.kernel == 1 ? 1 : edge.dilation,
      paddingMode: layers.kernel == 1 ? .zeros : paddingMode, bias: layers.bias)
    var value = graph.add("\(name).conv", .convolution(convolution), source)
    if layers.isNormalized {
      let normalization = BatchNormalization(tracksRunningStatistics: tracksRunningStatistics)
      value = graph.add("\(name).norm", .batchNormalization(normalization), value)
      value = graph.add("\(name).act", .activation(activation), value)
    }
    return value
  }
}

extension SMSNet: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case form, activation
    case paddingMode = "padding"
    case tracksRunningStatistics = "running-statistics"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let defaults = SMSNet()
    form = try container.decodeIfPresent(Form.self, forKey: .form) ?? defaults.form
    activation = try container.decodeIfPresent(Activation.self, forKey: .activation) ?? defaults.activation
    paddingMode = try container.decodeIfPresent(PaddingMode.self, forKey: .paddingMode) ?? defaults.paddingMode
    tracksRunningStatistics =
      try container.decodeIfPresent(Bool.self, forKey: .tracksRunningStatistics) ?? defaults.tracksRunningStatistics
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(form, forKey: .form)
    try container.encode(activation, forKey: .activation)
    try container.encode(paddingMode, forKey: .paddingMode)
    try container.encode(tracksRunningStatistics, forKey: .tracksRunningStatistics)
  }
}
