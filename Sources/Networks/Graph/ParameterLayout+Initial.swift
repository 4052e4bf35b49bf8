import Host

extension ParameterLayout {
  /// The parameters that member `member` of a job with this seed starts from.
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

  /// The running statistics that training starts from: mean 0, variance 1.
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
  /// Where the parameters lie for images of these extents (which matter to linear layers alone).
  public func layout(extents: [Int]) throws(NetworkError) -> ParameterLayout {
    ParameterLayout(self, shapes: try shapes(extents: extents))
  }
}
