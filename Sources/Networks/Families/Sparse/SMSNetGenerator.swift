import Host
import Settings

/// Draws sparse mixed-scale networks at random, by the hyper-parameters of DLSIA's paper (arXiv 2308.02559, II-D).
///
/// With hidden nodes 1 … N between the input I and the output O:
///
/// 1. Node i < N draws its degree k, the number of edges to later hidden nodes, with probability ∝ k^−γ between the
///    degree limits, which are lowered to the N − i nodes that there are.
/// 2. It draws k different targets i + δ one after another, with probability ∝ exp(−α·δ).
/// 3. Every hidden node has an edge from I with probability P_IL and one to O with probability P_LO. A node that no
///    hidden node leads to has its edge from I in any case, and one that leads to none its edge to O.
/// 4. With `inputOutput` there is an edge from I to O.
/// 5. Dilations and channels of edges between hidden nodes, and channels of edges from hidden nodes to O, are uniform
///    choices. Edges from I have dilation 1 and as many channels as the image.
/// 6. Every hidden node has a scale, a uniform choice of powers of a base.
///
/// Every edge drawn is kept, so that every node lies on a path from I to O.
public struct SMSNetGenerator: Hashable, Sendable {
  /// Nodes between input and output.
  public var nodes = 20
  /// Limits of the number of edges from a hidden node to later ones.
  public var degree = DegreeLimits()
  /// The larger, the more nodes of low degree: density ∝ k^−γ; 0 makes all degrees alike.
  public var gamma = 0.0
  /// The larger, the shorter the skips: probability ∝ exp(−α·δ); 0 makes all lengths alike.
  public var alpha = 0.5
  /// Probability of an edge from the input to a hidden node.
  public var inputProbability = 0.5
  /// Probability of an edge from a hidden node to the output.
  public var outputProbability = 0.5
  /// Whether an edge leads from the input to the output.
  public var inputOutput = true
  /// What the dilations of edges between hidden nodes are chosen from.
  public var dilations = [1, 2, 3, 4]
  /// How they are chosen.
  public var dilationMode = DilationMode.edge
  /// What the channels of edges from hidden nodes are chosen from.
  public var hiddenChannels = [3]
  /// What the scales of hidden nodes are chosen from.
  public var scales = Scales()
  /// Bounds of the number of parameters: topologies are drawn again until the network keeps them.
  public var parameters = ParameterBounds()

  /// What has a dilation of its own.
  public enum DilationMode: String, SettingConvertible, CaseIterable {
    /// Every edge between hidden nodes.
    case edge
    /// Every hidden node, for all edges from hidden nodes that enter it.
    case node
    /// As `node`, but the choices are taken in turn from node to node.
    case cyclic
  }

  /// Node sizes: `base` to the powers `minimum` … `maximum` times the image's extents (`SMSNetTopology.Scales`).
  public struct Scales: SettingsSection {
    /// The factor between sizes.
    public var base = 2
    /// The lowest power.
    public var minimum = 0
    /// The highest power.
    public var maximum = 0

    /// With every setting at its default.
    public init() {}

    public static let settings: [Setting<Scales>] = [
      Setting("base", \Scales.base, .integer(2...16), "the factor between sizes"),
      Setting(
        "min", \Scales.minimum, .integer(-8...8), "lowest power; −1: down to a `base`-th of the image's extents"),
      Setting("max", \Scales.maximum, .integer(-8...8), "highest power"),
    ]
  }

  /// Fewest and most parameters that a network may have.
  public struct ParameterBounds: SettingsSection {
    /// Fewest parameters; nil for no limit.
    public var min: Int?
    /// Most parameters; nil for no limit.
    public var max: Int?

    /// No bounds.
    public init() {}

    /// Bounds; nil for no limit.
    public init(min: Int? = nil, max: Int? = nil) {
      self.min = min
      self.max = max
    }

    public static let settings: [Setting<ParameterBounds>] = [
      Setting("min", \ParameterBounds.min, .integer(0...1_000_000_000_000), otherwise: "no limit", "fewest parameters"),
      Setting("max", \ParameterBounds.max, .integer(0...1_000_000_000_000), otherwise: "no limit", "most parameters"),
    ]
  }

  /// Limits of the number of edges from a hidden node to later ones.
  public struct DegreeLimits: SettingsSection {
    /// Fewest edges, where there are as many later nodes.
    public var min = DegreeLimit.edges(1)
    /// Most edges; nil for as many as there are later nodes.
    public var max: DegreeLimit?

