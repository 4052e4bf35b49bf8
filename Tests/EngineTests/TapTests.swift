import Host
import Networks
import TestSupport
import Testing

@testable import Engine

/// Values that are read beside the output.
@Suite struct TapTests {
  /// A network with a latent vector and two results: the output, and `classes`, which nothing reads.
  private static func graph(taps: Bool) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    var value = graph.add("conv", .convolution(.same(channels: 3)), input)
    value = graph.add("norm", .batchNormalization(BatchNormalization()), value)
    let features = graph.add("act", .activation(.silu), value)
    let classes = graph.add("classes", .convolution(.same(channels: 2)), features)
    let back = graph.add("back", .convolution(.same(channels: 2, dilation: 2, paddingMode: .reflect)), features)
    if taps {
      graph.tap("classes", classes)
      graph.tap("features", features)
      graph.tap("before", value)
      graph.add("last", .activation(.tanh), back)
    } else {
      let last = graph.add("last", .activation(.tanh), back)
      graph.add("all", .concatenation, last, classes, features, value)
    }
    return graph
  }

  @Test func `tapped values are those of the nodes, and gradients given to them flow back`() throws {
    let whole = try Trial(Self.graph(taps: false), extents: [6, 9], batch: 3)
    let expected = try whole.run(samplesPerShard: 2)
    let plan = try Plan(Self.graph(taps: true), extents: [6, 9], purpose: .training, inputGradient: true)
    #expect(plan.taps.map(\.name) == ["before", "classes", "features"])
    #expect(plan.taps.map(\.shape.channels) == [3, 2, 3])
    let run = Execution(plan, samplesPerShard: 2, shards: 2, team: try ThreadTeam(size: 2))
    run.arena.pointer.update(repeating: .nan, count: run.arena.count)
    run.parameters.pointer.update(from: whole.parameters, count: whole.parameters.count)
    func set(_ values: ArraySlice<Float>, _ planes: FeaturePlanes) {
      Array(values).withUnsafeBufferPointer { planes.setPixels($0) }
    }
    for _ in 0..<2 {
      for sample in 0..<3 { set(whole.images[sample * 108..<(sample + 1) * 108], run.input(sample)) }
      run.forward(samples: 3)
      var outputs: [Float] = []
      for sample in 0..<3 {
        outputs += run.output(sample).pixels()
        for tap in [1, 2, 0] { outputs += run.tap(tap, sample).pixels() }
        // In the order of the stack: output, classes, features, value before the activation.
        let slopes = whole.slopes[sample * 540..<(sample + 1) * 540]
        let first = slopes.startIndex
        set(slopes[first..<first + 108], run.outputGradient(sample))
        set(slopes[first + 108..<first + 216], run.tapGradient(1, sample))
        set(slopes[first + 216..<first + 378], run.tapGradient(2, sample))
        set(slopes[first + 378..<first + 540], run.tapGradient(0, sample))
      }
      expectClose(outputs, expected.output, relative: 1e-6)
      run.backward()
      expectClose(Array(run.gradients.buffer), expected.gradients, relative: 1e-5)
      expectClose((0..<3).flatMap { run.inputGradient($0).pixels() }, expected.inputGradient, relative: 1e-5)
    }
  }

  @Test func `a tapped value whose gradient nobody writes changes nothing`() throws {
    var graph = Self.graph(taps: true)
    graph.tap("image", 0)
    var plain = NetworkGraph(dimensions: 2)
    for node in graph.nodes where node.name != "classes" {
      plain.add(node.name, node.operation, inputs: node.inputs.map { $0 > 4 ? $0 - 1 : $0 })
    }
    var tapped = try Trial(graph, extents: [6, 9], batch: 2)
    let expected = try Trial(plain, extents: [6, 9], batch: 2)
    for entry in expected.layout.parameters {
      let place = try #require(tapped.layout.parameter(entry.name))
      tapped.parameters.replaceSubrange(place.range, with: expected.parameters[entry.range])
    }
    tapped.images = expected.images
    tapped.slopes = expected.slopes
    let (a, b) = (try tapped.run(), try expected.run())
    expectClose(a.output, b.output, relative: 1e-6)
    expectClose(a.inputGradient, b.inputGradient, relative: 1e-5)
    let classes = try #require(tapped.layout.parameter("classes.weight"))
    #expect(classes.range.allSatisfy { a.gradients[$0] == 0 })
    expectClose(try tapped.predict(), try expected.predict(), relative: 1e-6)
  }

  @Test func `inference keeps tapped values until the end`() throws {
    let trial = try Trial(Self.graph(taps: true), extents: [6, 9], batch: 1)
    let run = Execution(try trial.plan(.inference), samplesPerShard: 1, shards: 1, team: try ThreadTeam(size: 1))
    run.arena.pointer.update(repeating: .nan, count: run.arena.count)
    run.parameters.pointer.update(from: trial.parameters, count: trial.parameters.count)
    trial.images.withUnsafeBufferPointer { run.input(0).setPixels($0) }
    run.forward(samples: 1)
    let oracle = try Oracle(trial.graph, extents: [6, 9])
    let values = oracle.values(
      Oracle.Point(
        images: trial.images.map(Double.init), parameters: trial.parameters.map(Double.init),
        statistics: trial.layout.statistics.flatMap { entry in
          Array(repeating: entry.name.hasSuffix("var") ? 1 : 0, count: entry.count)
        }), batch: 1)
    for (index, tap) in run.plan.taps.enumerated() {
      let node = try #require(trial.graph.taps[tap.name])
      expectOutputClose(run.tap(index, 0).pixels(), values[node].map(Float.init), tap.name)
    }
  }
}
