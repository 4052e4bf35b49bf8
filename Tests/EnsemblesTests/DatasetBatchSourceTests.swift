import Engine
import Ensembles
import Imaging
import Networks
import Testing
import Training

@Suite struct DatasetBatchSourceTests {
  /// The samples of an epoch: pixels and labels, in order.
  private func samples(_ source: DatasetBatchSource, _ problem: Problem, epoch: Int) throws -> [([Float], [UInt8])] {
    var graph = NetworkGraph(dimensions: 2)
    graph.add("image", .input(channels: 1))
    graph.add("out", .convolution(.same(channels: 2)), 0)
    let plan = try Plan(graph, extents: [12, 12], purpose: .inference)
    let execution = Execution(plan, samplesPerShard: 1, shards: 1, team: try .init(size: 1))
    source.prepare(epoch: epoch)
    return (0..<source.samplesPerEpoch).map { position in
      let targets = TargetBuffer(.labels, pixels: 144, samples: 1)
      source.load(epoch: epoch, position: position, image: execution.input(0), target: targets[0])
      return (execution.input(0).pixels(), Array(UnsafeBufferPointer(start: targets[0].labels, count: 144)))
    }
  }

  @Test("an epoch shows the patches of the bag, each with its own labels, and the next in another order")
  func epochs() throws {
    let problem = try Problem(bagging: false)
    let settings = problem.settings
    let bag = problem.data.sample(seed: 11, member: 0, bagging: false)
    let source = DatasetBatchSource(problem.data, bag: bag, settings: settings, member: 0)
    #expect(source.samplesPerEpoch == 24)
    // Cells are as large as patches: without turns an epoch is a permutation of them.
    let first = try samples(source, problem, epoch: 0)
    let second = try samples(source, problem, epoch: 1)
    let again = try samples(source, problem, epoch: 0)
    #expect(first.map(\.0) == again.map(\.0))
    #expect(first.map(\.0) != second.map(\.0))
    #expect(Set(first.map(\.0)) == Set(second.map(\.0)))
    #expect(Set(first.map(\.0)).count == 24)
    for (pixels, labels) in first {
      // Discs are brighter than all background.
      for (pixel, label) in zip(pixels, labels) {
        #expect((pixel > Float((120 - problem.scaling.mean[0]) / problem.scaling.standardDeviation[0])) == (label == 1))
      }
    }
  }

  @Test("with flips and turns patches differ from epoch to epoch but keep their values")
  func turns() throws {
    let problem = try Problem(bagging: false)
    let bag = problem.data.sample(seed: 11, member: 0, bagging: false)
    var settings = problem.settings
    settings.augmentation = AugmentationSettings(Flips(true), QuarterTurns(true))
    let source = DatasetBatchSource(problem.data, bag: bag, settings: settings, member: 0)
    let first = try samples(source, problem, epoch: 0)
    let second = try samples(source, problem, epoch: 1)
    #expect(Set(first.map(\.0)) != Set(second.map(\.0)))
    #expect(Set(first.map { $0.0.sorted() }) == Set(second.map { $0.0.sorted() }))
  }

  @Test("members see other orders")
  func members() throws {
    let problem = try Problem(bagging: false)
    let bag = problem.data.sample(seed: 11, member: 0, bagging: false)
    let orders = try (0..<3).map { member in
      try samples(
        DatasetBatchSource(problem.data, bag: bag, settings: problem.settings, member: member), problem, epoch: 0
      ).map(\.0)
    }
    #expect(Set(orders).count == 3)
  }
}
