import Settings

/// The mixed-scale dense network (Pelt and Sethian, doi 10.1073/pnas.1715832114): dilated convolutions, densely
/// connected.
///
/// Every layer convolves all planes (channels) before it and appends `width` planes to them; a 1×1 convolution of all
/// planes ends the network. Plane j of layer ℓ takes dilation number ℓ · `width` + j of the cycle 1 …
/// `maximumDilation`, or of the list in `dilations`. All values have the image's extents.
public struct MSDNet: UniformNetworkFamily {
  /// What a layer activates and normalizes.
  public enum Form: String, SettingConvertible, CaseIterable {
    /// The paper's form: every new plane is activated and normalized once.
    case planes
    /// DLSIA's form: after every layer all planes, old and new, are activated and normalized again. The image is
    /// activated before the first layer.
    case stack
  }

  /// Dilations that are listed.
  public enum Dilations: Hashable, SettingConvertible {
    /// Of one plane after another; the list is repeated as often as needed.
    case cycle([Int])
    /// A row for each plane of a layer, a column for each layer. The matrix replaces `layers` and `width`.
    case matrix([[Int]])

    public init(settingValue value: SettingValue) throws(SettingError) {
      self =
        value.list?.first?.list == nil
        ? .cycle(try [Int](settingValue: value)) : .matrix(try [[Int]](settingValue: value))
    }

    public var settingValue: SettingValue {
      switch self {
      case .cycle(let list): list.settingValue
      case .matrix(let rows): rows.settingValue
      }
    }

    static let kind = SettingDeclaration.Kind.or([
      .list(of: .integer(1...1000), 1...), .list(of: .list(of: .integer(1...1000), 1...), 1...),
    ])
  }

  /// Rates of dropout.
  public struct DropoutRates: SettingsSection {
    /// Of the image.
    public var initial: Double
    /// Of the output of each layer, before its activation.
    public var hidden: Double
    /// Of the planes before the last convolution.
    public var final: Double

    /// No dropout.
    public init() { self.init(initial: 0) }

    /// Rates in 0 ..< 1.
    public init(initial: Double = 0, hidden: Double = 0, final: Double = 0) {
      self.initial = initial
      self.hidden = hidden
      self.final = final
    }

    public static let settings: [Setting<DropoutRates>] = [
      .dropout("initial", \.initial, "of the image"),
      .dropout("hidden", \.hidden, "of the output of each layer, before its activation"),
      .dropout("final", \.final, "of the planes before the last convolution"),
    ]
  }

  /// What a layer activates and normalizes.
  public var form = Form.planes
  /// Layers, unless `dilations` is a matrix.
  public var layers = 50
  /// New planes of a layer, unless `dilations` is a matrix.
  public var width = 1
  /// Dilations cycle through 1 … this, unless `dilations` lists them.
  public var maximumDilation = 10
  /// Dilations that are listed; nil for the cycle 1 … `maximumDilation`.
  public var dilations: Dilations?
  /// Odd extents of the convolutions' kernels.
  public var kernel: PerAxis = 3
  /// What convolutions read beyond the border.
  public var paddingMode = PaddingMode.zeros
  /// Applied one after another between convolution and normalization; empty for a linear network.
  public var activations: [Activation] = [.relu]
  /// Applied to the image first; nil for none, or in the form `stack` for `activations`.
  public var inputActivations: [Activation]?
  /// What follows the activations.
  public var normalization = NormalizationKind.batch
  /// Whether batch normalization predicts with running statistics (the default) or those of its own batch.
  public var tracksRunningStatistics = true
  /// Rates of dropout.
  public var dropout = DropoutRates()
  /// How the weights start.
  public var initialization = Initialization.pytorch
  /// After the last convolution, if any.
  public var finalActivation: Activation?

  /// With every setting at its default.
  public init() {}