    /// At least one edge.
    public init() {}

    /// Limits; nil for as many edges as there are later nodes.
    public init(min: DegreeLimit = .edges(1), max: DegreeLimit? = nil) {
      self.min = min
      self.max = max
    }

    public static let settings: [Setting<DegreeLimits>] = [
      Setting(
        "min", \DegreeLimits.min, DegreeLimit.kind,
        "fewest connections from a node to later ones; below 1: a part of the nodes"),
      Setting(
        "max", \DegreeLimits.max, DegreeLimit.kind, otherwise: "no limit",
        "most connections from a node to later ones; below 1: a part of the nodes"),
    ]
  }

  /// How networks are connected.
  static let connections: [Setting<SMSNetGenerator>] = [
    // How large the networks are is the user's to say.
    Setting(
      "nodes", \SMSNetGenerator.nodes, .integer(1...1000), isRequired: true, "nodes between input and output"),
    Setting(
      "hidden-channels", \SMSNetGenerator.hiddenChannels, .list(of: .integer(1...1024), 1...),
      "output channels of connections; drawn from this list for each"),
    Setting(
      "dilations", \SMSNetGenerator.dilations, .list(of: .integer(1...64), 1...),
      "dilations of connections between nodes; drawn from this list as `dilation-mode` says"),
    Setting(
      "dilation-mode", \SMSNetGenerator.dilationMode, noun: "dilation mode",
      "what has a dilation of its own: `edge`, each connection; `node`, each node, for all connections that enter it; "
        + "`cyclic`, as `node`, but dilations are taken from the list in turn"),
    Setting(
      "alpha", \SMSNetGenerator.alpha, .number(.atLeast(0, limit: 1e6)),
      "skip length: a connection over δ nodes has weight exp(−alpha·δ); 0 makes all lengths alike"),
    Setting(
      "gamma", \SMSNetGenerator.gamma, .number(.atLeast(0, limit: 1e6)),
      "degree: a node has k connections with weight k^(−gamma); 0 makes all degrees alike"),
    Setting("degree", \SMSNetGenerator.degree, "limits of the number of connections of a node"),
    Setting(
      "input-probability", \SMSNetGenerator.inputProbability, .number(.from(0...1)),
      "probability that a node reads the input, if it reads another node"),
    Setting(
      "output-probability", \SMSNetGenerator.outputProbability, .number(.from(0...1)),
      "probability that the output reads a node, if another node reads it"),
    Setting("input-output", \SMSNetGenerator.inputOutput, .boolean, "whether the output reads the input"),
  ]

  /// Sizes of nodes and bounds of a network's parameters.
  static let bounds: [Setting<SMSNetGenerator>] = [
    Setting(
      "scales", \SMSNetGenerator.scales,
      "sizes of nodes: the image's extents times a power of `base`, which is drawn for each node"),
    Setting(
      "parameters", \SMSNetGenerator.parameters,
      "bounds of a network's number of parameters; it is drawn again until it is within them, at most "
        + "\(SMSNetGenerator.attempts) times"),
  ]

  /// With every setting at its default.
  public init() {}

