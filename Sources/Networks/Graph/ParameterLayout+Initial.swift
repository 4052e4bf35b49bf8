import Host

extension ParameterLayout {
  /// The initial parameters of member `member` of a job with this seed.
  ///
  /// Every parameter has its own random stream, keyed by its name, so that its values depend neither on the other
  /// parameters nor on the order of the nodes.
  public func initialParameters(seed: UInt64, member: Int) -> [Float] {
    var values = Array(repeating: Float(0), count: parameterCount)
    for entry in parameters {
      var stream = RandomStream(
        seed: seed, purpose: .weights, keys: [UInt64(bitPattern: Int64(member)), RandomStream.key(of: entry.name)])
      switch entry.initial {
      case .constant(let value):
        for place in entry.range { values[place] = value }
      case .uniform(let bound):
        for place in entry.range { values[place] = stream.uniform(in: Float(-bound)..<Float(bound)) }
      case .normal(let deviation):
        for place in entry.range { values[place] = Float(deviation * stream.normal()) }
      case .orthogonal:
        let matrix = Initialization.orthogonal(
          rows: entry.shape[0], columns: entry.count / entry.shape[0], &stream)
        for (place, value) in zip(entry.range, matrix) { values[place] = value }
      }
    }
    return values
  }

  /// The initial running statistics: mean 0, variance 1.
  public func initialStatistics() -> [Float] {
    var values = Array(repeating: Float(0), count: statisticCount)
    for entry in statistics {
      if case .constant(let value) = entry.initial {
        for place in entry.range { values[place] = value }
      }
    }
    return values
  }
}

extension NetworkGraph {
  /// The layout of the parameters for images of these extents (which matter to linear layers alone).
  ///
  /// - Throws: `NetworkError` when images of these extents do not fit the network.
  public func layout(extents: [Int]) throws(NetworkError) -> ParameterLayout {
    ParameterLayout(self, shapes: try shapes(extents: extents))
  }
}
