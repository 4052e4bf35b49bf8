import Engine
import Host
import Networks
import TestSupport
import Testing

@testable import Training

/// The training of one network, step by step.
@Suite struct TrainerTests {
  private func trainer(
    _ graph: NetworkGraph, extents: [Int], batch: Int, shards: Int = 2, threads: Int = 2, rate: Double = 0.01,
    seed: UInt64 = 1
  ) throws -> Trainer {
    let plan = try Plan(graph, extents: extents, purpose: .training)
    let trainer = try Trainer(
      plan, batch: batch, shards: shards, recipe: .adam(rate: rate), team: try ThreadTeam(size: threads),
      seed: seed, member: 0)
    let start = plan.layout.initialParameters(seed: seed, member: 0)
    trainer.execution.parameters.pointer.update(from: start, count: start.count)
    return trainer
  }

  private func smsnet(dimensions: Int) throws -> NetworkGraph {
    var generator = SMSNetGenerator()
    generator.nodes = 6
    generator.dilations = [1, 2, 3]
    let topology = try generator.topology(inputChannels: 1, seed: 4, member: 0)
    return try SMSNet().graph(topology: topology, inputChannels: 1, outputChannels: 2, dimensions: dimensions)
  }

  private func tunet(dimensions: Int) throws -> NetworkGraph {
    var network = TUNet()
    network.depth = 3
    network.baseChannels = 8
    return try network.graph(inputChannels: 1, outputChannels: 2, dimensions: dimensions)
  }

  /// The part of all pixels whose class the network tells right, predicting with running statistics.
  private func accuracy(_ trainer: Trainer, _ source: ToyImages, extents: [Int]) throws -> Double {
    let plan = try Plan(trainer.execution.plan.graph, extents: extents, purpose: .inference)
    let run = Execution(plan, samplesPerShard: 1, shards: source.samplesPerEpoch, team: try ThreadTeam(size: 2))
    let trained = trainer.execution
    run.parameters.pointer.update(from: trained.parameters.pointer, count: trained.parameters.count)
    run.statistics.pointer.update(from: trained.statistics.pointer, count: trained.statistics.count)
    let targets = TargetBuffer(.labels, pixels: source.pixels, samples: 1)
    for sample in 0..<source.samplesPerEpoch {
      source.load(epoch: 0, position: sample, image: run.input(sample), target: targets[0])
    }
    run.forward(samples: source.samplesPerEpoch)
    var right = 0
    for sample in 0..<source.samplesPerEpoch {
      let logits = run.output(sample).pixels()
      for pixel in 0..<source.pixels {
        let answer = logits[source.pixels + pixel] > logits[pixel] ? 1 : 0
        if answer == source.labels[sample * source.pixels + pixel] { right += 1 }
      }
    }
    return Double(right) / Double(source.labels.count)
  }

  @Test(arguments: [[32, 32], [8, 16, 16]])
  func `a sparse mixed-scale network and a U-Net learn four images by heart`(extents: [Int]) throws {
    for graph in [try smsnet(dimensions: extents.count), try tunet(dimensions: extents.count)] {
      let source = ToyImages(samples: 4, extents: extents)
      let trainer = try trainer(graph, extents: extents, batch: 4)
      let first = try trainer.epoch(source, epoch: 0, batch: 4)
      var last = first
      for epoch in 1..<150 { last = try trainer.epoch(source, epoch: epoch, batch: 4) }
      #expect(last < 0.2 * first)
      #expect(try accuracy(trainer, source, extents: extents) >= 0.98)
      #expect(trainer.steps == 150)
    }
  }

