import Host
import Networks
import TestSupport
import Testing

@testable import Engine

/// One training pass of a network on random numbers: images, parameters and a loss Σ c · output with random c.
struct Trial {
  let graph: NetworkGraph
  let extents: [Int]
  let batch: Int
  var images: [Float]
  var parameters: [Float]
  var slopes: [Float]
  let layout: ParameterLayout
  let shapes: [FeatureShape]

  init(_ graph: NetworkGraph, extents: [Int], batch: Int, seed: UInt64 = 1) throws {
    self.graph = graph
    self.extents = extents
    self.batch = batch
    shapes = try graph.shapes(extents: extents)
    layout = ParameterLayout(graph, shapes: shapes)
    var random = TestRandom(seed)
    images = random.uniforms(batch * shapes[0].elements)
    slopes = random.uniforms(batch * shapes[graph.output].elements)
    parameters = []
    for entry in layout.parameters {
      parameters += random.uniforms(entry.count).map {
        switch entry.initial {
        case .constant(let value): value + 0.3 * $0
        case .uniform(let bound): Float(2 * bound) * $0
        case .normal(let deviation): Float(2 * deviation) * $0
        case .orthogonal: 0.5 * $0
        }
      }
    }
  }

  /// Everything that a pass leaves behind.
  struct Result: Equatable {
    var output: [Float]
    var gradients: [Float]
    var inputGradient: [Float]
    var statistics: [Float]
  }

  func plan(
    _ purpose: Plan.Purpose = .training, scope: Plan.NormalizationScope = .batch, precision: Plan.Precision = .float32
  ) throws -> Plan {
    try Plan(
      graph, extents: extents, purpose: purpose, normalizationScope: scope, precision: precision,
      inputGradient: purpose == .training)
  }

  /// Forward and backward of the first `samples` samples (all by default), in memory that held NaN before.
  func run(
    samplesPerShard: Int = 1, threads: Int = 2, samples: Int? = nil, capacity: Int? = nil, key: DropoutKey? = nil,
    scope: Plan.NormalizationScope = .batch, precision: Plan.Precision = .float32
  ) throws -> Result {
    let samples = samples ?? batch
    let shards = ((capacity ?? samples) + samplesPerShard - 1) / samplesPerShard
    let run = Execution(
      try plan(scope: scope, precision: precision), samplesPerShard: samplesPerShard, shards: shards,
      team: try ThreadTeam(size: threads))
    // Nothing may depend on what the memory held.
    run.arena.pointer.update(repeating: .nan, count: run.arena.count)
    for buffer in [run.shardWeights, run.scratch, run.virtualPlanes] {
      buffer.pointer.update(repeating: .nan, count: buffer.count)
    }
    load(run, samples: samples)
    run.forward(samples: samples, randomKey: key)
    let output = (0..<samples).flatMap { run.output($0).pixels() }
    set(slopes, samples) { run.outputGradient($0) }
    run.backward()
    return Result(
      output: output, gradients: Array(run.gradients.buffer),
      inputGradient: (0..<samples).flatMap { run.inputGradient($0).pixels() },
      statistics: Array(run.statistics.buffer))
  }

  /// The results of a plan for inference.
  func predict(statistics: [Float]? = nil, threads: Int = 2) throws -> [Float] {
    let run = Execution(
      try plan(.inference), samplesPerShard: 1, shards: batch, team: try ThreadTeam(size: threads))
    run.arena.pointer.update(repeating: .nan, count: run.arena.count)
    load(run, samples: batch)
    if let statistics { run.statistics.pointer.update(from: statistics, count: statistics.count) }
    run.forward(samples: batch)
    return (0..<batch).flatMap { run.output($0).pixels() }
  }

  private func load(_ run: Execution, samples: Int) {
    run.parameters.pointer.update(from: parameters, count: parameters.count)
    set(images, samples) { run.input($0) }
  }

  private func set(_ values: [Float], _ samples: Int, _ planes: (Int) -> FeaturePlanes) {
    let size = values.count / batch
    values.withUnsafeBufferPointer { values in
      for sample in 0..<samples {
        planes(sample).setPixels(UnsafeBufferPointer(rebasing: values[sample * size..<(sample + 1) * size]))
      }
    }
  }

  /// Outputs in training and inference, and the gradients along random directions, one for the image and one for each
  /// parameter, must be those of the oracle, whose derivatives are central differences in double precision.
  func expectOracle(
    samplesPerShard: Int = 1, threads: Int = 2, _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let oracle = try Oracle(graph, extents: extents)
    let key = DropoutKey(seed: 3, member: 1, step: 4, firstSample: 2)
    let result = try run(samplesPerShard: samplesPerShard, threads: threads, key: key)
    let point = Oracle.Point(
      images: images.map(Double.init), parameters: parameters.map(Double.init), dropout: key)
    let known = oracle.values(point, batch: batch)
    expectOutputClose(
      result.output, known[graph.output].map(Float.init), "\(what) output",
      sourceLocation: sourceLocation)

    var random = TestRandom(99)
    let statistics = layout.statistics.flatMap { entry in
      random.uniforms(entry.count).map { entry.name.hasSuffix("var") ? 1 + 0.5 * $0 : $0 }
    }
    var evaluation = point
    evaluation.statistics = statistics.map(Double.init)
    evaluation.dropout = nil
    expectOutputClose(
      try predict(statistics: statistics, threads: threads), oracle.outputs(evaluation, batch: batch).map(Float.init),
      "\(what) prediction", sourceLocation: sourceLocation)

    let largest = max(norm(result.gradients), norm(result.inputGradient))
    func loss(_ point: Oracle.Point, moved node: Int?) -> Double {
      let outputs = oracle.values(point, batch: batch, moved: node, from: known)[graph.output]
      return zip(outputs, slopes).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    func check(
      _ gradient: ArraySlice<Float>, _ name: String, of node: Int?, move: (inout Oracle.Point, [Double]) -> Void
    ) {
      let direction = random.uniforms(gradient.count).map(Double.init)
      // Small, so that few values cross a kink on the way.
      let step = 1e-7
      var (up, down) = (point, point)
      move(&up, direction.map { $0 * step })
      move(&down, direction.map { -$0 * step })
      let expected = (loss(up, moved: node) - loss(down, moved: node)) / (2 * step)
      let actual = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * $1.1 }
      let tolerance = 1e-4 * norm(gradient) + 1e-5 * largest + 1e-7
      #expect(
        abs(actual - expected) <= tolerance, "\(what) gradient of \(name): \(actual) instead of \(expected)",
        sourceLocation: sourceLocation)
    }
    check(result.inputGradient[...], "the image", of: nil) { point, direction in
      for index in direction.indices { point.images[index] += direction[index] }
    }
    for entry in layout.parameters {
      let owner = entry.name.lastIndex(of: ".").map { entry.name[..<$0] }
      let node = try #require(graph.nodes.firstIndex { $0.name == owner ?? "" }, "\(entry.name) belongs to no node")
      check(result.gradients[entry.range], entry.name, of: node) { point, direction in
        for (index, value) in zip(entry.range, direction) { point.parameters[index] += value }
      }
    }
  }

  private func norm(_ values: some Sequence<Float>) -> Double {
    values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }
}
