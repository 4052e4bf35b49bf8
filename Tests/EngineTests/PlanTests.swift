import Host
import Networks
import TestSupport
import Testing

@testable import Engine

/// How graphs are compiled to steps and places.
@Suite struct PlanTests {
  /// A mixed-scale dense network: every layer reads all planes before it.
  private func dense(layers: Int) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    var stack = graph.add("input", .input(channels: 1))
    for layer in 0..<layers {
      let convolution = Convolution.same(channels: 1, dilation: 1 + layer % 4, paddingMode: .reflect)
      let plane = graph.add("conv\(layer)", .convolution(convolution), stack)
      let active = graph.add("act\(layer)", .activation(.relu), plane)
      stack = graph.add("stack\(layer)", .concatenation, stack, active)
    }
    graph.add("last", .convolution(Convolution(channels: 2, kernel: 1)), stack)
    return graph
  }

  private func copies(_ plan: Plan) -> Int {
    plan.steps.count { if case .copy = $0 { true } else { false } }
  }

  @Test func `a dense network of nested concatenations keeps one plane a layer, without copies`() throws {
    let extents = [16, 24]
    for purpose in [Plan.Purpose.training, .inference] {
      let plans = try [10, 20, 40].map { try Plan(dense(layers: $0), extents: extents, purpose: purpose) }
      for plan in plans {
        #expect(copies(plan) == 0)
        // The stack and the result; in training the gradients of both.
        #expect(plan.buffers.count == (purpose == .training ? 4 : 2))
      }
      let growth = [plans[1].arenaFloats - plans[0].arenaFloats, plans[2].arenaFloats - plans[1].arenaFloats]
      #expect(growth[1] == 2 * growth[0])
    }
    try Trial(dense(layers: 6), extents: [5, 13], batch: 3).expectOracle(samplesPerShard: 2)
  }

  @Test func `an input of two concatenations is copied once, and the values are right`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    let a = graph.add("a", .convolution(.same(channels: 2)), input)
    let b = graph.add("b", .convolution(.same(channels: 3)), input)
    let first = graph.add("first", .concatenation, a, b)
    let second = graph.add("second", .concatenation, b, a)
    let c = graph.add("c", .convolution(.same(channels: 1, dilation: 2)), first)
    let d = graph.add("d", .convolution(.same(channels: 1, paddingMode: .circular)), second)
    graph.add("last", .concatenation, c, d)
    // Both inputs have a place in the first concatenation already.
    #expect(copies(try Plan(graph, extents: [6, 18], purpose: .training)) == 2)
    try Trial(graph, extents: [6, 18], batch: 2).expectOracle()
  }

  @Test func `a concatenation within two others is copied as a whole`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    let a = graph.add("a", .convolution(.same(channels: 2)), input)
    let inner = graph.add("inner", .concatenation, input, a)
    let b = graph.add("b", .activation(.tanh), inner)
    let left = graph.add("left", .concatenation, inner, b)
    let right = graph.add("right", .concatenation, b, inner)
    let c = graph.add("c", .convolution(.same(channels: 2)), left)
    let d = graph.add("d", .convolution(.same(channels: 2)), right)
    graph.add("last", .concatenation, d, c)
    #expect(copies(try Plan(graph, extents: [6, 7], purpose: .training)) == 2)
    try Trial(graph, extents: [6, 7], batch: 2).expectOracle()
  }

  @Test func `a value may be an input of one concatenation twice`() throws {
    var graph = NetworkGraph(dimensions: 1)
    let input = graph.add("input", .input(channels: 1))
    let twice = graph.add("twice", .concatenation, input, input)
    graph.add("last", .convolution(.same(channels: 2)), twice)
    try Trial(graph, extents: [9], batch: 2).expectOracle()
  }

  @Test func `consumers with four padding modes each compute the right values`() throws {
    for dimensions in 1...3 {
      var graph = NetworkGraph(dimensions: dimensions)
      let input = graph.add("input", .input(channels: 2))
      let a = graph.add("a", .convolution(.same(channels: 2)), input)
      let consumers = PaddingMode.allCases.flatMap { mode in
        [input, a].map { source in
          graph.add(
            "\(mode)\(source)", .convolution(.same(channels: 1, dilation: 2, paddingMode: mode)), source)
        }
      }
      let stack = graph.add("stack", .concatenation, inputs: consumers)
      graph.add("last", .convolution(.same(channels: 2, paddingMode: .replicate)), stack)
      try Trial(graph, extents: [4, 5, 6].suffix(dimensions), batch: 2).expectOracle("\(dimensions) dimensions")
    }
  }

  @Test func `consumers of one padding mode and several widths share a halo`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    let a = graph.add("a", .convolution(.same(channels: 2, paddingMode: .reflect)), input)
    let consumers = [1, 4, 2].map {
      graph.add("d\($0)", .convolution(.same(channels: 1, dilation: $0, paddingMode: .reflect)), a)
    }
    graph.add("stack", .concatenation, inputs: consumers)
    #expect(copies(try Plan(graph, extents: [6, 9], purpose: .training)) == 0)
    try Trial(graph, extents: [6, 9], batch: 2).expectOracle()
  }

  @Test func `a skip connection is pooled and concatenated without a copy`() throws {
    for dimensions in 1...3 {
      var network = TUNet()
      network.depth = 3
      network.baseChannels = 2
      let graph = try network.graph(inputChannels: 1, outputChannels: 2, dimensions: dimensions)
      let extents = Array([5, 7, 10].suffix(dimensions))
      #expect(copies(try Plan(graph, extents: extents, purpose: .training)) == 0)
      try Trial(graph, extents: extents, batch: 3).expectOracle(samplesPerShard: 2, "\(dimensions) dimensions")
    }
  }

  @Test func `the image may be an input of a concatenation and be read besides`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    let a = graph.add("a", .convolution(.same(channels: 1)), input)
    let b = graph.add("b", .activation(.silu), input)
    let stack = graph.add("stack", .concatenation, input, a, b)
    graph.add("last", .convolution(.same(channels: 2)), stack)
    #expect(copies(try Plan(graph, extents: [4, 9], purpose: .training)) == 0)
    try Trial(graph, extents: [4, 9], batch: 2).expectOracle()
  }

  @Test func `normalizations and activations of a value with several consumers are steps of their own`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    let a = graph.add("a", .convolution(.same(channels: 2)), input)
    let norm = graph.add("norm", .batchNormalization(BatchNormalization()), a)
    let relu = graph.add("relu", .activation(.relu), norm)
    let tanh = graph.add("tanh", .activation(.tanh), norm)
    let again = graph.add("again", .batchNormalization(BatchNormalization(epsilon: 0.1)), relu)
    graph.add("stack", .concatenation, a, norm, relu, tanh, again)
    let plan = try Plan(graph, extents: [5, 9], purpose: .training)
    #expect(plan.steps.count == 5)
    try Trial(graph, extents: [5, 9], batch: 3).expectOracle(samplesPerShard: 2)
  }

  @Test func `a convolution, its normalization and its activation are one step`() throws {
    let graph = try TUNet().graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    let plan = try Plan(graph, extents: [32, 32], purpose: .training)
    let products = graph.nodes.count {
      switch $0.operation {
      case .convolution, .transposedConvolution, .maxPooling: true
      default: false
      }
    }
    #expect(plan.steps.count == products)
  }

  @Test func `dropout has no step in inference`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    let a = graph.add("a", .convolution(.same(channels: 2)), input)
    let drop = graph.add("drop", .dropout(rate: 0.5), a)
    let both = graph.add("both", .concatenation, a, drop)
    let b = graph.add("b", .convolution(.same(channels: 2)), both)
    graph.add("end", .dropout(rate: 0.5), b)
    let plan = try Plan(graph, extents: [4, 8], purpose: .inference)
    #expect(!plan.steps.contains { if case .dropout = $0 { true } else { false } })
    let trial = try Trial(graph, extents: [4, 8], batch: 2)
    let oracle = try Oracle(graph, extents: [4, 8])
    let point = Oracle.Point(images: trial.images.map(Double.init), parameters: trial.parameters.map(Double.init))
    expectOutputClose(try trial.predict(), oracle.outputs(point, batch: 2).map(Float.init))
  }

  @Test func `no buffer of a plan overlaps one that lives with it, whatever the graph`() throws {
    for seed in 0..<UInt64(30) {
      let graph = RandomGraph(dimensions: 2, nodes: 14, seed: seed).graph
      for purpose in [Plan.Purpose.training, .inference, .seamless] {
        var compiler = try PlanCompiler(
          graph, extents: [7, 9], purpose: purpose, normalizationScope: .batch,
          wantsInputGradient: purpose == .training)
        compiler.compile()
        #expect(compiler.requests.count == compiler.buffers.count)
        let lives = Array(zip(compiler.requests, compiler.buffers.map(\.offset)))
        for (index, (first, offset)) in lives.enumerated() {
          #expect(first.first <= first.last)
          for (second, other) in lives.dropFirst(index + 1)
          where first.first <= second.last && second.first <= first.last {
            #expect(!(offset..<offset + first.floats).overlaps(other..<other + second.floats))
          }
        }
      }
    }
  }

  @Test func `an execution needs the bytes that it says`() throws {
    let graph = try TUNet().graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    for purpose in [Plan.Purpose.training, .inference] {
      let plan = try Plan(graph, extents: [48, 80], purpose: purpose)
      let run = Execution(plan, samplesPerShard: 2, shards: 3, team: try ThreadTeam(size: 2))
      let floats =
        run.arena.count + run.packed.count + run.coefficients.count + run.shardWeights.count
        + run.pieceWeights.count + run.scratch.count + run.winogradWeights.count + run.roundedParameters.count
      let doubles = run.operands.count + run.lateSums.count
      let taken = 4 * floats + 24 * run.moments.count + 16 * run.sums.count + 8 * doubles
      let said = Execution.bytes(plan, capacity: 6, shards: 3, threads: 2)
      // But for the room behind the arena.
      #expect(taken - 4 * 64 == said)
    }
  }
}
