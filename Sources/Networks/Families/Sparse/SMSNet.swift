import Settings

/// The sparse mixed-scale network of DLSIA (arXiv 2308.02559, II-D): the layers that a topology's edges consist of.
///
/// A node's value is the concatenation of its incoming edges, in the order in which the topology lists them; a 1×1
/// convolution of the output node's value ends the network.
///
/// An edge to a smaller node is a strided convolution. An edge to a node that is s times larger is a transposed
/// convolution of stride s, kernel 2s − 1 and dilation 1.
public struct SMSNet: Hashable, Sendable {
  /// Which edges are linear.
  public enum Form: String, SettingConvertible, CaseIterable {
    /// DLSIA's two-dimensional network, and ours in every dimension: all edges are normalized convolutions of `kernel`,
    /// but those from hidden nodes to the output are 1×1 without bias.
    case planar
    /// DLSIA's three-dimensional network: as `planar`, but the edge from input to output is 1×1×1 without bias too.
    case volumetric
  }

  /// The layers of an edge.
  public struct EdgeLayers: Hashable, Sendable {
    /// Extent of the kernel along each axis.
    public var kernel: Int
    /// Whether the convolution has a bias.
    public var bias: Bool
    /// Whether normalization and activation follow.
    public var isNormalized: Bool
  }

  /// Which edges are linear.
  public var form: Form
  /// Odd extent of the edges' kernels.
  public var kernel = 3
  /// After every normalization, if any.
  public var activation: Activation?
  /// What follows the convolutions.
  public var normalization = NormalizationKind.batch
  /// What convolutions read beyond the border.
  public var paddingMode: PaddingMode
  /// Whether batch normalization predicts with running statistics (the default) or, as DLSIA's, those of its own batch.
  public var tracksRunningStatistics: Bool
  /// Rate of dropout of every hidden node's value.
  public var dropout = 0.0
  /// Whether batch normalization follows the last convolution; with ReLU behind it DLSIA calls this positive
  /// regression.
  public var normalizesOutput = false
  /// After the last convolution, if any.
  public var finalActivation: Activation?
  /// How the weights start.
  public var initialization = Initialization.pytorch
  /// Whether only the last convolution and its normalization are trained; all else keeps its initial values.
  public var isReservoir = false

  /// With these settings, all others at their defaults.
  public init(
    form: Form = .planar, activation: Activation? = .relu, paddingMode: PaddingMode = .reflect,
    tracksRunningStatistics: Bool = true
  ) {
    self.form = form
    self.activation = activation
    self.paddingMode = paddingMode
    self.tracksRunningStatistics = tracksRunningStatistics
  }

  /// What an edge consists of.
  static let edges: [Setting<SMSNet>] = [
    Setting(
      "form", \SMSNet.form, noun: "form",
      "the connection from input to output: `planar`, kernel 3 with normalization and activation (DLSIA in 2-D); "
        + "`volumetric`, 1×1×1 and linear (DLSIA in 3-D)"),
    Setting("kernel", \SMSNet.kernel, .integer(1...31), "extent of the connections' kernels, an odd number"),
    .padding(\.paddingMode),
    .activation("activation", \.activation, "what follows each normalization; \(Activation.examples)"),
    .normalization(\.normalization, "what follows each convolution"),
    .runningStatistics(\.tracksRunningStatistics), .initialization(\.initialization),
  ]

  /// What follows the edges, and what is trained.
  static let ends: [Setting<SMSNet>] = [
    .dropout(
      "dropout", \.dropout, "rate of dropout of each node between input and output, while training"),
    Setting(
      "reservoir", \SMSNet.isReservoir, .boolean,
      "whether only the last convolution is trained; all else keeps its initial values"),
    Setting(
      "final-normalization", \SMSNet.normalizesOutput, .boolean,
      "whether batch normalization follows the last convolution"),
    .finalActivation(\.finalActivation),
  ]

  /// The layers of an edge of this topology.
  public func layers(of edge: SMSNetTopology.Edge, in topology: SMSNetTopology) -> EdgeLayers {
    let isLinear = edge.target == topology.output && (edge.source != 0 || form == .volumetric)
    return isLinear
      ? EdgeLayers(kernel: 1, bias: false, isNormalized: false)
      : EdgeLayers(kernel: kernel, bias: true, isNormalized: true)
  }

