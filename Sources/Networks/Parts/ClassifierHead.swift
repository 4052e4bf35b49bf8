/// Linear layers that classify an image by an autoencoder's latent values, beside its reconstruction (DLSIA's
/// SparseAEC, arXiv 2308.02559). Batch normalization, ReLU and dropout follow all but the last.
///
/// The scores, one for each class, are tapped as `classes`.
public struct ClassifierHead: Hashable, Sendable, Codable {
  /// Lengths of the vectors between the latent values and the scores; nil for two of half the number of latent values.
  public var features: [Int]?
  /// Rate of dropout between linear layers.
  public var dropout = 0.05

  /// With every setting at its default.
  public init(features: [Int]? = nil, dropout: Double = 0.05) {
    self.features = features
    self.dropout = dropout
  }

  /// The network with these layers.
  ///
  /// - Parameter extents: of an image, by which latent values are counted.
  /// - Throws: `NetworkSettingError` when the network has no latent values or a setting is impossible, `NetworkError`
  ///   when the image does not fit the network.
  public func graph(of network: NetworkGraph, classes: Int, extents: [Int]) throws -> NetworkGraph {
    if let features { try SparseReduction.check(features, "features") }
    try NetworkSettingError.check(dropout: dropout)
    guard let latent = network.taps[NetworkGraph.latent], latent != network.output else {
      throw NetworkSettingError(
        setting: "family",
        problem: "this family has no latent values from which classes could be told; autoencoders have.")
    }
    let half = max(1, try network.shapes(extents: extents)[latent].elements / 2)
    var graph = network
    graph.insertBeforeOutput { graph in
      var value = latent
      for (place, length) in (features ?? [half, half]).enumerated() {
        value = graph.addLinear("classify\(place)", length, isLast: false, dropout: dropout, reading: value)
      }
      graph.tap(NetworkGraph.classes, graph.addLinear("classify", classes, isLast: true, dropout: 0, reading: value))
    }
    return graph
  }
}
