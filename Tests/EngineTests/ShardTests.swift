import Host
import Networks
import TestSupport
import Testing

@testable import Engine

/// What the cut of a batch into shards and threads may change, and what not.
@Suite struct ShardTests {
  private func trial(normalized: Bool, batch: Int, dimensions: Int = 2) throws -> Trial {
    var graph = NetworkGraph(dimensions: dimensions)
    var value = graph.add("input", .input(channels: 2))
    for layer in 0..<2 {
      value = graph.add("conv\(layer)", .convolution(.same(channels: 5, dilation: 1 + layer)), value)
      if normalized { value = graph.add("norm\(layer)", .batchNormalization(BatchNormalization()), value) }
      value = graph.add("act\(layer)", .activation(.relu), value)
    }
    graph.add("last", .convolution(Convolution(channels: 3, kernel: 1)), value)
    return try Trial(graph, extents: dimensions == 2 ? [70, 65] : [4, 6, 19], batch: batch)
  }

  @Test(arguments: [2, 3])
  func `values, gradients and statistics have the same bits for one, two and three threads`(dimensions: Int) throws {
    let trial = try trial(normalized: true, batch: 5, dimensions: dimensions)
    for size in [1, 2, 5] {
      let one = try trial.run(samplesPerShard: size, threads: 1)
      #expect(try trial.run(samplesPerShard: size, threads: 1) == one)
      #expect(try trial.run(samplesPerShard: size, threads: 2) == one)
      #expect(try trial.run(samplesPerShard: size, threads: 3) == one)
    }
  }

  @Test func `shards of one, two and all samples give the same values and gradients but for rounding`() throws {
    let trial = try trial(normalized: true, batch: 4)
    let all = try trial.run(samplesPerShard: 4)
    for size in [1, 2, 3] {
      let cut = try trial.run(samplesPerShard: size)
      expectOutputClose(cut.output, all.output, "output")
      expectOutputClose(cut.statistics, all.statistics, "statistics")
      expectGradientClose(cut.gradients, all.gradients, largest: 0, "gradients")
      expectGradientClose(cut.inputGradient, all.inputGradient, largest: 0, "input gradient")
    }
  }

  @Test func `a short batch has the bits of a batch of that size`() throws {
    let trial = try trial(normalized: true, batch: 7)
    for size in [1, 2, 4] {
      for samples in [1, 2, 3, 5] {
        let alone = try trial.run(samplesPerShard: size, samples: samples)
        #expect(try trial.run(samplesPerShard: size, samples: samples, capacity: 8) == alone)
      }
    }
  }

  @Test func `a batch after a larger one does not see what that left behind`() throws {
    let trial = try trial(normalized: true, batch: 4)
    let plan = try trial.plan()
    func run(_ batches: [Int]) throws -> [Float] {
      let run = Execution(plan, samplesPerShard: 1, shards: 4, team: try ThreadTeam(size: 2))
      run.parameters.pointer.update(from: trial.parameters, count: trial.parameters.count)
      for samples in batches {
        for sample in 0..<samples {
          let size = trial.images.count / 4
          trial.images.withUnsafeBufferPointer {
            run.input(sample).setPixels(UnsafeBufferPointer(rebasing: $0[sample * size..<(sample + 1) * size]))
          }
        }
        run.forward(samples: samples)
        for sample in 0..<samples {
          let size = trial.slopes.count / 4
          trial.slopes.withUnsafeBufferPointer {
            run.outputGradient(sample).setPixels(UnsafeBufferPointer(rebasing: $0[sample * size..<(sample + 1) * size]))
          }
        }
        run.backward()
      }
      return Array(run.gradients.buffer)
    }
    #expect(try run([4, 2]) == run([2]))
    #expect(try run([4, 2, 4]) == run([4]))
  }

  @Test func `gradients of shards are joined along the documented tree`() throws {
    let trial = try trial(normalized: false, batch: 8)
    let size = trial.images.count / 8
    let slopes = trial.slopes.count / 8
    /// The gradient of one sample alone.
    func alone(_ sample: Int) throws -> [Float] {
      var one = trial
      one.images.replaceSubrange(0..<size, with: trial.images[sample * size..<(sample + 1) * size])
      one.slopes.replaceSubrange(0..<slopes, with: trial.slopes[sample * slopes..<(sample + 1) * slopes])
      return try one.run(samples: 1).gradients
    }
    func add(_ a: [Float], _ b: [Float]) -> [Float] { zip(a, b).map { $0 + $1 } }
    let g = try (0..<8).map(alone)
    // Biases are joined in double and rounded once; weights shard by shard in float.
    let weights = trial.layout.parameters.filter { $0.name.hasSuffix("weight") }.flatMap { Array($0.range) }
    func expect(_ samples: Int, _ sum: [Float]) throws {
      let actual = try trial.run(samples: samples, capacity: 8).gradients
      #expect(weights.map { actual[$0] } == weights.map { sum[$0] }, "\(samples) shards")
    }
    try expect(3, add(add(g[0], g[1]), g[2]))
    try expect(4, add(add(g[0], g[1]), add(g[2], g[3])))
    try expect(5, add(add(add(g[0], g[1]), add(g[2], g[3])), g[4]))
    try expect(7, add(add(add(g[0], g[1]), add(g[2], g[3])), add(add(g[4], g[5]), g[6])))
  }

