import Settings

/// The sparse mixed-scale image classifier of DLSIA (arXiv 2308.02559): a random sparse network from the image to
/// smaller planes, then linear layers (with batch normalization, ReLU and dropout between them) to one score for each
/// class.
///
/// The planes are tapped as `latent`.
public struct SparseLabeler: NetworkFamilySettings {
  /// The network from the image to the planes.
  public var reduction = SparseReduction()
  /// Lengths of the vectors between the planes and the scores.
  public var features = [32]
  /// Rate of dropout of the planes and between linear layers.
  public var dropout = 0.05
  /// Whether batch normalization follows the scores, as in DLSIA.
  public var normalizesScores = false

  /// With every setting at its default.
  public init() {
    (reduction.generator.inputProbability, reduction.generator.outputProbability) = (0.25, 0.25)
  }

  public static let name = "sparse-labeler"
  public static let meaning =
    "a random sparse mixed-scale network to smaller planes and linear layers to a score a class, for images that "
    + "have one class (DLSIA's SparseLabeler)"
  public static let settings: [Setting<SparseLabeler>] =
    SparseReduction.settings.map { $0.within(\SparseLabeler.reduction) } + [
      Setting(
        "features", \SparseLabeler.features, .list(of: .integer(1...1_000_000), 0...),
        "lengths of the vectors between the planes and the scores"),
      SparseReduction.linearDropout(\SparseLabeler.dropout),
      Setting(
        "final-normalization", \SparseLabeler.normalizesScores, .boolean,
        "whether batch normalization follows the scores (DLSIA)"),
    ]

  /// The network of one member; its result is a vector of `outputChannels` scores, one a class.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> NetworkGraph {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    try SparseReduction.check(features, "features")
    try NetworkSettingError.check(dropout: dropout)
    let encoder = try reduction.graph(
      .encoder, inputChannels: inputChannels, outputChannels: reduction.latentChannels, dimensions: dimensions,
      seed: seed, draw: member)
    var graph = NetworkGraph(dimensions: dimensions)
    graph.initialization = reduction.network.initialization
    let image = graph.add("input", .input(channels: inputChannels))
    var value = graph.add(encoder, prefix: "encode.", reading: image)
    graph.tap(NetworkGraph.latent, value)
    if dropout > 0 { value = graph.add("encode.dropout", .dropout(rate: dropout), value) }
    for (place, length) in features.enumerated() {
      value = graph.addLinear("classify\(place)", length, isLast: false, dropout: dropout, reading: value)
    }
    value = graph.addLinear("last", outputChannels, isLast: true, dropout: 0, reading: value)
    if normalizesScores { graph.add("last.norm", .batchNormalization(BatchNormalization()), value) }
    return graph
  }
}