  /// The network of a topology for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// The edge from node 3 to node 5 has the nodes `edge3-5.conv`, `edge3-5.norm`, `edge3-5.act`; the concatenation that
  /// is node 5 is called `node5`, and is left out where a single edge enters. All edges that leave a node follow one
  /// another.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    topology: SMSNetTopology, inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    guard kernel > 0, kernel % 2 == 1 else {
      throw NetworkSettingError(
        setting: "kernel", problem: "kernels are odd, so that images keep their size: 1, 3, 5, …, not \(kernel).")
    }
    try NetworkSettingError.check(dropout: dropout)
    var leaving = Array(repeating: [Int](), count: topology.nodeCount)
    var entering = leaving
    for (index, edge) in topology.edges.enumerated() {
      leaving[edge.source].append(index)
      entering[edge.target].append(index)
    }
    var graph = NetworkGraph(dimensions: dimensions)
    graph.initialization = initialization
    var value = graph.add("input", .input(channels: inputChannels))
    var edgeValues = Array(repeating: value, count: topology.edges.count)
    for node in topology.executionOrder {
      if node != 0 {
        let parts = entering[node].map { edgeValues[$0] }
        value = parts.count == 1 ? parts[0] : graph.add("node\(node)", .concatenation, inputs: parts)
        if dropout > 0, node != topology.output {
          value = graph.add("node\(node).dropout", .dropout(rate: dropout), value)
        }
      }
      for index in leaving[node] {
        edgeValues[index] = add(topology.edges[index], of: topology, reading: value, to: &graph)
      }
    }
    // Every node leads to the output, which is therefore the last in execution order: `value` is its value.
    value = graph.add("last.conv", .convolution(Convolution(channels: outputChannels, kernel: 1)), value)
    if normalizesOutput {
      let normalization = BatchNormalization(tracksRunningStatistics: tracksRunningStatistics)
      value = graph.add("last.norm", .batchNormalization(normalization), value)
    }
    if let finalActivation { graph.add("last.act", .activation(finalActivation), value) }
    if isReservoir { graph.freeze { !$0.name.hasPrefix("last.") } }
    return graph
  }

  private func add(
    _ edge: SMSNetTopology.Edge, of topology: SMSNetTopology, reading source: NetworkGraph.NodeID,
    to graph: inout NetworkGraph
  ) -> NetworkGraph.NodeID {
    let layers = layers(of: edge, in: topology)
    let name = "edge\(edge.source)-\(edge.target)"
    var value: NetworkGraph.NodeID
    let rise = topology.power(of: edge.target) - topology.power(of: edge.source)
    let stride = (0..<abs(rise)).reduce(1) { stride, _ in stride * (topology.scales?.base ?? 1) }
    if rise > 0 {
      let up = TransposedConvolution(
        channels: edge.channels, kernel: .all(2 * stride - 1), stride: .all(stride), padding: .all(stride - 1),
        bias: layers.bias)
      let size = addSize(ofNode: edge.target, topology, to: &graph)
      value = graph.add("\(name).conv", .transposedConvolution(up), source, size)
    } else {
      var convolution = Convolution.same(
        channels: edge.channels, kernel: layers.kernel, dilation: layers.kernel == 1 ? 1 : edge.dilation,
        paddingMode: layers.kernel == 1 ? .zeros : paddingMode, bias: layers.bias)
      convolution.stride = .all(stride)
      value = graph.add("\(name).conv", .convolution(convolution), source)
    }
    guard layers.isNormalized else { return value }
    if let operation = normalization.operation(tracksRunningStatistics: tracksRunningStatistics) {
      value = graph.add("\(name).norm", operation, value)
    }
    if let activation { value = graph.add("\(name).act", .activation(activation), value) }
    return value
  }

  /// A value as large as a node's, for its extents alone: the image, or a sample of its pixels (`size-1` for power −1).
  private func addSize(
    ofNode node: Int, _ topology: SMSNetTopology, to graph: inout NetworkGraph
  ) -> NetworkGraph.NodeID {
    let power = topology.power(of: node)
    let name = "size\(power)"
    guard power != 0, let scales = topology.scales,
      let factor = SMSNetTopology.Scales.factor(base: scales.base, power: power)
    else { return 0 }
    if let known = graph.nodes.firstIndex(where: { $0.name == name }) { return known }
    return power < 0
      ? graph.add(name, .maxPooling(MaxPooling(kernel: 1, stride: .all(factor))), 0)
      : graph.add(name, .upsampling(Upsampling(mode: .nearest, factor: .all(factor))), 0)
  }
}
