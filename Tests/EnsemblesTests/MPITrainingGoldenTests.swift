import Engine
import Host
import MessagePassing
import Networks
import TestSupport
import Testing
import Training

@testable import Ensembles

/// Short training runs against PyTorch in one process. Run with 1 to 4 ranks, which train one network together.
@MainActor @Suite struct MPITrainingGoldenTests {
  @Test(arguments: [(shards: 4, threads: 2), (shards: 1, threads: 1)])
  func `a training run loses what PyTorch's loses, step by step`(shards: Int, threads: Int) throws {
    try train(shards: shards, threads: threads, precision: .float32) { loss, expected, place in
      #expect(abs(loss - expected) <= 5e-4 * expected, place)
    }
  }

  @Test func `in mixed precision it loses the same within 2 percent, and not the same`() throws {
    var differs = false
    try train(shards: 4, threads: 2, precision: .bfloat16) { loss, expected, place in
      #expect(abs(loss - expected) <= 0.02 * expected, place)
      differs = differs || abs(loss - expected) > 1e-5 * expected
    }
    #expect(differs)
  }

  private func train(
    shards: Int, threads: Int, precision: Plan.Precision, check: (Double, Double, Comment) -> Void
  ) throws {
    let world = try MPI.initialize().duplicate()
    var skipped: [String] = []
    for group in try Golden("training.h5").groups {
      let x = try group.array("x")
      let family: NetworkFamily
      let name: (String) -> String
      switch try group.string("family") {
      case "tunet":
        let network = (try group.settings("topology") as TUNetTopology).network
        family = NetworkFamily(network)
        name = { tunetName($0, depth: network.depth) }
      case "msdnet":
        family = NetworkFamily(try group.msdnet())
        name = msdnetName
      default:
        skipped.append(group.name)
        continue
      }
      let graph = try family.graph(
        inputChannels: x.shape[2], outputChannels: try group.settings("topology", as: Outputs.self).out_channels,
        dimensions: x.shape.count - 3, seed: 0, member: 0)
      let plan = try Plan(graph, extents: Array(x.shape[3...]), purpose: .training, precision: precision)
      let batch = x.shape[1]
      let ranks = GroupReduction(world, ranks: Array(0..<world.size), shards: shards, memory: nil)
      let trainer = try Trainer(
        plan, batch: batch, shards: shards, recipe: .adam(rate: try group.number("rate")),
        team: try ThreadTeam(size: threads), seed: 1, member: 0,
        reduction: world.size > 1 ? ranks : LocalShards())
      for entry in plan.layout.parameters {
        let values = try group.array("state/" + name(entry.name)).values
        for (index, value) in zip(entry.range, values) { trainer.execution.parameters.pointer[index] = value }
      }
      let source = GoldenBatches(
        images: x.values, labels: try group.integers("target").values.map(UInt8.init), samples: x.shape[0] * batch)
      let expected = try group.doubles("loss").values
      for step in expected.indices {
        let loss = try trainer.step(source, epoch: 0, positions: step * batch..<(step + 1) * batch)
        check(loss, expected[step], "\(group.name), step \(step)")
      }
      #expect(ranks.failure == nil)
    }
    reportSkipped("training runs", skipped)
  }

  private struct Outputs: Decodable {
    // swift-format-ignore: AlwaysUseLowerCamelCase
    let out_channels: Int
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

  func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
    let size = images.count / samplesPerEpoch
    images.withUnsafeBufferPointer {
      image.setPixels(UnsafeBufferPointer(rebasing: $0[position * size..<(position + 1) * size]))
    }
    let pixels = labels.count / samplesPerEpoch
    for index in 0..<pixels { target.labels[index] = labels[position * pixels + index] }
  }
}
