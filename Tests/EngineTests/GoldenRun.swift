import Engine
import Host
import Networks
import TestSupport
import Testing

/// Runs a network on the arrays of a golden group and compares everything that the group holds.
struct GoldenRun {
  let group: GoldenGroup
  let graph: NetworkGraph
  /// PyTorch's name of a parameter or statistic of ours, `NODE.weight`.
  let name: (String) -> String
  /// Whether an array belongs to layers that the reference has and never runs.
  var isDead: (String) -> Bool = { _ in false }

  /// Every array of the group must be met within its tolerance.
  ///
  /// The gradient of a network with kinks (ReLU, max pooling) jumps where a value before one is 0 but for rounding, and
  /// which side the reference fell on is chance. When a group is not met, it is tried again with the image changed in
  /// its last bits, which moves such values across: one of the tries must meet all arrays at once.
  ///
  /// - Parameters:
  ///   - samplesPerShard: how the batch is divided.
  ///   - threads: size of the team.
  func check(samplesPerShard: Int = 1, threads: Int = 2) throws {
    let x = try group.array("x").values
    let problems = try compare(x, samplesPerShard: samplesPerShard, threads: threads)
    guard !problems.isEmpty else { return }
    var random = TestRandom(1)
    for _ in 0..<16 {
      let moved = x.map { $0 * (1 + 0x1p-23 * random.uniform()) }
      if try compare(moved, samplesPerShard: samplesPerShard, threads: threads).isEmpty { return }
    }
    for problem in problems { Issue.record("\(group.name): \(problem)") }
  }

  /// What differs from the group's arrays for this image.
  private func compare(_ image: [Float], samplesPerShard: Int, threads: Int) throws -> [String] {
    var problems: [String] = []
    func output(_ actual: [Float], _ key: String) throws {
      if let problem = difference(actual, try group.array(key).values, relative: 1e-4) {
        problems.append("\(key): \(problem)")
      }
    }
    let shape = try group.array("x").shape
    let extents = shape.count > 2 ? Array(shape[2...]) : Array(repeating: 1, count: graph.dimensions)
    let batch = shape[0]
    let shards = (batch + samplesPerShard - 1) / samplesPerShard
    let team = try ThreadTeam(size: threads)
    let plan = try Plan(graph, extents: extents, purpose: .training, inputGradient: true)
    let run = Execution(plan, samplesPerShard: samplesPerShard, shards: shards, team: team)
    try set(run, layout: plan.layout)

    write(image, batch: batch) { run.input($0) }
    run.forward(samples: batch)
    try output(read(batch) { run.output($0) }, "y")

    write(try group.array("gy").values, batch: batch) { run.outputGradient($0) }
    run.backward()
    let largest = max(try group.largest(in: "grad"), try group.array("gx").values.map(abs).max() ?? 0)
    func gradient(_ actual: [Float], _ key: String) throws {
      let expected = try group.array(key).values
      if let problem = difference(actual, expected, relative: 5e-4, absolute: 5e-6 * Double(largest)) {
        problems.append("\(key): \(problem)")
      }
    }
    try gradient(read(batch) { run.inputGradient($0) }, "gx")
    var compared: Set<String> = ["x", "y", "gy", "gx", "y_eval"]
    for entry in plan.layout.parameters {
      compared.formUnion(["grad/" + name(entry.name), "state/" + name(entry.name)])
      try gradient(entry.range.map { run.gradients.pointer[$0] }, "grad/" + name(entry.name))
    }
    for entry in plan.layout.statistics {
      compared.formUnion(["after/" + name(entry.name), "state/" + name(entry.name)])
      try output(entry.range.map { run.statistics.pointer[$0] }, "after/" + name(entry.name))
    }
    // The number of batches seen has no counterpart; it says only that the reference ran one training pass.
    for array in try group.arrayNames where array.hasSuffix("num_batches_tracked") && !isDead(array) {
      #expect(try group.array(array).values == [array.hasPrefix("after/") ? 1 : 0])
      compared.insert(array)
    }
    #expect(Set(try group.arrayNames.filter { !isDead($0) }) == compared, "\(group.name): every array is compared")

    let evaluation = try Plan(graph, extents: extents, purpose: .inference)
    let inference = Execution(evaluation, samplesPerShard: samplesPerShard, shards: shards, team: team)
    inference.parameters.pointer.update(from: run.parameters.pointer, count: run.parameters.count)
    inference.statistics.pointer.update(from: run.statistics.pointer, count: run.statistics.count)
    write(image, batch: batch) { inference.input($0) }
    inference.forward(samples: batch)
    try output(read(batch) { inference.output($0) }, "y_eval")
    return problems
  }

  private func set(_ run: Execution, layout: ParameterLayout) throws {
    for entry in layout.parameters {
      let array = try group.array("state/" + name(entry.name))
      #expect(array.values.count == entry.count, "\(group.name): \(entry.name)")
      for (index, value) in zip(entry.range, array.values) { run.parameters.pointer[index] = value }
    }
    for entry in layout.statistics {
      let array = try group.array("state/" + name(entry.name))
      for (index, value) in zip(entry.range, array.values) { run.statistics.pointer[index] = value }
    }
  }

  private func write(_ values: [Float], batch: Int, _ planes: (Int) -> FeaturePlanes) {
    let size = values.count / batch
    values.withUnsafeBufferPointer { values in
      for sample in 0..<batch {
        planes(sample).setPixels(UnsafeBufferPointer(rebasing: values[sample * size..<(sample + 1) * size]))
      }
    }
  }

  private func read(_ batch: Int, _ planes: (Int) -> FeaturePlanes) -> [Float] {
    (0..<batch).flatMap { planes($0).pixels() }
  }
}
