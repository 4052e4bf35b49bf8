import Engine
import Host
import MessagePassing
import Networks
import TestSupport
import Testing
import Training

@testable import Ensembles

/// Run with 1 to 4 ranks.
@MainActor @Suite struct MPIGroupReductionTests {
  /// A network with normalizations, biases, dropout and a matrix product.
  private func graph(dimensions: Int) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: dimensions)
    var value = graph.add("image", .input(channels: 1))
    value = graph.add("first", .convolution(.same(channels: 6)), value)
    value = graph.add("norm", .batchNormalization(BatchNormalization()), value)
    value = graph.add("act", .activation(.relu), value)
    value = graph.add("drop", .dropout(rate: 0.2), value)
    value = graph.add("second", .convolution(.same(channels: 7, dilation: 2)), value)
    value = graph.add("act2", .activation(.leakyReLU(negativeSlope: 0.1)), value)
    graph.add("last", .convolution(Convolution(channels: 2, kernel: 1)), value)
    return graph
  }

  /// Random images whose labels say where they are positive.
  private final class Images: BatchSource {
    let samplesPerEpoch: Int
    let pixels: Int
    init(samples: Int, pixels: Int) { (samplesPerEpoch, self.pixels) = (samples, pixels) }

    func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
      var random = TestRandom(UInt64(1 + epoch * samplesPerEpoch + position))
      let values = random.uniforms(pixels)
      values.withUnsafeBufferPointer { image.setPixels($0) }
      for index in 0..<pixels { target.labels[index] = values[index] > 0.1 ? 1 : 0 }
    }
  }

  /// The state after two epochs, the last batch of each short, the losses, and the parameters that were moved here.
  private func train(
    _ reduction: any ShardReduction, batch: Int, shards: Int, samples: Int, threads: Int, dimensions: Int,
    scope: Plan.NormalizationScope
  ) throws -> (buffers: [[Float]], losses: [Double], moved: Range<Int>) {
    let plan = try Plan(
      graph(dimensions: dimensions), extents: dimensions == 2 ? [9, 11] : [3, 4, 7], purpose: .training,
      normalizationScope: scope)
    var recipe = TrainingRecipe.adam(rate: 0.01)
    recipe.clipping.norm = 0.5
    let trainer = try Trainer(
      plan, batch: batch, shards: shards, recipe: recipe, team: try ThreadTeam(size: threads), seed: 5,
      member: 2, reduction: reduction)
    trainer.execution.parameters.buffer.copy(plan.layout.initialParameters(seed: 3, member: 2))
    let source = Images(samples: samples, pixels: plan.inputShape.pixels)
    var losses: [Double] = []
    for epoch in 0..<2 {
      _ = try trainer.epoch(source, epoch: epoch, batch: batch) { losses.append($0) }
    }
    let execution = trainer.execution
    let buffers = [execution.parameters, execution.statistics] + trainer.optimizer.state
    return (buffers.map { Array($0.buffer) }, losses, trainer.optimizer.held)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var batch: Int
    var shards: Int
    var samples: Int
    var scope = Plan.NormalizationScope.batch
    var dimensions = 2
    var bucket = 100
    var testDescription: String { "\(batch) in \(shards), \(samples), \(scope), \(dimensions)-D, buckets of \(bucket)" }
  }

  nonisolated static let cases = [
    Case(batch: 8, shards: 8, samples: 19), Case(batch: 8, shards: 8, samples: 17, scope: .shard, bucket: 1 << 18),
    Case(batch: 9, shards: 5, samples: 20, dimensions: 3, bucket: 1),
    Case(batch: 4, shards: 4, samples: 9, scope: .shard),
    Case(batch: 6, shards: 3, samples: 7), Case(batch: 2, shards: 1, samples: 4),
  ]

  @Test(
    "a network trained by all ranks together is that of one rank, whether or not each moves a part of the weights",
    arguments: cases, [false, true])
  func sameBits(_ sample: Case, sharesMemory: Bool) throws {
    let all = try MPI.initialize().duplicate()
    let alone = try train(
      LocalShards(), batch: sample.batch, shards: sample.shards, samples: sample.samples, threads: 1,
      dimensions: sample.dimensions, scope: sample.scope)
    let memory = sharesMemory ? try NodeMemory(floats: 20_000, over: all) : nil
    for (threads, divides) in [(1, !sharesMemory), (2, sharesMemory)] {
      let group = GroupReduction(
        all, ranks: Array(0..<all.size), shards: sample.shards, memory: memory, bucket: sample.bucket,
        dividesState: divides)
      let together = try train(
        group, batch: sample.batch, shards: sample.shards, samples: sample.samples, threads: threads,
        dimensions: sample.dimensions, scope: sample.scope)
      #expect(group.failure == nil)
      #expect(together.losses == alone.losses)
      for (mine, whole) in zip(together.buffers, alone.buffers).prefix(2) { #expect(haveSameBits(mine, whole)) }
      for (mine, whole) in zip(together.buffers, alone.buffers).dropFirst(2) {
        #expect(haveSameBits(mine, Array(whole[together.moved])))
      }
      let moved = try all.allGather(together.moved.count)
      #expect(moved.reduce(0, +) == alone.moved.count * (divides ? 1 : all.size))
    }
    #expect(alone.losses.last! < alone.losses[0])
    try memory?.free()
  }

  @Test("the subtrees of eight shards on three ranks are two at most")
  func subtrees() {
    #expect(GroupReduction.mostSubtrees(shards: 8, ranks: 3) == 2)
    #expect(GroupReduction.mostSubtrees(shards: 8, ranks: 2) >= 1)
  }
}
