/// The shape of a node's value for one sample.
public struct FeatureShape: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Number of channels.
  public var channels: Int
  /// Extents of the spatial axes, outermost first, as many as the graph has dimensions.
  public var extents: [Int]

  /// A shape.
  public init(channels: Int, extents: [Int]) {
    self.channels = channels
    self.extents = extents
  }

  /// Pixels of a channel; `Int.max` when there are more.
  public var pixels: Int { extents.saturatingProduct }
  /// Pixels of all channels; `Int.max` when there are more.
  public var elements: Int { channels.saturatingMultiplied(by: pixels) }
  public var description: String { "\(channels) × " + extents.map(String.init).joined(separator: "×") }
}

extension NetworkGraph {
  /// The shape of every node's value for images of these extents.
  ///
  /// - Parameter extents: (z,) y, x: as many as the graph has dimensions.
  /// - Throws: `NetworkError` that names the node whose inputs do not fit its operation or whose value or weight has more
  ///   than `mostElements`, or a graph without input, with two nodes of one name, or with a node that nothing reads.
  /// - Complexity: O(*edges*).
  public func shapes(extents: [Int]) throws(NetworkError) -> [FeatureShape] {
    guard extents.count == dimensions else {
      throw NetworkError(
        node: nodes.first?.name ?? "input",
        problem: "the network has \(dimensions) spatial dimensions but the image has \(extents.count) (\(extents)).")
    }
    try checkStructure()
    let shapes = try self.shapes(image: extents)
    var parameters = 0
    for (id, node) in nodes.enumerated() {
      let shape = shapes[id]
      guard shape.elements <= Self.mostElements else {
        throw NetworkError(
          node: node.name,
          problem: "its value of \(shape) would take more than a petabyte; use smaller images or fewer channels.")
      }
      parameters = parameters.saturatingAdded(to: weightShape(of: id, shapes: shapes)?.saturatingProduct ?? 0)
      guard parameters <= Self.mostElements else {
        throw NetworkError(
          node: node.name, problem: "the weights up to this node would take more than a petabyte; use fewer channels.")
      }
    }
    return shapes
  }

  /// The most elements that a value or all weights may have: a petabyte (2⁵⁰ bytes) of float32.
  static let mostElements = 1 << 48

  /// The largest extent, kernel, stride, dilation or padding along an axis. So products of two of them fit in an `Int`.
  static let largestSetting = Int(Int32.max)

  /// The shapes, however many elements they have.
  func shapes(image extents: [Int]) throws(NetworkError) -> [FeatureShape] {
    var shapes: [FeatureShape] = []
    for node in nodes {
      let shape = try shape(of: node, inputs: node.inputs.map { shapes[$0] }, image: extents)
      // Checked before the next node computes with it.
      guard shape.extents.allSatisfy({ $0 <= Self.largestSetting }) else {
        throw NetworkError(
          node: node.name,
          problem:
            "its value of \(shape) has more than \(Self.largestSetting) pixels along an axis; use smaller images.")
      }
      shapes.append(shape)
    }
    return shapes
  }

  /// The shape of the weight of a convolution or linear layer in PyTorch's order; nil for other operations.
  func weightShape(of id: NodeID, shapes: [FeatureShape]) -> [Int]? {
    let node = nodes[id]
    guard let input = node.inputs.first.map({ shapes[$0] }) else { return nil }
    func axes(_ setting: PerAxis) -> [Int] { setting.values(dimensions: dimensions) ?? [] }
    return switch node.operation {
    case .convolution(let c): [c.channels, input.channels] + axes(c.kernel)
    case .transposedConvolution(let c): [input.channels, c.channels] + axes(c.kernel)
    case .linear: [shapes[id].elements, input.elements]
    default: nil
    }
  }

