import Networks
import Testing

@Suite struct MSDNetTests {
  private func network(_ change: (inout MSDNet) -> Void) -> MSDNet {
    var network = MSDNet()
    network.layers = 3
    change(&network)
    return network
  }

  /// The DLSIA reference's table: layers, image channels, outputs, dimensions, parameters with normalization of the stack.
  @Test(arguments: [
    (20, 1, 1, 2, 2392), (20, 1, 5, 2, 2480), (40, 1, 1, 2, 9182), (50, 1, 2, 2, 14279), (100, 1, 5, 2, 56360),
    (200, 1, 1, 2, 221_902), (20, 1, 1, 3, 6172),
  ])
  func `the form of DLSIA has as many parameters as DLSIA's`(
    layers: Int, inputs: Int, outputs: Int, dimensions: Int, parameters: Int
  ) throws {
    let settings = network { ($0.form, $0.layers) = (.stack, layers) }
    let graph = try settings.graph(inputChannels: inputs, outputChannels: outputs, dimensions: dimensions)
    #expect(try parameterCount(graph, Array(repeating: 16, count: dimensions)) == parameters)
  }

  @Test func `the paper's form normalizes each new plane once, in every dimension`() throws {
    for dimensions in 1...3 {
      let graph = try network { $0.layers = 4 }.graph(inputChannels: 2, outputChannels: 3, dimensions: dimensions)
      let taps = [3, 9, 27][dimensions - 1]
      // Layer l: a plane of (2 + l) · taps weights, a bias, scale and shift; last: 6 · 3 weights and 3 biases.
      let expected = (0..<4).reduce(0) { $0 + (2 + $1) * taps + 3 } + 6 * 3 + 3
      #expect(try parameterCount(graph, Array(repeating: 9, count: dimensions)) == expected)
      #expect(try graph.layout(extents: Array(repeating: 9, count: dimensions)).statisticCount == 8)
    }
  }

  @Test func `dilations run round, or stand in a list or a matrix`() {
    let round = network { ($0.layers, $0.width, $0.maximumDilation) = (5, 2, 5) }
    #expect(round.layerDilations == [[1, 2], [3, 4], [5, 1], [2, 3], [4, 5]])
    let list = network { ($0.width, $0.dilations) = (2, .cycle([1, 2, 4, 8])) }
    #expect(list.layerDilations == [[1, 2], [4, 8], [1, 2]])
    let matrix = network { $0.dilations = .matrix([[1, 2, 3, 4], [5, 6, 7, 8]]) }
    #expect(matrix.layerDilations == [[1, 5], [2, 6], [3, 7], [4, 8]])
  }

  @Test func `layers stand in the order convolution, dropout, activation, normalization`() throws {
    let dropout = MSDNet.DropoutRates(initial: 0.1, hidden: 0.2, final: 0.3)
    let planes = network { ($0.layers, $0.width, $0.dropout) = (1, 2, dropout) }
    #expect(
      try planes.graph(inputChannels: 1, outputChannels: 2, dimensions: 2).nodes.map(\.name) == [
        "input", "input.dropout", "layer0.conv0", "layer0.dropout0", "layer0.act0", "layer0.norm0", "layer0.conv1",
        "layer0.dropout1", "layer0.act1", "layer0.norm1", "layer0.stack", "last.dropout", "last.conv",
      ])
    let stack = network {
      ($0.form, $0.layers, $0.dropout, $0.activations) = (.stack, 1, dropout, [.relu, .tanh])
      ($0.inputActivations, $0.finalActivation) = ([.relu], .sigmoid)
    }
    #expect(
      try stack.graph(inputChannels: 1, outputChannels: 2, dimensions: 2).nodes.map(\.name) == [
        "input", "input.act", "input.dropout", "layer0.conv0", "layer0.stack", "layer0.dropout", "layer0.act",
        "layer0.act.1", "layer0.norm", "last.dropout", "last.conv", "last.act",
      ])
  }

  @Test func `impossible settings are refused by name`() {
    func setting(_ change: (inout MSDNet) -> Void, dimensions: Int = 2) -> String? {
      do {
        _ = try network(change).graph(inputChannels: 1, outputChannels: 2, dimensions: dimensions)
        return nil
      } catch { return error.setting }
    }
    #expect(setting { _ in } == nil)
    #expect(setting { $0.layers = 0 } == "layers")
    #expect(setting { $0.width = 0 } == "width")
    #expect(setting { $0.maximumDilation = 0 } == "max-dilation")
    #expect(setting { $0.dilations = .cycle([]) } == "dilations")
    #expect(setting { $0.dilations = .cycle([1, 0]) } == "dilations")
    #expect(setting { $0.dilations = .matrix([[1, 2], [1]]) } == "dilations")
    #expect(setting { $0.dilations = .matrix([]) } == "dilations")
    #expect(setting { $0.kernel = 2 } == "kernel")
    #expect(setting { $0.kernel = [3, 3, 3] } == "kernel")
    #expect(setting { $0.dropout.hidden = 1 } == "dropout.hidden")
    #expect(setting({ _ in }, dimensions: 4) == "dimensions")
  }
}