  /// The network of one member: a pure function of these settings, the image's channels, the job's seed, the member and
  /// the number of the try. It need not keep the bounds of parameters (`member(…)` sees to it).
  ///
  /// - Parameter outputPower: the power of the output node's scale; 0 for an output as large as the image.
  /// - Throws: `NetworkSettingError` that names an impossible setting.
  /// - Complexity: O(*nodes*³) where degrees are unlimited.
  public func topology(
    inputChannels: Int, seed: UInt64, member: Int, attempt: Int = 0, outputPower: Int = 0
  ) throws -> SMSNetTopology {
    try check(outputPower: outputPower)
    guard inputChannels > 0 else {
      throw NetworkSettingError(setting: "input-channels", problem: "an image has at least one channel.")
    }
    func stream(_ part: String) -> RandomStream {
      let keys = [UInt64(bitPattern: Int64(member)), RandomStream.key(of: part)]
      return RandomStream(seed: seed, purpose: .graph, keys: attempt == 0 ? keys : keys + [UInt64(attempt)])
    }
    // A stream for each kind of choice: with other dilations, say, the same seed still gives the same connections.
    var connections = stream("connections")
    let targets = hiddenTargets(&connections)
    var entered = Array(repeating: false, count: nodes + 1)
    for list in targets { for target in list { entered[target] = true } }
    var ends = stream("ends")
    let fromInput = (1...nodes).filter { node in
      // The draw comes first: the stream's position must not depend on what was drawn before.
      ends.uniformDouble() < inputProbability || !entered[node]
    }
    let toOutput = (1...nodes).map { node in
      ends.uniformDouble() < outputProbability || targets[node].isEmpty
    }
    var dilation = stream("dilations")
    let nodeDilations = (0..<nodes).map { node in
      switch dilationMode {
      case .edge: 0
      case .node: dilations[dilation.integer(below: dilations.count)]
      case .cyclic: dilations[node % dilations.count]
      }
    }
    func nextDilation(_ target: Int) -> Int {
      dilationMode == .edge ? dilations[dilation.integer(below: dilations.count)] : nodeDilations[target - 1]
    }
    var channels = stream("channels")
    let output = nodes + 1
    var edges = fromInput.map {
      SMSNetTopology.Edge(source: 0, target: $0, dilation: 1, channels: inputChannels)
    }
    if inputOutput {
      edges.append(SMSNetTopology.Edge(source: 0, target: output, dilation: 1, channels: inputChannels))
    }
    for node in 1...nodes {
      for target in targets[node] {
        edges.append(
          SMSNetTopology.Edge(
            source: node, target: target, dilation: nextDilation(target),
            channels: hiddenChannels[channels.integer(below: hiddenChannels.count)]))
      }
      if toOutput[node - 1] {
        edges.append(
          SMSNetTopology.Edge(
            source: node, target: output, dilation: 1,
            channels: hiddenChannels[channels.integer(below: hiddenChannels.count)]))
      }
    }
    var scale = stream("scales")
    let powers = (0..<nodes).map { _ in scales.minimum + scale.integer(below: scales.maximum - scales.minimum + 1) }
    return try SMSNetTopology(
      nodeCount: nodes + 2, edges: edges,
      scales: SMSNetTopology.Scales(base: scales.base, powers: [0] + powers + [outputPower]))
  }

  /// How many topologies are drawn at most for a network whose parameters are bounded.
  public static let attempts = 1000

  /// The network of one member, drawn again and again until its parameters are within the bounds.
  ///
  /// - Parameter graph: the network of a topology.
  /// - Throws: `NetworkSettingError` that names an impossible setting, the bounds among them when none of `attempts`
  ///   topologies keeps them.
  public func member(
    _ member: Int, inputChannels: Int, seed: UInt64, graph: (SMSNetTopology) throws -> NetworkGraph
  ) throws -> (topology: SMSNetTopology, graph: NetworkGraph) {
    let bounds = (parameters.min ?? 0)...max(parameters.min ?? 0, parameters.max ?? Int.max)
    var fewest = Int.max
    var most = 0
    for attempt in 0..<Self.attempts {
      let topology = try topology(inputChannels: inputChannels, seed: seed, member: member, attempt: attempt)
      let result = try graph(topology)
      if parameters == ParameterBounds() { return (topology, result) }
      let image = Array(repeating: 1 << 20, count: result.dimensions)
      let count = ParameterLayout(result, shapes: try result.shapes(image: image)).parameterCount
      if bounds.contains(count) { return (topology, result) }
      fewest = min(fewest, count)
      most = max(most, count)
    }
    throw NetworkSettingError(
      setting: "parameters",
      problem: "none of \(Self.attempts) networks drawn for member \(member) keeps the bounds; they have \(fewest) to "
        + "\(most) parameters. Widen the bounds, or change nodes, degree or hidden-channels.")
  }

  /// The degrees that hidden node `node` (1 … `nodes`) may draw: empty for the last.
  public func degrees(ofNode node: Int) -> Range<Int> {
    let available = nodes - node
    guard available > 0 else { return 0..<0 }
    let most = min(degree.max?.edges(nodes: nodes) ?? available, available)
    let fewest = min(degree.min.edges(nodes: nodes), most)
    return fewest..<most + 1
  }

