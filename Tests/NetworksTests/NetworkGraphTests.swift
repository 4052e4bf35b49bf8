import Networks
import Testing

@Suite struct NetworkGraphTests {
  /// One node of every kind.
  static func everything() -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    let convolution = graph.add(
      "conv",
      .convolution(
        Convolution(
          channels: 4, kernel: [1, 3], stride: 2, dilation: [1, 2], padding: [0, 2], paddingMode: .circular, bias: false
        )), input)
    let norm = graph.add(
      "norm",
      .batchNormalization(BatchNormalization(epsilon: 1e-3, momentum: 0.01, tracksRunningStatistics: false)),
      convolution)
    let activations: [Activation] = [
      .relu, .leakyReLU(negativeSlope: 0.2), .elu(alpha: 1.5), .gelu, .silu, .tanh, .sigmoid, .softplus, .hardswish,
      .prelu(perChannel: false), .prelu(perChannel: true),
    ]
    let parts = activations.enumerated().map { graph.add("act\($0)", .activation($1), norm) }
    let pool = graph.add("pool", .maxPooling(MaxPooling(kernel: 3, stride: 1)), parts[0])
    let up = graph.add(
      "up", .transposedConvolution(TransposedConvolution(channels: 3, kernel: 3, stride: 1, bias: false)), pool, norm)
    let stack = graph.add("stack", .concatenation, inputs: parts + [up])
    let group = graph.add("group", .groupNormalization(GroupNormalization(groups: 47, affine: false)), stack)
    let instance = graph.add("instance", .groupNormalization(.instance(epsilon: 1e-3)), stack)
    let sum = graph.add("sum", .sum(factors: []), stack, group)
    let difference = graph.add("difference", .difference, sum, instance)
    let grown = graph.add(
      "grown", .upsampling(Upsampling(mode: .linear, factor: [1, 2], alignCorners: true)), difference)
    let same = graph.add("same", .upsampling(Upsampling(mode: .nearest, factor: 2)), grown, stack)
    let clamp = graph.add("clamp", .clamp(minimum: -1, maximum: 2.5), same)
    let reshape = graph.add("reshape", .reshape(channels: 94, extents: [20, 2]), clamp)
    let dropout = graph.add("dropout", .dropout(rate: 0.25), reshape)
    let linear = graph.add("linear", .linear(features: 5, bias: true), dropout)
    let softmax = graph.add("softmax", .softmax(logarithm: true), linear)
    graph.tap("features", stack)
    graph.tap("alone", graph.add("alone", .linear(features: 0, bias: false), linear, norm))
    graph.add("last", .activation(.sigmoid), softmax)
    return graph
  }

  @Test func `a graph with every kind of node comes back from JSON as it was`() throws {
    let graph = Self.everything()
    #expect(try throughJSON(graph).value == graph)
    #expect(
      try graph.shapes(extents: [16, 20]).last == FeatureShape(channels: 5, extents: [1, 1]))
  }

  @Test func `the JSON form of a graph stays as it is, since model files hold it`() throws {
    var graph = NetworkGraph(dimensions: 3)
    let input = graph.add("input", .input(channels: 1))
    let conv = graph.add("conv", .convolution(.same(channels: 2, kernel: 3, dilation: 2)), input)
    let act = graph.add("act", .activation(.leakyReLU(negativeSlope: 0.5)), conv)
    graph.add("pool", .maxPooling(MaxPooling(kernel: [1, 2, 2])), act)
    #expect(
      try throughJSON(graph).text == """
        {"dimensions":3,"nodes":[{"inputs":[],"name":"input","operation":{"channels":1,"kind":"input"}},\
        {"inputs":[0],"name":"conv","operation":{"bias":true,"channels":2,"dilation":2,"kernel":3,\
        "kind":"convolution","padding":2,"paddingMode":"zeros","stride":1}},\
        {"inputs":[1],"name":"act","operation":{"function":{"name":"leaky-relu","negative-slope":0.5},\
        "kind":"activation"}},\
        {"inputs":[2],"name":"pool","operation":{"kernel":[1,2,2],"kind":"max-pooling","stride":[1,2,2]}}]}
        """)
  }

  @Test func `a network embedded in another has its nodes, names and taps behind a prefix`() throws {
    var inner = NetworkGraph(dimensions: 1)
    let image = inner.add("input", .input(channels: 3))
    let conv = inner.add("conv", .convolution(.same(channels: 2)), image)
    inner.tap("code", conv)
    inner.add("sum", .sum(factors: []), conv, conv)
    var outer = NetworkGraph(dimensions: 1)
    let input = outer.add("input", .input(channels: 1))
    let wide = outer.add("wide", .convolution(.same(channels: 3)), input)
    let result = outer.add(inner, prefix: "encoder.", reading: wide)
    #expect(result == outer.output)
    #expect(outer.nodes.map(\.name) == ["input", "wide", "encoder.conv", "encoder.sum"])
    #expect(outer.nodes.map(\.inputs) == [[], [0], [1], [2, 2]])
    #expect(outer.taps == ["encoder.code": 2])
    #expect(try outer.shapes(extents: [7]).last == FeatureShape(channels: 2, extents: [7]))
  }

  @Test func `broken JSON of a graph is refused with its reason`() throws {
    let input = #"{"inputs":[],"name":"input","operation":{"channels":1,"kind":"input"}}"#
    func message(_ dimensions: Int, _ nodes: String) throws -> String {
      try #require(decodingMessage(NetworkGraph.self, #"{"dimensions":\#(dimensions),"nodes":[\#(nodes)]}"#))
    }
    #expect(try message(4, input).contains("not 4"))
    let later = #"{"inputs":[1],"name":"stack","operation":{"kind":"concatenation"}}"#
    #expect(try message(2, input + "," + later).contains("‘stack’ reads [1]"))
    let taps = #"{"dimensions":2,"nodes":[\#(input)],"taps":{"code":1}}"#
    #expect(try #require(decodingMessage(NetworkGraph.self, taps)).contains("‘code’"))
    let unknown = #"{"inputs":[0],"name":"act","operation":{"kind":"activation","function":"rely"}}"#
    #expect(try message(2, input + "," + unknown).contains("‘rely’ is no activation; there are relu"))
  }

  @Test func `activations are read by name, with PyTorch's defaults`() throws {
    #expect(
      try decode([Activation].self, #"["relu", "leaky-relu", "elu"]"#) == [
        .relu, .leakyReLU(negativeSlope: 0.01), .elu(alpha: 1),
      ])
    #expect(try decode(Activation.self, #"{"name": "elu", "alpha": 2}"#) == .elu(alpha: 2))
    for name in Activation.names {
      #expect(try throughJSON(decode(Activation.self, "\"\(name)\"")).text.contains("\"\(name)\""))
    }
  }

  @Test func `what does not fit is refused at its node`() throws {
    func error(_ dimensions: Int = 2, extents: [Int] = [8, 8], _ build: (inout NetworkGraph) -> Void) -> NetworkError? {
      var graph = NetworkGraph(dimensions: dimensions)
      build(&graph)
      do {
        _ = try graph.shapes(extents: extents)
        return nil
      } catch { return error }
    }
    func node(_ name: String, _ operation: Networks.Operation, extents: [Int] = [8, 8]) -> String? {
      let error = error(extents: extents) {
        $0.add("input", .input(channels: 1))
        $0.add(name, operation, 0)
      }
      return error?.node
    }
    #expect(node("a", .convolution(.same(channels: 1))) == nil)
    #expect(node("b", .convolution(Convolution(channels: 0, kernel: 1))) == "b")
    #expect(node("c", .convolution(Convolution(channels: 1, kernel: 9))) == "c")
    #expect(node("d", .convolution(Convolution(channels: 1, kernel: [3, 3, 3]))) == "d")
    #expect(node("e", .convolution(Convolution(channels: 1, kernel: 3, stride: 0))) == "e")
    #expect(node("f", .convolution(.same(channels: 1, dilation: 8, paddingMode: .reflect))) == "f")
    #expect(node("g", .convolution(.same(channels: 1, dilation: 8, paddingMode: .circular))) == nil)
    #expect(node("h", .maxPooling(MaxPooling(kernel: 9))) == "h")
    #expect(node("i", .dropout(rate: 1)) == "i")
    #expect(node("group", .groupNormalization(GroupNormalization(groups: 2))) == "group")
    #expect(node("one", .groupNormalization(.instance()), extents: [1, 1]) == "one")
    #expect(node("corners", .upsampling(Upsampling(mode: .nearest, factor: 2, alignCorners: true))) == "corners")
    #expect(node("factor", .upsampling(Upsampling(mode: .linear, factor: 0))) == "factor")
    #expect(node("factors", .sum(factors: [1, 2])) == "factors")
    #expect(node("fewer", .reshape(channels: 2, extents: [4, 7])) == "fewer")
    #expect(node("flat", .reshape(channels: 64, extents: [1])) == "flat")
    #expect(node("clamp", .clamp(minimum: 1, maximum: 0)) == "clamp")
    #expect(node("j", .linear(features: 0, bias: true)) == "j")
    #expect(node("k", .activation(.relu), extents: [8]) == "input")
    #expect(node("l", .activation(.relu), extents: [0, 8]) == "input")
    #expect(error { $0.add("alone", .concatenation, inputs: []) }?.node == "alone")
    #expect(error { _ in }?.problem.contains("first node") == true)
    let unread = error {
      let input = $0.add("input", .input(channels: 1))
      $0.add("unread", .activation(.relu), input)
      $0.add("end", .activation(.relu), input)
    }
    #expect(unread?.node == "unread")
    let twins = error {
      let input = $0.add("input", .input(channels: 1))
      $0.add("twin", .activation(.relu), $0.add("twin", .activation(.relu), input))
    }
    #expect(twins?.node == "twin")
    let sizes = error {
      let input = $0.add("input", .input(channels: 1))
      $0.add("stack", .concatenation, input, $0.add("pool", .maxPooling(MaxPooling(kernel: 2)), input))
    }
    #expect(sizes?.node == "stack" && sizes?.problem.contains("1 × 4×4") == true)
    let up = error {
      let input = $0.add("input", .input(channels: 1))
      let half = $0.add("half", .maxPooling(MaxPooling(kernel: 4)), input)
      $0.add("up", .transposedConvolution(TransposedConvolution(channels: 1, kernel: 2, stride: 2)), half, input)
    }
    #expect(up?.node == "up" && up?.problem.contains("become 4 to 5, not 8") == true)
  }
}