  private func checkStructure() throws(NetworkError) {
    guard let first = nodes.first, case .input = first.operation else {
      throw NetworkError(node: nodes.first?.name ?? "input", problem: "the first node of a network is its input.")
    }
    var names = Set<String>()
    let readers = readers
    let tapped = Set(taps.values)
    for (id, node) in nodes.enumerated() {
      guard names.insert(node.name).inserted else {
        throw NetworkError(node: node.name, problem: "two nodes have this name.")
      }
      if id != output, readers[id].isEmpty, !tapped.contains(id) {
        throw NetworkError(
          node: node.name,
          problem: "nothing reads it; every node must lie on a path to the output or to a tapped value.")
      }
      if id > 0, case .input = node.operation {
        throw NetworkError(node: node.name, problem: "a network has one input, its first node.")
      }
    }
  }

  private func shape(of node: Node, inputs: [FeatureShape], image: [Int]) throws(NetworkError) -> FeatureShape {
    func fail(_ problem: String) -> NetworkError { NetworkError(node: node.name, problem: problem) }
    func axes(_ setting: PerAxis, _ name: String, atLeast low: Int) throws(NetworkError) -> [Int] {
      guard let values = setting.values(dimensions: dimensions) else {
        throw fail("\(name) \(setting) does not have \(dimensions) values, one for each spatial axis.")
      }
      guard values.allSatisfy({ $0 >= low }) else { throw fail("\(name) \(setting) must be at least \(low).") }
      guard values.allSatisfy({ $0 <= Self.largestSetting }) else {
        throw fail("\(name) \(setting) must be at most \(Self.largestSetting).")
      }
      return values
    }
    let expected: ClosedRange<Int> =
      switch node.operation {
      case .input: 0...0
      case .concatenation, .sum: 1...Int.max
      case .transposedConvolution, .upsampling, .linear: 1...2
      default: 1...1
      }
    guard expected.contains(inputs.count) else {
      throw fail("\(node.operation.label) cannot read \(inputs.count) inputs.")
    }
    switch node.operation {
    case .input(let channels):
      guard channels > 0, image.allSatisfy({ $0 > 0 }) else {
        throw fail("an image of \(channels) × \(image) is empty.")
      }
      return FeatureShape(channels: channels, extents: image)

    case .convolution(let c):
      let kernel = try axes(c.kernel, "kernel", atLeast: 1)
      let stride = try axes(c.stride, "stride", atLeast: 1)
      let dilation = try axes(c.dilation, "dilation", atLeast: 1)
      let padding = try axes(c.padding, "padding", atLeast: 0)
      guard c.channels > 0 else { throw fail("a convolution needs at least one output channel.") }
      var extents: [Int] = []
      for axis in 0..<dimensions {
        let extent = inputs[0].extents[axis]
        if c.paddingMode == .reflect && padding[axis] >= extent || c.paddingMode == .circular && padding[axis] > extent
        {
          throw fail(
            "\(c.paddingMode.rawValue) padding of \(padding[axis]) needs an image larger than that, but axis "
              + "\(axisName(axis)) has \(extent) pixels; use larger patches or smaller dilations"
              + (image[axis] == 1 ? ", or padding: zeros for an axis of one pixel." : "."))
        }
        let span = extent + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1
        guard span >= 0 else {
          throw fail(
            "a kernel of \(kernel[axis]) with dilation \(dilation[axis]) is wider than the padded image "
              + "(\(extent) + 2·\(padding[axis]) pixels) along \(axisName(axis)).")
        }
        extents.append(span / stride[axis] + 1)
      }
      return FeatureShape(channels: c.channels, extents: extents)

    case .transposedConvolution(let c):
      let kernel = try axes(c.kernel, "kernel", atLeast: 1)
      let stride = try axes(c.stride, "stride", atLeast: 1)
      let padding = try axes(c.padding, "padding", atLeast: 0)
      let extra = try axes(c.outputPadding, "output padding", atLeast: 0)
      guard c.channels > 0 else { throw fail("a transposed convolution needs at least one output channel.") }
      var extents: [Int] = []
      for axis in 0..<dimensions {
        let smallest = (inputs[0].extents[axis] - 1) * stride[axis] - 2 * padding[axis] + kernel[axis]
        let wanted = inputs.count == 2 ? inputs[1].extents[axis] : smallest + extra[axis]
        guard wanted > 0, wanted >= smallest, wanted - smallest < stride[axis] else {
          throw fail(
            "\(inputs[0].extents[axis]) pixels along \(axisName(axis)) become \(smallest) to "
              + "\(smallest + stride[axis] - 1), not \(wanted).")
        }
        extents.append(wanted)
      }
      return FeatureShape(channels: c.channels, extents: extents)

    case .maxPooling(let p):
      let kernel = try axes(p.kernel, "kernel", atLeast: 1)
      let stride = try axes(p.stride, "stride", atLeast: 1)
      var extents: [Int] = []
      for axis in 0..<dimensions {
        let span = inputs[0].extents[axis] - kernel[axis]
        guard span >= 0 else {
          // An axis of one pixel is not pooled at any depth.
          let flat = kernel.indices.map { image[$0] == 1 ? 1 : kernel[$0] }
          let advice =
            image[axis] == 1
            ? "do not pool along \(axisName(axis)) (pooling: \(flat))" : "use larger images or a smaller depth"
          throw fail(
            "\(inputs[0].extents[axis]) pixels along \(axisName(axis)) are fewer than the pooling window of "
              + "\(kernel[axis]); \(advice).")
        }
        extents.append(span / stride[axis] + 1)
      }
      return FeatureShape(channels: inputs[0].channels, extents: extents)

    case .upsampling(let u):
      let factor = try axes(u.factor, "factor", atLeast: 1)
      guard u.mode == .linear || !u.alignCorners else {
        throw fail("corners can be aligned in linear upsampling only.")
      }
      if inputs.count == 2 { return FeatureShape(channels: inputs[0].channels, extents: inputs[1].extents) }
      return FeatureShape(channels: inputs[0].channels, extents: zip(inputs[0].extents, factor).map { $0 * $1 })

    case .sum(let factors):
      for input in inputs.dropFirst() where input != inputs[0] {
        throw fail("inputs of \(inputs[0]) and \(input) cannot be added.")
      }
      guard factors.isEmpty || factors.count == inputs.count else {
        throw fail("\(inputs.count) inputs need as many factors, not \(factors.count).")
      }
      return inputs[0]

    case .concatenation:
      for input in inputs.dropFirst() where input.extents != inputs[0].extents {
        throw fail("inputs of \(inputs[0]) and \(input) do not have the same extents.")
      }
      return FeatureShape(
        channels: inputs.reduce(0) { $0.saturatingAdded(to: $1.channels) }, extents: inputs[0].extents)

    case .linear(let features, _):
      if inputs.count == 2 { return inputs[1] }
      guard features > 0 else { throw fail("a linear layer needs at least one feature.") }
      return FeatureShape(channels: features, extents: Array(repeating: 1, count: dimensions))

    case .reshape(let channels, let extents):
      guard channels > 0, extents.count == dimensions, extents.allSatisfy({ $0 > 0 }) else {
        throw fail("\(channels) × \(extents) is no shape with \(dimensions) spatial axes.")
      }
      let shape = FeatureShape(channels: channels, extents: extents)
      guard shape.elements == inputs[0].elements else {
        throw fail("\(inputs[0]) has \(inputs[0].elements) values, which do not fill \(shape).")
      }
      return shape

    case .groupNormalization(let n):
      let groups = n.groups ?? inputs[0].channels
      guard groups > 0, inputs[0].channels % groups == 0 else {
        throw fail("\(inputs[0].channels) channels do not make \(groups) equal groups.")
      }
      guard inputs[0].elements > groups else {
        throw fail("a single value cannot be normalized: \(inputs[0]) in \(groups) groups.")
      }
      return inputs[0]

    case .clamp(let minimum, let maximum):
      guard minimum <= maximum else { throw fail("nothing lies between \(minimum) and \(maximum).") }
      return inputs[0]

    case .dropout(let rate):
      guard (0..<1).contains(rate) else { throw fail("a dropout rate lies in 0 ..< 1, not \(rate).") }
      return inputs[0]

    case .batchNormalization, .activation, .softmax:
      return inputs[0]
    }
  }

  private func axisName(_ axis: Int) -> String { ["z", "y", "x"][axis + 3 - dimensions] }
}
