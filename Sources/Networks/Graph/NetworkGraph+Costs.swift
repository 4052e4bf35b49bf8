/// Parameters, operations and memory of a network for one image of given extents. Counts are exact, bytes are
/// estimates.
public struct NetworkCosts: Hashable, Sendable {
  /// Trained numbers.
  public var parameters: Int
  /// Running means and variances.
  public var statistics: Int
  /// Floating-point operations of a prediction: 2 for each multiply-add of convolutions and linear layers (bias,
  /// normalization, activation and pooling are left out).
  public var forwardFLOPs: Int
  /// Floating-point operations of forward and backward pass: 3 times the forward ones, since the gradients with respect
  /// to the values and the weights cost as much as the forward pass each.
  public var trainingFLOPs: Int
  /// Peak bytes of float32 values in a prediction. Values are written into the concatenation that reads them, and
  /// normalization, activation and dropout work in place when nothing else reads their input.
  public var inferenceBytes: Int
  /// Bytes of a training step: the values that the backward pass reads, and gradients, which need as much as values in
  /// a prediction. Concatenations hold no values of their own; the value between a normalization and its activation is
  /// recomputed.
  public var trainingBytes: Int
}

extension NetworkGraph {
  /// Parameters, operations and memory for one image of these extents.
  ///
  /// - Throws: `NetworkError` when images of these extents do not fit the network.
  /// - Complexity: O(*nodes* + *edges*).
  public func costs(extents: [Int]) throws(NetworkError) -> NetworkCosts {
    let shapes = try shapes(extents: extents)
    let layout = ParameterLayout(self, shapes: shapes)
    let operations = nodes.indices.reduce(0) { $0.saturatingAdded(to: forwardFLOPs(of: $1, shapes: shapes)) }
    let inference = liveBytes(shapes: shapes)
    return NetworkCosts(
      parameters: layout.parameterCount, statistics: layout.statisticCount, forwardFLOPs: operations,
      trainingFLOPs: operations.saturatingMultiplied(by: 3), inferenceBytes: inference,
      trainingBytes: keptBytes(shapes: shapes).saturatingAdded(to: inference))
  }

  /// Twice the multiply-adds of one node for one image; `Int.max` when there are more.
  func forwardFLOPs(of id: NodeID, shapes: [FeatureShape]) -> Int {
    let node = nodes[id]
    guard let weight = weightShape(of: id, shapes: shapes)?.saturatingProduct else { return 0 }
    let pixels =
      switch node.operation {
      case .convolution: shapes[id].pixels
      case .transposedConvolution: shapes[node.inputs[0]].pixels
      default: 1
      }
    return weight.saturatingMultiplied(by: pixels).saturatingMultiplied(by: 2)
  }

  /// Bytes of the values that the backward pass reads.
  private func keptBytes(shapes: [FeatureShape]) -> Int {
    let readers = readers
    var elements = 0
    for (id, node) in nodes.enumerated() {
      switch node.operation {
      case .concatenation: continue
      case .batchNormalization:
        if readers[id].count == 1, case .activation = nodes[readers[id][0]].operation { continue }
      default: break
      }
      elements = elements.saturatingAdded(to: shapes[id].elements)
    }
    return elements.saturatingMultiplied(by: MemoryLayout<Float>.size)
  }

  /// The largest sum of bytes of values that are alive at the same time in a prediction.
  private func liveBytes(shapes: [FeatureShape]) -> Int {
    let buffer = sharedBuffers()
    let readers = readers
    let tapped = Set(taps.values)
    // A buffer is as large as its largest value, the outermost concatenation, and lives from its first producer to its
    // last consumer.
    var size: [NodeID: Int] = [:]
    var last: [NodeID: NodeID] = [:]
    var first: [NodeID: NodeID] = [:]
    for id in nodes.indices {
      let end = id == output || tapped.contains(id) ? nodes.count : readers[id].last ?? id
      size[buffer[id]] = max(size[buffer[id]] ?? 0, shapes[id].elements)
      last[buffer[id]] = max(last[buffer[id]] ?? 0, end)
      if first[buffer[id]] == nil { first[buffer[id]] = id }
    }
    var change = Array(repeating: 0, count: nodes.count + 2)
    for (key, elements) in size {
      change[first[key] ?? 0] += elements
      change[(last[key] ?? 0) + 1] -= elements
    }
    var live = 0
    var most = 0
    for step in change {
      live += step
      most = max(most, live)
    }
    return most.saturatingMultiplied(by: MemoryLayout<Float>.size)
  }

  /// For every node, the node that represents its buffer. Values that one concatenation reads share its buffer; an
  /// operation in place shares that of its input.
  private func sharedBuffers() -> [NodeID] {
    let readers = readers
    var parent = Array(nodes.indices)
    func root(_ id: NodeID) -> NodeID {
      var id = id
      while parent[id] != id {
        parent[id] = parent[parent[id]]
        id = parent[id]
      }
      return id
    }
    for (id, node) in nodes.enumerated() {
      switch node.operation {
      case .concatenation:
        for input in node.inputs {
          // A value is written into the first concatenation that reads it; later ones hold a copy.
          let first = readers[input].first {
            if case .concatenation = nodes[$0].operation { true } else { false }
          }
          if first == id { parent[root(input)] = root(id) }
        }
      case .batchNormalization, .groupNormalization, .activation, .dropout, .clamp, .softmax:
        if let input = node.inputs.first, readers[input].count == 1 { parent[root(input)] = root(id) }
      default: break
      }
    }
    return nodes.indices.map(root)
  }
}