  public static let name = "msdnet"
  public static let meaning =
    "a mixed-scale dense network: every layer reads all planes before it through dilated convolutions "
    + "(Pelt and Sethian, doi 10.1073/pnas.1715832114)"
  public static let settings: [Setting<MSDNet>] = [
    // How large the networks are is the user's to say.
    Setting(
      "layers", \MSDNet.layers, .integer(1...10_000), isRequired: true,
      "the number of layers; a matrix of dilations replaces it"),
    Setting(
      "form", \MSDNet.form, noun: "form",
      "what a layer activates and normalizes: `planes`, its new planes (the paper); `stack`, all planes, old and new "
        + "(DLSIA)"),
    Setting("width", \MSDNet.width, .integer(1...1000), "new planes of a layer"),
    Setting(
      "max-dilation", \MSDNet.maximumDilation, .integer(1...1000),
      "dilations of one plane after another cycle through 1 to this"),
    Setting(
      "dilations", \MSDNet.dilations, Dilations.kind, otherwise: "1 to `max-dilation`",
      "dilations of one plane after another, repeated; or a matrix with a row for each plane of a layer and a column "
        + "for each layer, which replaces `width` and `layers`"),
    .kernel(\.kernel), .padding(\.paddingMode),
    .activations(
      "activation", \.activations,
      "what follows each convolution, one or several in a list; \(Activation.examples)"),
    .activations(
      "input-activation", \.inputActivations, otherwise: "none; in the form `stack`, `activation`",
      "activation of the image before the first layer"),
    .normalization(\.normalization, "what follows each activation"),
    .runningStatistics(\.tracksRunningStatistics),
    Setting("dropout", \MSDNet.dropout, "rates of dropout while training"),
    .initialization(\.initialization), .finalActivation(\.finalActivation),
  ]

  /// The dilations of every layer's planes.
  public var layerDilations: [[Int]] {
    switch dilations {
    case .matrix(let rows): (rows.first ?? []).indices.map { layer in rows.map { $0[layer] } }
    case .cycle(let list): layerDilations { list[$0 % list.count] }
    case nil: layerDilations { $0 % maximumDilation + 1 }
    }
  }

  private func layerDilations(_ dilation: (Int) -> Int) -> [[Int]] {
    (0..<layers).map { layer in (0..<width).map { dilation(layer * width + $0) } }
  }

