import Settings

/// The sparse mixed-scale autoencoder of DLSIA (arXiv 2308.02559): a random sparse network encodes the image as smaller
/// planes, another one decodes them.
///
/// With a `code`, linear layers (with batch normalization, ReLU and dropout between them) map the planes to a vector,
/// and mirrored ones map it back. The number of parameters then depends on the image's extents. The code, or without
/// one the planes, are tapped as `latent`.
public struct SparseAutoencoder: NetworkFamilySettings {
  /// The encoder; the decoder has the same settings.
  public var reduction = SparseReduction()
  /// Lengths of the vectors from the planes to the code, which is the last; empty to decode the planes themselves.
  public var code: [Int] = []
  /// Rate of dropout between linear layers.
  public var dropout = 0.05
  /// After the decoder, if any.
  public var finalActivation: Activation?

  /// With every setting at its default.
  public init() {
    (reduction.generator.inputProbability, reduction.generator.outputProbability) = (1, 1)
  }

  public static let name = "sparse-autoencoder"
  public static let meaning =
    "a random sparse mixed-scale network to smaller planes, perhaps to a vector of few numbers, and another one back "
    + "(DLSIA's SparseAutoEncoder); other networks for each member"
  public static let settings: [Setting<SparseAutoencoder>] =
    SparseReduction.settings.map { $0.within(\SparseAutoencoder.reduction) } + [
      Setting(
        "code", \SparseAutoencoder.code, .list(of: .integer(1...1_000_000), 0...),
        "lengths of the vectors from the planes to the code, which is the last; none: the planes are the code"),
      SparseReduction.linearDropout(\SparseAutoencoder.dropout), .finalActivation(\.finalActivation),
    ]

  /// The network of one member for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> NetworkGraph {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    try SparseReduction.check(code, "code")
    try NetworkSettingError.check(dropout: dropout)
    func part(_ direction: SparseReduction.Direction, from first: Int, to last: Int) throws -> NetworkGraph {
      try reduction.graph(
        direction, inputChannels: first, outputChannels: last, dimensions: dimensions, seed: seed,
        draw: 2 * member + (direction == .encoder ? 0 : 1))
    }
    var graph = NetworkGraph(dimensions: dimensions)
    graph.initialization = reduction.network.initialization
    let image = graph.add("input", .input(channels: inputChannels))
    let encoder = try part(.encoder, from: inputChannels, to: reduction.latentChannels)
    let planes = graph.add(encoder, prefix: "encode.", reading: image)
    var value = planes
    for (place, length) in code.enumerated() {
      value = graph.addLinear(
        "code\(place)", length, isLast: place == code.count - 1, dropout: dropout, reading: value)
    }
    graph.tap(NetworkGraph.latent, value)
    if !code.isEmpty {
      for (place, length) in code.dropLast().reversed().enumerated() {
        value = graph.addLinear("expand\(place)", length, isLast: false, dropout: dropout, reading: value)
      }
      value = graph.add("expand", .linear(features: 0, bias: true), value, planes)
    }
    let decoder = try part(.decoder, from: reduction.latentChannels, to: outputChannels)
    value = graph.add(decoder, prefix: "decode.", reading: value)
    // Images whose extents are no multiples of the reduction come back a little larger.
    value = graph.add("last.size", .upsampling(Upsampling(mode: .nearest, factor: 1)), value, image)
    if let finalActivation { graph.add("last.act", .activation(finalActivation), value) }
    return graph
  }
}