  /// For every node, its targets among the later hidden nodes, ascending. Index 0 stands for the input and is empty.
  private func hiddenTargets(_ stream: inout RandomStream) -> [[Int]] {
    // e^(−α·δ) for δ = 0, 1, …
    let weights = (0...nodes).map { 1 / power(2.718281828459045, alpha * Double($0)) }
    var result: [[Int]] = [[]]
    for node in 1...nodes {
      let degrees = degrees(ofNode: node)
      guard let lowest = degrees.first else {
        result.append([])
        continue
      }
      // Relative to the lowest degree, so that the weights cannot all underflow.
      let degreeWeights = degrees.map { 1 / power(Double($0) / Double(lowest), gamma) }
      let degree = lowest + stream.index(weights: degreeWeights)
      var left = Array(node + 1...nodes)
      var targets: [Int] = []
      for _ in 0..<degree {
        // Relative to the nearest node that is left, for the same reason.
        let chosen = stream.index(weights: left.map { weights[$0 - left[0]] })
        targets.append(left.remove(at: chosen))
      }
      result.append(targets.sorted())
    }
    return result
  }

  private func check(outputPower: Int) throws(NetworkSettingError) {
    func fail(_ setting: String, _ problem: String) -> NetworkSettingError {
      NetworkSettingError(setting: setting, problem: problem)
    }
    guard (1...10_000).contains(nodes) else {
      throw fail("nodes", "a sparse network has 1 to 10000 nodes between input and output, not \(nodes).")
    }
    for (name, limit) in [("min", degree.min), ("max", degree.max)] {
      switch limit {
      case .edges(let count)? where count < 1:
        throw fail("degree.\(name)", "a node has at least one edge, not \(count).")
      case .fraction(let part)? where !(part > 0 && part < 1):
        throw fail("degree.\(name)", "a fraction of the nodes lies between 0 and 1, not at \(part).")
      default: break
      }
    }
    if let most = degree.max, degree.min.edges(nodes: nodes) > most.edges(nodes: nodes) {
      throw fail(
        "degree",
        "min (\(degree.min.edges(nodes: nodes)) edges) is above max "
          + "(\(most.edges(nodes: nodes)) edges).")
    }
    guard scales.base >= 2, scales.base <= 16 else {
      throw fail("scales.base", "scales are powers of 2 to 16, not of \(scales.base).")
    }
    let powers = [scales.minimum, scales.maximum, outputPower]
    guard scales.minimum <= scales.maximum,
      powers.allSatisfy({ SMSNetTopology.Scales.factor(base: scales.base, power: $0) != nil })
    else {
      throw fail(
        "scales",
        "min (\(scales.minimum)) is not above max (\(scales.maximum)), and no size differs from the image's by more than "
          + "a factor of 256.")
    }
    if let min = parameters.min, let max = parameters.max, min > max {
      throw fail("parameters", "min (\(min)) is above max (\(max)).")
    }
    guard gamma >= 0, gamma.isFinite else {
      throw fail("gamma", "the degree's density falls as k^−gamma with gamma at least 0, not \(gamma).")
    }
    guard alpha >= 0, alpha.isFinite else {
      throw fail("alpha", "skips become rarer as exp(−alpha · length) with alpha at least 0, not \(alpha).")
    }
    for (name, probability) in [
      ("input-probability", inputProbability), ("output-probability", outputProbability),
    ] where !(0...1).contains(probability) {
      throw fail(name, "a probability lies between 0 and 1, not at \(probability).")
    }
    guard !dilations.isEmpty, dilations.allSatisfy({ $0 >= 1 }) else {
      throw fail("dilations", "at least one dilation to choose from is needed, each at least 1, not \(dilations).")
    }
    guard !hiddenChannels.isEmpty, hiddenChannels.allSatisfy({ $0 >= 1 }) else {
      throw fail(
        "hidden-channels",
        "at least one number of channels to choose from is needed, each at least 1, "
          + "not \(hiddenChannels).")
    }
  }
}

/// `base` to the power of `exponent` ≥ 0 by products and square roots alone, which are the same on every machine: the
/// exponent's whole part by squaring, its fraction bit by bit, as base^½, base^¼, ….
func power(_ base: Double, _ exponent: Double) -> Double {
  guard exponent < 4096 else { return base > 1 ? .infinity : base == 1 ? 1 : 0 }
  var result = 1.0
  var whole = Int(exponent)
  var square = base
  while whole > 0 {
    if whole & 1 == 1 { result *= square }
    square *= square
    whole >>= 1
  }
  var fraction = exponent - exponent.rounded(.down)
  var root = base
  while fraction > 0 {
    root = root.squareRoot()
    fraction *= 2
    if fraction >= 1 {
      result *= root
      fraction -= 1
    }
  }
  return result
}