  /// A network in which no pixel sees another.
  private var pixelwise: NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    let a = graph.add("a", .convolution(Convolution(channels: 4, kernel: 1)), input)
    let act = graph.add("act", .activation(.tanh), a)
    graph.add("b", .convolution(Convolution(channels: 2, kernel: 1)), act)
    return graph
  }

  @Test func `what stands under ignored labels changes nothing`() throws {
    let extents = [6, 10]
    let source = ToyImages(samples: 4, extents: extents)
    for index in source.labels.indices where index % 3 == 0 { source.labels[index] = Label.ignored }
    func losses() throws -> ([Double], [Float]) {
      let trainer = try trainer(pixelwise, extents: extents, batch: 4)
      let losses = try (0..<5).map { try trainer.epoch(source, epoch: $0, batch: 4) }
      return (losses, Array(trainer.execution.parameters.buffer))
    }
    let before = try losses()
    for index in source.labels.indices where index % 3 == 0 { source.images[index] += 7 }
    let after = try losses()
    #expect(before == after)
    source.images[1] += 1
    #expect(try losses() != before)
  }

  @Test func `a batch without any label has loss 0 and moves nothing`() throws {
    let extents = [6, 10]
    let source = ToyImages(samples: 2, extents: extents)
    source.labels = source.labels.map { _ in Label.ignored }
    let trainer = try trainer(pixelwise, extents: extents, batch: 2)
    let start = Array(trainer.execution.parameters.buffer)
    #expect(try trainer.step(source, epoch: 0, positions: 0..<2) == 0)
    #expect(Array(trainer.execution.parameters.buffer) == start)
  }

  @Test func `the mean is over the labelled pixels of the batch, not of the samples`() throws {
    let extents = [4, 8]
    let source = ToyImages(samples: 2, extents: extents)
    for index in 0..<30 { source.labels[index] = Label.ignored }
    let trainers = try (0..<3).map { _ in try trainer(pixelwise, extents: extents, batch: 2) }
    let both = try trainers[0].step(source, epoch: 0, positions: 0..<2)
    let first = try trainers[1].step(source, epoch: 0, positions: 0..<1)
    let second = try trainers[2].step(source, epoch: 0, positions: 1..<2)
    #expect(abs(both - (2 * first + 32 * second) / 34) < 1e-7)
  }

  @Test(arguments: [Float.nan, .infinity])
  func `an image that is not finite stops the member at its step, with its parameters as they were`(value: Float) throws
  {
    let extents = [8, 16]
    for graph in [try smsnet(dimensions: 2), try tunet(dimensions: 2), pixelwise] {
      let source = ToyImages(samples: 6, extents: extents)
      source.images[5 * 8 * 16 + 40] = value
      let trainer = try trainer(graph, extents: extents, batch: 2, rate: 0.003)
      for step in 0..<2 { _ = try trainer.step(source, epoch: 7, positions: 2 * step..<2 * step + 2) }
      let before = Array(trainer.execution.parameters.buffer)
      if graph == pixelwise, value == .infinity {
        // tanh(∞) is 1: nothing is wrong with that.
        #expect(try trainer.step(source, epoch: 7, positions: 4..<6).isFinite)
        continue
      }
      do {
        let loss = try trainer.step(source, epoch: 7, positions: 4..<6)
        Issue.record("a step with \(value) in an image has loss \(loss)")
      } catch {
        guard case .notFinite(let loss, let epoch, let step, let rate) = error else { continue }
        #expect(!loss.isFinite && epoch == 7 && step == 2 && rate == 0.003)
        #expect(error.description.contains("epoch 8 (step 3, rate 0.003)"))
      }
      #expect(Array(trainer.execution.parameters.buffer) == before)
      #expect(trainer.steps == 2 && trainer.optimizer.steps == 2)
    }
  }

  @Test func `one seed gives the same bits for one, two and three threads, another seed others`() throws {
    let extents = [12, 20]
    var graph = try tunet(dimensions: 2)
    graph.add("drop", .dropout(rate: 0.2), graph.output)
    func train(threads: Int, seed: UInt64 = 1) throws -> [[Float]] {
      let source = ToyImages(samples: 7, extents: extents)
      let trainer = try trainer(graph, extents: extents, batch: 4, shards: 4, threads: threads, seed: seed)
      var losses: [Float] = []
      for epoch in 0..<3 { _ = try trainer.epoch(source, epoch: epoch, batch: 4) { losses.append(Float($0)) } }
      #expect(losses.count == 6)
      return [
        losses, Array(trainer.execution.parameters.buffer), Array(trainer.execution.statistics.buffer),
        Array(trainer.optimizer.state[1].buffer),
      ]
    }
    let one = try train(threads: 1)
    #expect(try train(threads: 2) == one)
    #expect(try train(threads: 3) == one)
    #expect(try train(threads: 1, seed: 2) != one)
  }

  @Test func `any loss trains with the same bits for one, two and three threads`() throws {
    let extents = [6, 10]
    let cases: [(loss: any Loss, target: TargetKind)] = [
      (WeightedSum([(DiceBCELoss(), 1), (TotalVariation(of: .probabilities), 0.01)]), .labels.weighted),
      (FocalLoss(), .labels), (WeightedSum([(MeanSquaredError(), 1), (TotalVariation(), 0.01)]), .values(channels: 2)),
      (L1Loss(), .values(channels: 2).weighted), (QuantileLoss(quantiles: [0.1, 0.9]), .values(channels: 1)),
    ]
    for (loss, target) in cases {
      func train(threads: Int) throws -> ([Double], [Float]) {
        let plan = try Plan(pixelwise, extents: extents, purpose: .training)
        let trainer = try Trainer(
          plan, loss: loss, target: target, batch: 4, shards: 2, recipe: TrainingRecipe(optimizer: .adam(rate: 0.02)),
          team: try ThreadTeam(size: threads), seed: 1, member: 0)
        let start = plan.layout.initialParameters(seed: 1, member: 0)
        trainer.execution.parameters.pointer.update(from: start, count: start.count)
        let source = ToyImages(samples: 7, extents: extents)
        let losses = try (0..<20).map { try trainer.epoch(source, epoch: $0, batch: 4) }
        return (losses, Array(trainer.execution.parameters.buffer))
      }
      let one = try train(threads: 1)
      #expect(one.0[19] < 0.9 * one.0[0], "\(loss)")
      #expect(try train(threads: 2) == one && train(threads: 3) == one, "\(loss)")
    }
  }

  @Test func `an epoch's loss is the mean of its steps, weighted by their samples`() throws {
    let source = ToyImages(samples: 5, extents: [6, 10])
    let trainer = try trainer(pixelwise, extents: [6, 10], batch: 2)
    var losses: [Double] = []
    let mean = try trainer.epoch(source, epoch: 0, batch: 2) { losses.append($0) }
    #expect(losses.count == 3)
    #expect(abs(mean - (2 * losses[0] + 2 * losses[1] + losses[2]) / 5) < 1e-12)
  }

  @Test func `after the first, a training step allocates nothing`() throws {
    let extents = [4, 8, 12]
    let source = ToyImages(samples: 4, extents: extents)
    for graph in [try smsnet(dimensions: 3), try tunet(dimensions: 3)] {
      let trainer = try trainer(graph, extents: extents, batch: 4, shards: 4, threads: 1)
      func step() throws { _ = try trainer.step(source, epoch: 0, positions: 0..<4) }
      try step()
      guard let seen = allocatedBytes({ touchHeap(bytes: 24) }) else { return }
      #expect(seen >= 24, "the measurement sees a small block taken for a moment")
      // Tests that run beside this one may allocate meanwhile; not every time.
      let taken = try (0..<8).compactMap { _ in try allocatedBytes(step) }
      #expect(taken.contains(0), "bytes: \(taken)")
    }
  }
}
