import Engine
import Foundation
import Host
import Networks
import TestSupport
import Testing

@testable import Training

@Suite struct TrainingLoopTests {
  private let extents = [8, 12]

  /// A small network; without normalization samples of a batch do not see each other.
  private func network(normalized: Bool = false, dropout: Double = 0) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    var last = graph.add("a", .convolution(.same(channels: 4)), input)
    if normalized { last = graph.add("norm", .batchNormalization(BatchNormalization()), last) }
    last = graph.add("act", .activation(.tanh), last)
    if dropout > 0 { last = graph.add("drop", .dropout(rate: dropout), last) }
    graph.add("b", .convolution(Convolution(channels: 2, kernel: 1)), last)
    return graph
  }

  private func trainer(
    _ graph: NetworkGraph, _ recipe: TrainingRecipe, batch: Int = 2, trainable: [Range<Int>]? = nil, threads: Int = 1
  ) throws -> Trainer {
    let plan = try Plan(graph, extents: extents, purpose: .training)
    let trainer = try Trainer(
      plan, batch: batch, shards: min(batch, 2), recipe: recipe, trainable: trainable,
      team: try ThreadTeam(size: threads), seed: 5, member: 0)
    trainer.execution.parameters.pointer.update(
      from: plan.layout.initialParameters(seed: 5, member: 0), count: plan.layout.parameterCount)
    return trainer
  }

  private func loop(
    _ trainer: Trainer, _ recipe: TrainingRecipe, epochs: Int, source: ToyImages, validation: ToyImages? = nil
  ) throws -> TrainingLoop {
    let validator = try validation.map {
      try Validator(
        Plan(trainer.execution.plan.graph, extents: extents, purpose: .inference), loss: CrossEntropy(),
        target: .labels, source: $0, batch: 2, team: try ThreadTeam(size: 2))
    }
    return TrainingLoop(
      trainer, recipe: recipe, epochs: epochs, samplesPerEpoch: source.samplesPerEpoch, batch: 2, validator: validator)
  }

  /// A recipe with every part.
  private var everything: TrainingRecipe {
    TrainingRecipe(
      optimizer: OptimizerSettings(NAdam(), rate: 0.02, weightDecay: 0.001),
      schedule: RateSchedule(PlateauSchedule(factor: 0.5, patience: 0, threshold: 0.5), warmUp: 1),
      clipping: ClippingSettings(norm: 0.3, value: 0.1), accumulation: 2,
      averaging: AveragingSettings(decay: 0.9), earlyStopping: EarlyStopping(patience: 50), keep: .best)
  }

  @Test func `accumulated batches make the step of the joined batch, sparse labels and a short end included`() throws {
    let source = ToyImages(samples: 7, extents: extents)
    for index in source.labels.indices where index % 5 > index / 150 { source.labels[index] = Label.ignored }
    let optimizer = OptimizerSettings(SGD(), rate: 0.5)
    let joined = try trainer(network(), TrainingRecipe(optimizer: optimizer), batch: 7)
    let parts = try trainer(network(), TrainingRecipe(optimizer: optimizer, accumulation: 4))
    for step in 0..<4 {
      let expected = try joined.step(source, epoch: 0, positions: 0..<7)
      let loss = try parts.step(source, epoch: 0, positions: 0..<7)
      #expect(abs(loss - expected) < 1e-6 * expected, "step \(step)")
      expectClose(
        Array(parts.execution.parameters.buffer), Array(joined.execution.parameters.buffer), relative: 1e-5,
        "step \(step)")
    }
    #expect(parts.steps == 4)
  }

  @Test func `an epoch takes as many steps as there are groups of batches`() throws {
    let source = ToyImages(samples: 7, extents: extents)
    let trainer = try trainer(network(), TrainingRecipe(accumulation: 2))
    var losses = 0
    _ = try trainer.epoch(source, epoch: 0, batch: 2) { _ in losses += 1 }
    #expect(losses == 2 && trainer.steps == 2)
  }

  @Test(arguments: [Float(0), 0.5])
  func `one channel tells two classes by its threshold`(threshold: Float) throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    graph.add("same", .convolution(Convolution(channels: 1, kernel: 1)), input)
    let plan = try Plan(graph, extents: extents, purpose: .inference)
    let source = ToyImages(samples: 3, extents: extents)
    let validator = try Validator(
      plan, loss: BinaryCrossEntropy(), target: .labels, source: source, batch: 2, threshold: threshold,
      team: try ThreadTeam(size: 1))
    // The image itself is the logit.
    let found = validator.evaluate(parameters: [1, 0], statistics: [])
    let right = zip(source.images, source.labels).count { ($0 > threshold) == ($1 == 1) }
    #expect(try abs(#require(found.metrics["accuracy"]) - Double(right) / Double(source.labels.count)) < 1e-12)
    #expect(right > source.labels.count / 2)
  }

  @Test func `frozen weights stay where they are`() throws {
    let source = ToyImages(samples: 4, extents: extents)
    let graph = network()
    let layout = try graph.layout(extents: extents)
    let last = try #require(layout.parameter("b.weight")).offset
    let trainer = try trainer(
      graph, TrainingRecipe(clipping: ClippingSettings(norm: 0.1)), trainable: [last..<layout.parameterCount])
    let start = Array(trainer.execution.parameters.buffer)
    _ = try trainer.epoch(source, epoch: 0, batch: 2)
    let end = Array(trainer.execution.parameters.buffer)
    #expect(end[..<last] == start[..<last])
    #expect(zip(end[last...], start[last...]).allSatisfy { $0 != $1 })
  }

  @Test func `averaged weights follow the trained ones by the decay`() throws {
    let source = ToyImages(samples: 2, extents: extents)
    let cases: [(AveragingSettings, [Double])] = [
      (AveragingSettings(decay: 0.75, warmUp: false), [0, 0.75, 0.75, 0.75]),
      (AveragingSettings(decay: 0.2, warmUp: true), [0, 2.0 / 11, 0.2, 0.2]),
    ]
    for (settings, decays) in cases {
      let trainer = try trainer(network(normalized: true), TrainingRecipe(averaging: settings))
      let average = try #require(trainer.average)
      var expected = [Double](repeating: 0, count: average.parameters.count)
      for decay in decays {
        _ = try trainer.step(source, epoch: 0, positions: 0..<2)
        for (index, value) in trainer.execution.parameters.buffer.enumerated() {
          let old = decay * expected[index]
          expected[index] = old + (1 - decay) * Double(value)
        }
      }
      expectClose(Array(average.parameters.buffer), expected.map { Float($0) }, relative: 1e-6, "average")
      #expect(Array(average.statistics.buffer) != Array(trainer.execution.statistics.buffer))
    }
  }

  @Test func `a schedule sets the rate of every epoch, or of every step`() throws {
    let source = ToyImages(samples: 6, extents: extents)
    let cases: [(RateSchedule.Unit, [Double])] = [(.epoch, [1, 0.5, 0.25]), (.step, [0.25, 0.03125, 0.00390625])]
    for (unit, expected) in cases {
      let recipe = TrainingRecipe(
        optimizer: OptimizerSettings(SGD(), rate: 1), schedule: RateSchedule(ExponentialSchedule(gamma: 0.5), per: unit)
      )
      let loop = try loop(try trainer(network(), recipe), recipe, epochs: 3, source: source)
      while !loop.isFinished { try loop.epoch(source) }
      #expect(loop.history.map(\.rate) == expected)
    }
  }

  @Test func `a validator tells the loss and figures of all its samples as one batch`() throws {
    let source = ToyImages(samples: 5, extents: extents)
    for index in source.labels.indices where index % 3 == 0 { source.labels[index] = Label.ignored }
    let trainer = try trainer(network(), TrainingRecipe(), batch: 5)
    let results = try [1, 3].map { batch in
      try Validator(
        Plan(network(), extents: extents, purpose: .inference), loss: CrossEntropy(), target: .labels, source: source,
        batch: batch, team: try ThreadTeam(size: batch)
      ).evaluate(
        parameters: trainer.execution.parameters.pointer, statistics: trainer.execution.statistics.pointer)
    }
    let loss = try trainer.step(source, epoch: 0, positions: 0..<5)
    #expect(abs(results[0].loss - loss) < 1e-6)
    #expect(results[0] == results[1])
    let accuracy = try #require(results[0].metrics["accuracy"])
    #expect(accuracy > 0 && accuracy < 1)
    #expect(results[0].metrics["f1_macro"] != nil)
  }

  @Test func `training stops when validation has not improved for a while, and the best weights come back`() throws {
    let source = ToyImages(samples: 4, extents: extents)
    // From epoch 3 on the rate is far too large.
    let recipe = TrainingRecipe(
      optimizer: OptimizerSettings(SGD(), rate: 0.1),
      schedule: RateSchedule(MultistepSchedule(milestones: [3], gamma: 3000)),
      earlyStopping: EarlyStopping(patience: 2), keep: .best)
    let trainer = try trainer(network(), recipe)
    let loop = try loop(
      trainer, recipe, epochs: 20, source: source, validation: ToyImages(samples: 4, extents: extents))
    var weights: [[Float]] = []
    while !loop.isFinished {
      try loop.epoch(source)
      weights.append(Array(trainer.execution.parameters.buffer))
    }
    let losses = loop.history.compactMap(\.validationLoss)
    let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
    #expect(best == 2)
    #expect(losses.count == best + 1 + 2)
    #expect(loop.resultEpoch == best)
    #expect(Array(loop.result.parameters.buffer) == weights[best])
    #expect(weights[best] != weights.last)
  }

  @Test func `a training that is restored goes on with the same bits`() throws {
    let source = ToyImages(samples: 7, extents: extents)
    let validation = ToyImages(samples: 3, extents: extents, seed: 9)
    let graph = network(normalized: true, dropout: 0.2)
    func fresh(threads: Int) throws -> TrainingLoop {
      try loop(
        try trainer(graph, everything, threads: threads), everything, epochs: 8, source: source,
        validation: validation)
    }
    let straight = try fresh(threads: 1)
    while !straight.isFinished { try straight.epoch(source) }
    let first = try fresh(threads: 2)
    for _ in 0..<4 { try first.epoch(source) }
    let saved = try JSONEncoder().encode(first.progress)
    let second = try fresh(threads: 1)
    second.progress = try JSONDecoder().decode(TrainingLoop.Progress.self, from: saved)
    for (new, old) in zip(second.buffers, first.buffers) {
      #expect(new.name == old.name)
      new.values.pointer.update(from: old.values.pointer, count: old.values.count)
    }
    while !second.isFinished { try second.epoch(source) }
    #expect(second.progress == straight.progress)
    for (new, old) in zip(second.buffers, straight.buffers) {
      #expect(Array(new.values.buffer) == Array(old.values.buffer), "\(new.name)")
    }
    #expect(straight.history.count == 8)
    #expect(Set(straight.history.map(\.rate)).count > 2, "the plateau lowered the rate")
  }

  @Test func `a training that is cut after any step goes on with the same bits`() throws {
    struct Cut: Error {}
    let source = ToyImages(samples: 7, extents: extents)
    var recipe = everything
    recipe.schedule = RateSchedule(CosineSchedule(), warmUp: 1)
    recipe.schedule.unit = .step
    let graph = network(normalized: true, dropout: 0.2)
    let straight = try loop(try trainer(graph, recipe), recipe, epochs: 3, source: source)
    while !straight.isFinished { try straight.epoch(source) }
    // Seven samples in batches of two, two of them a step: two steps an epoch.
    var current = try loop(try trainer(graph, recipe), recipe, epochs: 3, source: source)
    var shares: [Double] = []
    while !current.isFinished {
      do { try current.epoch(source, afterStep: { _ in throw Cut() }) } catch is Cut {}
      shares.append(current.share)
      let next = try loop(try trainer(graph, recipe), recipe, epochs: 3, source: source)
      next.progress = try TrainingLoop.Progress(decoding: current.progress.encoded())
      for (new, old) in zip(next.buffers, current.buffers) {
        new.values.pointer.update(from: old.values.pointer, count: old.values.count)
      }
      current = next
    }
    #expect(shares.first == 1.0 / 6 && shares.last == 1)
    #expect(current.progress == straight.progress)
    for (new, old) in zip(current.buffers, straight.buffers) {
      #expect(Array(new.values.buffer) == Array(old.values.buffer), "\(new.name)")
    }
  }

  @Test func `progress survives its text with numbers that are not finite, and texts of earlier programs are read`()
    throws
  {
    let source = ToyImages(samples: 4, extents: extents)
    let recipe = TrainingRecipe()
    let loop = try loop(try trainer(network(), recipe), recipe, epochs: 3, source: source)
    try loop.epoch(source)
    let text = String(decoding: try loop.progress.encoded(), as: UTF8.self)
    let metrics = text.replacing("\"metrics\":{}", with: "\"metrics\":{\"a\":\"nan\",\"b\":\"-inf\"}")
    try #require(metrics != text)
    let progress = try TrainingLoop.Progress(decoding: Array(metrics.utf8))
    #expect(progress.history[0].metrics["a"]?.isNaN == true && progress.history[0].metrics["b"] == -.infinity)
    #expect(try TrainingLoop.Progress(decoding: progress.encoded()).history[0].metrics["b"] == -.infinity)
    var earlier = text
    for key in ["position", "total", "rateFactor"] {
      earlier = earlier.replacing(try Regex("\"\(key)\":[0-9.]+,?"), with: "")
    }
    earlier = earlier.replacing(",}", with: "}")
    try #require(earlier.count < text.count)
    #expect(try TrainingLoop.Progress(decoding: Array(earlier.utf8)) == loop.progress)
  }

  @Test func `a recipe survives its file form`() throws {
    for recipe in [TrainingRecipe(), everything] {
      let data = try JSONEncoder().encode(recipe)
      #expect(try JSONDecoder().decode(TrainingRecipe.self, from: data) == recipe)
    }
  }
}
