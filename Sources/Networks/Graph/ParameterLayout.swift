import Host

/// Where the parameters and running statistics of a network lie, each in one flat vector.
///
/// The order is that of the nodes, weight before bias; nothing lies between two parameters. Optimizers, gradient
/// exchange and checkpoints see the flat vectors, model files and exports the names.
public struct ParameterLayout: Hashable, Sendable {
  /// A named part of the flat vector.
  public struct Entry: Hashable, Sendable {
    /// `NODE.weight`, `NODE.bias`, `NODE.running_mean`, `NODE.running_var`.
    public let name: String
    /// Extents, as PyTorch orders them.
    public let shape: [Int]
    /// Index of the first element in the flat vector.
    public let offset: Int
    /// How its elements start.
    public let initial: Initial
    /// Whether training changes it.
    public var isTrainable = true

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }
    /// Its indices in the flat vector.
    public var range: Range<Int> { offset..<offset + count }
  }

  /// How an entry starts.
  public enum Initial: Hashable, Sendable {
    /// All elements have one value.
    case constant(Float)
    /// Uniform in ±bound: PyTorch's default for convolutions and linear layers is ±1/√fan_in.
    case uniform(bound: Double)
    /// Normally distributed with mean 0.
    case normal(deviation: Double)
    /// Orthonormal rows or columns of the matrix `[first extent, all others]`.
    case orthogonal
  }

  /// Trained by gradient.
  public private(set) var parameters: [Entry] = []
  /// Running mean and variance of the batch normalizations that track them.
  public private(set) var statistics: [Entry] = []

  /// Length of the flat vector of parameters.
  public private(set) var parameterCount = 0
  /// Length of the flat vector of running statistics.
  public private(set) var statisticCount = 0

  /// The index of each entry, by its name.
  private var parameterIndices: [String: Int] = [:]
  private var statisticIndices: [String: Int] = [:]

  /// The layout of a graph whose nodes have these shapes (`NetworkGraph.shapes(extents:)`).
  public init(_ graph: NetworkGraph, shapes: [FeatureShape]) {
    for (id, node) in graph.nodes.enumerated() {
      let first = parameterCount
      switch (node.operation, graph.weightShape(of: id, shapes: shapes)) {
      case (.convolution(let c), let weight?):
        addWeights(node, weight: weight, bias: c.bias ? c.channels : nil, graph.initialization)
      case (.transposedConvolution(let c), let weight?):
        // PyTorch takes axis 1 of the weight, which holds the output channels, as its fan-in.
        addWeights(node, weight: weight, bias: c.bias ? c.channels : nil, graph.initialization)
      case (.linear(_, let bias), let weight?):
        addWeights(node, weight: weight, bias: bias ? weight[0] : nil, graph.initialization)
      case (.batchNormalization(let normalization), _):
        let channels = shapes[id].channels
        addParameter("\(node.name).weight", [channels], .constant(1))
        addParameter("\(node.name).bias", [channels], .constant(0))
        if normalization.tracksRunningStatistics {
          addStatistic("\(node.name).running_mean", [channels], .constant(0))
          addStatistic("\(node.name).running_var", [channels], .constant(1))
        }
      case (.groupNormalization(let normalization), _) where normalization.affine:
        addParameter("\(node.name).weight", [shapes[id].channels], .constant(1))
        addParameter("\(node.name).bias", [shapes[id].channels], .constant(0))
      case (.activation(.prelu(let perChannel)), _):
        addParameter("\(node.name).weight", [perChannel ? shapes[id].channels : 1], .constant(0.25))
      default: break
      }
      if !node.isTrainable {
        for index in parameters.indices.reversed() {
          guard parameters[index].offset >= first else { break }
          parameters[index].isTrainable = false
        }
      }
    }
  }

  /// The indices of trainable parameters in the flat vector: as few ranges as possible, ascending.
  public var trainableRanges: [Range<Int>] {
    var ranges: [Range<Int>] = []
    for entry in parameters where entry.isTrainable {
      if let last = ranges.last, last.upperBound == entry.offset {
        ranges[ranges.count - 1] = last.lowerBound..<entry.range.upperBound
      } else {
        ranges.append(entry.range)
      }
    }
    return ranges
  }

  private mutating func addWeights(
    _ node: NetworkGraph.Node, weight: [Int], bias: Int?, _ initialization: Initialization
  ) {
    addParameter("\(node.name).weight", weight, initialization.weight(weight))
    if let bias { addParameter("\(node.name).bias", [bias], initialization.bias(weight: weight)) }
  }

  private mutating func addParameter(_ name: String, _ shape: [Int], _ initial: Initial) {
    parameterIndices[name] = parameters.count
    parameters.append(Entry(name: name, shape: shape, offset: parameterCount, initial: initial))
    parameterCount += shape.reduce(1, *)
  }

  private mutating func addStatistic(_ name: String, _ shape: [Int], _ initial: Initial) {
    statisticIndices[name] = statistics.count
    statistics.append(Entry(name: name, shape: shape, offset: statisticCount, initial: initial))
    statisticCount += shape.reduce(1, *)
  }

  /// The parameter of this name.
  public func parameter(_ name: String) -> Entry? { parameterIndices[name].map { parameters[$0] } }
  /// The running statistic of this name.
  public func statistic(_ name: String) -> Entry? { statisticIndices[name].map { statistics[$0] } }
}
