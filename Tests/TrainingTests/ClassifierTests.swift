import Engine
import Host
import Networks
import TestSupport
import Testing

@testable import Training

#if canImport(Glibc)
  import Glibc
#endif

/// An autoencoder that tells the class of its images too: one training of two results.
@Suite struct ClassifierTests {
  /// Noise with a class for each image, of which some are not known.
  private final class LabelledImages: BatchSource {
    let samplesPerEpoch: Int
    var labels: [UInt8]
    var images: [Float]
    let pixels: Int

    init(_ labels: [UInt8], pixels: Int) {
      (samplesPerEpoch, self.labels, self.pixels) = (labels.count, labels, pixels)
      var random = TestRandom(8)
      images = (0..<labels.count * pixels).map { _ in random.uniform() }
    }

    func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
      images.withUnsafeBufferPointer {
        let own = UnsafeBufferPointer(rebasing: $0[position * pixels..<(position + 1) * pixels])
        image.setPixels(own)
        _ = UnsafeMutableBufferPointer(start: target.values, count: pixels).update(from: own)
      }
      if target.kind.hasImageLabel { target.imageLabel[0] = labels[position] }
    }
  }

  private static let extents = [6, 7]
  private static let kind = TargetKind(hasLabels: false, channels: 1, hasImageLabel: true)
  private let source = LabelledImages([2, Label.ignored, 0, 1, 1, Label.ignored], pixels: 42)

  private func network() throws -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    let code = graph.add("code", .convolution(Convolution(channels: 2, kernel: 3, padding: 1)), input)
    graph.tap(NetworkGraph.latent, code)
    let act = graph.add("act", .activation(.tanh), code)
    graph.add("last", .convolution(Convolution(channels: 1, kernel: 3, padding: 1)), act)
    return try ClassifierHead(features: [4], dropout: 0).graph(of: graph, classes: 3, extents: Self.extents)
  }

  private func trainer(
    _ classifier: (any Loss)?, threads: Int = 1, shards: Int = 3, changing change: (place: Int, by: Float)? = nil
  ) throws -> Trainer {
    let plan = try Plan(try network(), extents: Self.extents, purpose: .training)
    let trainer = try Trainer(
      plan, loss: MeanSquaredError(), classifier: classifier, target: Self.kind, batch: 6, shards: shards,
      recipe: TrainingRecipe(optimizer: OptimizerSettings(SGD(), rate: 0.5)), team: try ThreadTeam(size: threads),
      seed: 1, member: 0)
    let start = plan.layout.initialParameters(seed: 1, member: 0)
    trainer.execution.parameters.pointer.update(from: start, count: start.count)
    if let change { trainer.execution.parameters.pointer[change.place] += change.by }
    return trainer
  }

  private func weighted(_ weight: Double) -> any Loss { WeightedSum([(loss: CrossEntropy(), weight: weight)]) }

  private func loss(_ trainer: Trainer) throws -> Double {
    try trainer.step(source, epoch: 0, positions: 0..<source.samplesPerEpoch)
  }

  @Test func `the loss is the sum of the output's and the classifier's, over images of known class`() throws {
    let alone = try loss(try trainer(nil))
    let both = try trainer(weighted(0.25))
    let sum = try loss(both)
    // The scores that the first step saw.
    let run = try trainer(weighted(0.25)).execution
    let targets = TargetBuffer(Self.kind, pixels: 42, samples: 1)
    withExtendedLifetime(targets) {
      for sample in 0..<6 {
        source.load(epoch: 0, position: sample, image: run.input(sample), target: targets[0])
      }
    }
    run.forward(samples: 6)
    let tap = try #require(run.plan.taps.firstIndex { $0.name == NetworkGraph.classes })
    var entropy = 0.0
    for (sample, label) in source.labels.enumerated() where label != Label.ignored {
      let scores = run.tap(tap, sample).pixels().map { Double($0) }
      entropy += logOfSum(scores) - scores[Int(label)]
    }
    #expect(abs(sum - (alone + 0.25 * entropy / 4)) < 1e-5 * sum)
    #expect(sum > alone)
  }

  @Test func `a step goes along the derivative of both`() throws {
    let trained = try trainer(weighted(0.7))
    let before = Array(trained.execution.parameters.buffer)
    _ = try loss(trained)
    let step = zip(before, trained.execution.parameters.buffer).map { Double($0 - $1) / 0.5 }
    for entry in trained.execution.plan.layout.parameters {
      let place = entry.range.lowerBound + entry.range.count / 2
      let h: Float = 0.01
      let slope =
        (try loss(try trainer(weighted(0.7), changing: (place, h)))
          - loss(try trainer(weighted(0.7), changing: (place, -h)))) / Double(2 * h)
      #expect(abs(step[place] - slope) < 0.01 * max(0.05, abs(slope)), "\(entry.name): \(step[place]), \(slope)")
    }
  }

  @Test func `without any known class the classifier stays and the rest is trained as alone`() throws {
    source.labels = source.labels.map { _ in Label.ignored }
    let (both, alone) = (try trainer(weighted(3)), try trainer(nil))
    let start = Array(both.execution.parameters.buffer)
    #expect(try loss(both) == loss(alone))
    #expect(Array(both.execution.parameters.buffer) == Array(alone.execution.parameters.buffer))
    for entry in both.execution.plan.layout.parameters {
      let isSame = entry.range.allSatisfy { start[$0] == both.execution.parameters.buffer[$0] }
      #expect(isSame == entry.name.hasPrefix("classify"), "\(entry.name)")
    }
  }

  @Test func `no number of threads changes a bit`() throws {
    func parameters(_ threads: Int) throws -> [UInt32] {
      let trainer = try trainer(weighted(1), threads: threads)
      for _ in 0..<3 { _ = try loss(trainer) }
      return trainer.execution.parameters.buffer.map(\.bitPattern)
    }
    let one = try parameters(1)
    #expect(try parameters(2) == one)
    #expect(try parameters(3) == one)
  }

  @Test func `a validator tells the loss of both and the score of the classes`() throws {
    let plan = try Plan(try network(), extents: Self.extents, purpose: .inference)
    let weights = try trainer(nil).execution
    func evaluate(_ classifier: (any Loss)?) throws -> (loss: Double, metrics: [String: Double]) {
      let validator = try Validator(
        plan, loss: MeanSquaredError(), classifier: classifier, target: Self.kind, source: source, batch: 4,
        team: try ThreadTeam(size: 2))
      return withExtendedLifetime(weights) {
        validator.evaluate(parameters: weights.parameters.pointer, statistics: plan.layout.initialStatistics())
      }
    }
    let (both, twice) = (try evaluate(weighted(1)), try evaluate(weighted(2)))
    let own = 2 * both.loss - twice.loss
    #expect(own > 0 && twice.loss > both.loss)
    let accuracy = try #require(both.metrics["accuracy"])
    // Of four known images.
    #expect([0, 0.25, 0.5, 0.75, 1].contains(accuracy))
    source.labels = source.labels.map { _ in Label.ignored }
    let none = try evaluate(weighted(1))
    #expect(abs(none.loss - own) < 1e-9 && none.metrics.isEmpty)
  }
}

private func logOfSum(_ scores: [Double]) -> Double {
  let largest = scores.max() ?? 0
  return largest + log(scores.reduce(0) { $0 + exp($1 - largest) })
}