  /// The network for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// Plane 1 of layer 3 is made by `layer3.conv1`; `layer3.stack` is the stack after layer 3.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    let extents = try check(dimensions: dimensions)
    var builder = Builder(settings: self, extents: extents, graph: NetworkGraph(dimensions: dimensions))
    builder.graph.initialization = initialization
    var value = builder.graph.add("input", .input(channels: inputChannels))
    value = builder.activate("input.act", inputActivations ?? (form == .stack ? activations : []), value)
    value = builder.drop("input.dropout", dropout.initial, value)
    for (layer, dilations) in layerDilations.enumerated() {
      value = builder.addLayer("layer\(layer)", dilations, value)
    }
    value = builder.drop("last.dropout", dropout.final, value)
    value = builder.graph.add("last.conv", .convolution(Convolution(channels: outputChannels, kernel: 1)), value)
    if let finalActivation { builder.graph.add("last.act", .activation(finalActivation), value) }
    return builder.graph
  }

  private struct Builder {
    let settings: MSDNet
    /// Of the kernel, axis by axis.
    let extents: [Int]
    var graph: NetworkGraph

    mutating func addLayer(
      _ name: String, _ dilations: [Int], _ stack: NetworkGraph.NodeID
    ) -> NetworkGraph.NodeID {
      var planes: [NetworkGraph.NodeID] = []
      for (place, dilation) in dilations.enumerated() {
        let convolution = Convolution(
          channels: 1, kernel: settings.kernel, dilation: .all(dilation),
          padding: settings.kernel.map { dilation.saturatingMultiplied(by: $0 / 2) },
          paddingMode: extents == extents.map { _ in 1 } ? .zeros : settings.paddingMode)
        var plane = graph.add("\(name).conv\(place)", .convolution(convolution), stack)
        if settings.form == .planes { plane = finish(name, "\(place)", plane) }
        planes.append(plane)
      }
      let grown = graph.add("\(name).stack", .concatenation, inputs: [stack] + planes)
      return settings.form == .stack ? finish(name, "", grown) : grown
    }

    /// Dropout, activation, normalization.
    private mutating func finish(
      _ name: String, _ place: String, _ value: NetworkGraph.NodeID
    ) -> NetworkGraph.NodeID {
      var value = drop("\(name).dropout\(place)", settings.dropout.hidden, value)
      value = activate("\(name).act\(place)", settings.activations, value)
      let normalization = settings.normalization
      guard let operation = normalization.operation(tracksRunningStatistics: settings.tracksRunningStatistics) else {
        return value
      }
      return graph.add("\(name).norm\(place)", operation, value)
    }

    mutating func activate(
      _ name: String, _ activations: [Activation], _ value: NetworkGraph.NodeID
    ) -> NetworkGraph.NodeID {
      var value = value
      for (index, activation) in activations.enumerated() {
        value = graph.add(index == 0 ? name : "\(name).\(index)", .activation(activation), value)
      }
      return value
    }

    mutating func drop(_ name: String, _ rate: Double, _ value: NetworkGraph.NodeID) -> NetworkGraph.NodeID {
      rate > 0 ? graph.add(name, .dropout(rate: rate), value) : value
    }
  }

  /// The kernel's extents, if all settings are possible.
  private func check(dimensions: Int) throws(NetworkSettingError) -> [Int] {
    func fail(_ setting: String, _ problem: String) -> NetworkSettingError {
      NetworkSettingError(setting: setting, problem: problem)
    }
    switch dilations {
    case .matrix(let rows):
      guard let columns = rows.first?.count, columns > 0, rows.allSatisfy({ $0.count == columns }) else {
        throw fail("dilations", "a matrix has rows of equal length, a value for each layer, not \(rows).")
      }
    case .cycle(let list) where list.isEmpty: throw fail("dilations", "at least one dilation is needed.")
    default:
      guard (1...10_000).contains(layers) else {
        throw fail("layers", "a mixed-scale dense network has 1 to 10000 layers, not \(layers).")
      }
      guard (1...1000).contains(width) else { throw fail("width", "a layer has 1 to 1000 planes, not \(width).") }
      guard dilations != nil || maximumDilation >= 1 else {
        throw fail("max-dilation", "dilations are at least 1, not \(maximumDilation).")
      }
    }
    guard layerDilations.allSatisfy({ $0.allSatisfy { $0 >= 1 } }) else {
      throw fail("dilations", "a dilation is at least 1.")
    }
    guard let extents = kernel.values(dimensions: dimensions) else {
      throw fail(
        "kernel", "\(kernel) does not have \(dimensions) values, one for each spatial axis; give one number.")
    }
    guard extents.allSatisfy({ $0 > 0 && $0 % 2 == 1 }) else {
      throw fail("kernel", "kernels are odd, so that images keep their size: 1, 3, 5, …, not \(kernel).")
    }
    for (name, rate) in [("initial", dropout.initial), ("hidden", dropout.hidden), ("final", dropout.final)] {
      try NetworkSettingError.check(dropout: rate, "dropout.\(name)")
    }
    return extents
  }
}

extension NetworkGraph {
  /// A mixed-scale dense network (`MSDNet`) as a part of another network: layer ℓ has `width` planes of dilations 1 to
  /// `width`.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  static func mixedScaleDense(
    layers: Int, width: Int, activation: Activation?, paddingMode: PaddingMode, normalization: NormalizationKind,
    tracksRunningStatistics: Bool, inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    var network = MSDNet()
    (network.layers, network.width, network.maximumDilation) = (layers, width, width)
    network.activations = activation.map { [$0] } ?? []
    (network.paddingMode, network.normalization) = (paddingMode, normalization)
    network.tracksRunningStatistics = tracksRunningStatistics
    return try network.graph(inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
  }
}