  @Test func `the tree over shards visits its joins lowest first, and every shard is joined once`() {
    func joins(_ count: Int) -> [[Int]] {
      var result: [[Int]] = []
      foldShards(count: count) { result.append([$0, $1]) }
      return result
    }
    #expect(joins(0) == [] && joins(1) == [])
    #expect(joins(3) == [[0, 1], [0, 2]])
    #expect(joins(4) == [[0, 1], [2, 3], [0, 2]])
    #expect(joins(6) == [[0, 1], [2, 3], [4, 5], [0, 2], [0, 4]])
    for count in 1...33 { #expect(Set(joins(count).map { $0[1] }) == Set(1..<count)) }
  }

  @Test func `the joins of parts, then those of what is left of them, are the joins of the whole`() {
    for count in 1...17 {
      for ranks in 1...count {
        let ends = (0...ranks).map { count * $0 / ranks }
        let held = zip(ends, ends.dropFirst()).map { $0..<$1 }
        var all: [[Int]] = []
        foldShards(count: count) { all.append([$0, $1]) }
        var local: [[Int]] = []
        for range in held { foldShards(count: count, held: range) { local.append([$0, $1]) } }
        #expect(Set(local).count == local.count && Set(local).isSubset(of: Set(all)))
        let left = held.flatMap { shardSubtrees(count: count, held: $0) }
        // What is joined away is not left, and nothing else is.
        #expect(Set(left) == Set(0..<count).subtracting(local.map { $0[1] }))
        let rest = all.filter { !local.contains($0) }
        #expect(rest.allSatisfy { left.contains($0[0]) && left.contains($0[1]) })
        #expect(rest.count == left.count - 1)
      }
    }
  }

  @Test func `with the scope shard every shard is normalized as if it were alone`() throws {
    let trial = try trial(normalized: true, batch: 4)
    let image = trial.images.count / 4
    let slope = trial.slopes.count / 4
    func alone(_ samples: Range<Int>) throws -> Trial.Result {
      var part = trial
      part.images.replaceSubrange(
        0..<samples.count * image, with: trial.images[samples.lowerBound * image..<samples.upperBound * image])
      part.slopes.replaceSubrange(
        0..<samples.count * slope, with: trial.slopes[samples.lowerBound * slope..<samples.upperBound * slope])
      return try part.run(samplesPerShard: samples.count, samples: samples.count)
    }
    let whole = try trial.run(samplesPerShard: 2, samples: 3, scope: .shard)
    let parts = [try alone(0..<2), try alone(2..<3)]
    #expect(whole.output == parts[0].output + parts[1].output)
    #expect(whole.inputGradient == parts[0].inputGradient + parts[1].inputGradient)
    func middle(_ values: [[Float]]) -> [Float] { zip(values[0], values[1]).map { ($0 + $1) / 2 } }
    expectOutputClose(whole.statistics, middle(parts.map(\.statistics)), "statistics")
    expectGradientClose(
      whole.gradients, zip(parts[0].gradients, parts[1].gradients).map { $0 + $1 }, largest: 0, "gradients")
    for threads in 1...3 {
      #expect(try trial.run(samplesPerShard: 2, threads: threads, samples: 3, scope: .shard) == whole)
    }
    #expect(try trial.run(samplesPerShard: 2, samples: 3).output != whole.output)
  }

  @Test func `operands of all shards become one, left before right`() {
    var operands = (0..<10).map(Double.init)
    operands.withUnsafeMutableBufferPointer {
      LocalShards().reduce($0.baseAddress!, shards: 5, width: 2) { left, right in
        left[0] = 10 * left[0] + right[0]
        left[1] += right[1]
      }
    }
    // ((0 2) (4 6)) 8, each join ten times the left operand plus the right: 10 · (10 · 2 + 46) + 8.
    #expect(operands[0] == 668)
    #expect(operands[1] == 25)
  }

  @Test func `a prediction with running statistics is an affine map`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    graph.add("norm", .batchNormalization(BatchNormalization(epsilon: 0.25)), input)
    var trial = try Trial(graph, extents: [3, 5], batch: 2)
    trial.parameters = [2, 3, 10, 20]
    // Means 0.5 and −1, variances 0.75 and 3.75: deviations 1 and 2.
    let values = try trial.predict(statistics: [0.5, -1, 0.75, 3.75])
    for (index, value) in values.enumerated() {
      let x = trial.images[index]
      let expected = index / 15 % 2 == 0 ? (x - 0.5) * 2 + 10 : (x + 1) / 2 * 3 + 20
      #expect(abs(value - expected) < 1e-5)
    }
  }

  @Test func `a training pass moves running statistics by its momentum, unless told not to`() throws {
    var graph = NetworkGraph(dimensions: 1)
    let input = graph.add("input", .input(channels: 1))
    graph.add("norm", .batchNormalization(BatchNormalization(momentum: 0.25)), input)
    let plan = try Plan(graph, extents: [4], purpose: .training)
    let run = Execution(plan, samplesPerShard: 1, shards: 1, team: try ThreadTeam(size: 1))
    run.parameters.pointer.update(repeating: 1, count: 2)
    func forward(updatesStatistics: Bool) {
      [2, 4, 6, 8].withUnsafeBufferPointer { run.input(0).setPixels($0) }
      run.forward(samples: 1, updatesStatistics: updatesStatistics)
    }
    forward(updatesStatistics: false)
    #expect(Array(run.statistics.buffer) == [0, 1])
    forward(updatesStatistics: true)
    // Mean 5; variance with n − 1 in the denominator 20/3.
    #expect(run.statistics.pointer[0] == 1.25)
    #expect(abs(run.statistics.pointer[1] - (0.75 + 0.25 * 20 / 3)) < 1e-6)
  }
}
