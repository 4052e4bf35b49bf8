import Engine
import Networks
import Tensors
import TestSupport
import Testing

@testable import Training

/// Losses, optimizers and short training runs against PyTorch.
@Suite struct TrainingGoldenTests {
  @Test func `cross entropy with and without ignored labels gives PyTorch's value and gradient`() throws {
    var skipped: [String] = []
    var checked = 0
    for group in try Golden("losses.h5").groups {
      let settings = Set(try group.settingNames)
      guard group.name.hasPrefix("cross_entropy"), settings.isSubset(of: ["ignore_index"]) else {
        skipped.append(group.name)
        continue
      }
      try check(group)
      checked += 1
    }
    #expect(checked >= 2)
    reportSkipped("losses", skipped)
  }

  /// Runs the loss on a network that hands its input on, so that its input gradient is the loss's.
  private func check(_ group: GoldenGroup) throws {
    let x = try group.array("x")
    let batch = x.shape[0]
    var graph = NetworkGraph(dimensions: x.shape.count - 2)
    let input = graph.add("input", .input(channels: x.shape[1]))
    graph.add("same", .activation(.leakyReLU(negativeSlope: 1)), input)
    let plan = try Plan(graph, extents: Array(x.shape[2...]), purpose: .training, inputGradient: true)
    let run = Execution(plan, samplesPerShard: 1, shards: batch, team: try ThreadTeam(size: 2))
    let size = x.values.count / batch
    let labels = try labels(group)
    let pixels = labels.count / batch
    x.values.withUnsafeBufferPointer { values in
      for sample in 0..<batch {
        run.input(sample).setPixels(UnsafeBufferPointer(rebasing: values[sample * size..<(sample + 1) * size]))
      }
    }
    run.forward(samples: batch)
    let loss = CrossEntropy()
    var sum = 0.0
    var count = 0.0
    labels.withUnsafeBufferPointer { labels in
      for sample in 0..<batch {
        let partial = loss.partial(
          logits: run.output(sample), labels: labels.baseAddress! + sample * pixels,
          gradient: run.outputGradient(sample))
        sum += partial.sum
        count += partial.count
      }
      for sample in 0..<batch {
        loss.derive(
          labels: labels.baseAddress! + sample * pixels, gradient: run.outputGradient(sample), count: count)
      }
    }
    run.backward()
    expectOutputClose([Float(sum / count)], try group.array("value").values, "\(group.name): value")
    let gradient = (0..<batch).flatMap { run.inputGradient($0).pixels() }
    expectGradientClose(gradient, try group.array("gx").values, largest: 0, "\(group.name): gx")
  }

  /// Labels as the data set holds them: ignored ones are 255.
  private func labels(_ group: GoldenGroup) throws -> [UInt8] {
    let ignore = try group.integer("ignore_index", default: -100)
    return try group.integers("target").values.map { $0 == ignore ? CrossEntropy.ignored : UInt8($0) }
  }

  @Test func `Adam and AdamW take PyTorch's steps`() throws {
    var skipped: [String] = []
    var checked = 0
    for group in try Golden("optimizers.h5").groups {
      guard group.name.hasPrefix("adam"), try !group.flag("amsgrad", default: false) else {
        skipped.append(group.name)
        continue
      }
      let betas: [Double] = try group.settings("betas")
      let optimizer = Adam(
        Adam.Settings(
          rate: try group.number("lr"), beta1: betas[0], beta2: betas[1], epsilon: try group.number("eps"),
          weightDecay: try group.number("weight_decay"), decoupled: group.name.hasPrefix("adamw")),
        count: try group.array("start").values.count)
      let team = try ThreadTeam(size: 1)
      var parameters = try group.array("start").values
      let gradients = try group.array("gradients").values
      let expected = try group.array("parameters").values
      let count = parameters.count
      for step in 0..<gradients.count / count {
        parameters.withUnsafeMutableBufferPointer { parameters in
          gradients.withUnsafeBufferPointer { gradients in
            optimizer.step(
              parameters: parameters.baseAddress!, gradients: gradients.baseAddress! + step * count, team: team)
          }
        }
        expectClose(
          parameters, Array(expected[step * count..<(step + 1) * count]), relative: 1e-5, "\(group.name), step \(step)")
      }
      checked += 1
    }
    #expect(checked >= 2)
    reportSkipped("optimizers", skipped)
  }

  @Test(arguments: [(shards: 4, threads: 2), (shards: 1, threads: 1)])
  func `a training run loses what PyTorch's loses, step by step`(shards: Int, threads: Int) throws {
    var skipped: [String] = []
    for group in try Golden("training.h5").groups {
      guard try group.string("family") == "tunet" else {
        skipped.append(group.name)
        continue
      }
      let network = (try group.settings("topology") as TUNetTopology).network
      let x = try group.array("x")
      let graph = try network.graph(
        inputChannels: x.shape[2], outputChannels: try group.settings("topology", as: TUNetTopology.self).out_channels,
        dimensions: x.shape.count - 3)
      let plan = try Plan(graph, extents: Array(x.shape[3...]), purpose: .training)
      let batch = x.shape[1]
      let trainer = Trainer(
        plan, batch: batch, shards: shards, optimizer: Adam.Settings(rate: try group.number("rate")),
        team: try ThreadTeam(size: threads), seed: 1, member: 0)
      for entry in plan.layout.parameters {
        let values = try group.array("state/" + tunetName(entry.name, depth: network.depth)).values
        for (index, value) in zip(entry.range, values) { trainer.execution.parameters.pointer[index] = value }
      }
      let source = GoldenBatches(
        images: x.values, labels: try group.integers("target").values.map(UInt8.init), samples: x.shape[0] * batch)
      let expected = try group.doubles("loss").values
      for step in expected.indices {
        let loss = try trainer.step(source, epoch: 0, positions: step * batch..<(step + 1) * batch)
        #expect(abs(loss - expected[step]) <= 5e-4 * expected[step], "\(group.name), step \(step)")
      }
    }
    reportSkipped("training runs", skipped)
  }
}

/// The batches of a golden training run.
private final class GoldenBatches: BatchSource {
  let images: [Float]
  let labels: [UInt8]
  let samplesPerEpoch: Int

  init(images: [Float], labels: [UInt8], samples: Int) {
    self.images = images
    self.labels = labels
    samplesPerEpoch = samples
  }

  func load(epoch: Int, position: Int, image: FeaturePlanes, labels target: UnsafeMutablePointer<UInt8>) {
    let size = images.count / samplesPerEpoch
    images.withUnsafeBufferPointer {
      image.setPixels(UnsafeBufferPointer(rebasing: $0[position * size..<(position + 1) * size]))
    }
    let pixels = labels.count / samplesPerEpoch
    for index in 0..<pixels { target[index] = labels[position * pixels + index] }
  }
}
