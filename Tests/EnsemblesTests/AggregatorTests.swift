import Engine
import Host
import Imaging
import Networks
import TestSupport
import Testing
import Training

@testable import Ensembles

/// The learned combination of the members' answers.
@Suite struct AggregatorTests {
  /// Two members that answer with a probability of their own for what the image says, of which one is right.
  private func settings() throws -> EnsembleSettings {
    var settings = try Problem(members: 2, epochs: 1).settings
    settings.augmentation = AugmentationSettings(Flips(true))
    return settings
  }

  @Test("it reads the answers of all members, in its own ensemble of one network without bagging")
  func ownSettings() throws {
    var net = AggregateNet()
    net.layers = 2
    let settings = try settings()
    let own = settings.aggregating(by: net, epochs: 7)
    #expect(own.members == 1 && !own.bagging && own.epochs == 7 && own.inputChannels == 4 && own.outputChannels == 2)
    #expect(own.augmentation == AugmentationSettings() && own.seed != settings.seed)
    let graph = try own.member(0).graph
    #expect(graph.nodes.count == 4)
    let layout = try graph.layout(extents: own.patch)
    // 4 · 4 + 4 and 4 · 2 + 2
    #expect(layout.parameterCount == 30)
  }

  @Test("numbers are scaled as the targets are, member by member; probabilities stay")
  func scaling() throws {
    var settings = try settings()
    #expect(Aggregator.scaling(of: settings, targetScaling: nil) == .identity(channels: 4))
    (settings.task, settings.loss) = (.regression, LossSettings(MeanSquaredError()))
    let target = IntensityScaling(mean: [1, 2], standardDeviation: [3, 4])
    #expect(
      Aggregator.scaling(of: settings, targetScaling: target)
        == IntensityScaling(mean: [1, 2, 1, 2], standardDeviation: [3, 4, 3, 4]))
  }

  @Test("trained on answers of which one member's are right it follows that member, with the same bits on any threads")
  func learns() throws {
    let problem = try Problem(members: 2, epochs: 1)
    var own = problem.settings.aggregating(by: AggregateNet(), epochs: 30)
    own.recipe = .adam(rate: 0.1)
    var random = TestRandom(4)
    // The first member's answers are noise, the second's are nearly the truth.
    let regions = problem.data.regions.map { known in
      let region = LearningRegion(region: known.region, channels: 4, content: known.content)
      _ = region.labels.buffer.update(from: known.labels.buffer)
      let pixels = region.region.extents.count
      for pixel in 0..<pixels {
        let noise = 0.5 + 0.5 * random.uniform()
        let right: Float = known.labels.buffer[pixel] == 1 ? 0.8 : 0.2
        for (channel, value) in [noise, 1 - noise, 1 - right, right].enumerated() {
          region.images.buffer[channel * pixels + pixel] = value
        }
      }
      return region
    }
    func train(_ threads: Int) throws -> TrainedMember {
      try MemberTrainer(
        own, data: TrainingSet(regions: regions, units: problem.data.units), scaling: .identity(channels: 4),
        classes: Problem.classes, fingerprint: 3, team: try ThreadTeam(size: threads)
      ).train(0)
    }
    let network = try train(1)
    #expect(try train(2) == network)
    let aggregator = try Aggregator(network, team: try ThreadTeam(size: 2))
    let region = regions[0]
    let extents = region.region.extents
    let pixels = extents.count
    let images = Array(region.images.buffer)
    for member in 0..<2 {
      images[2 * member * pixels..<2 * (member + 1) * pixels].withUnsafeBufferPointer {
        aggregator.take($0, of: member)
      }
    }
    let answer = try aggregator.answer(over: extents)
    #expect(answer.count == 2 * pixels)
    let isRight = (0..<pixels).allSatisfy { pixel in
      let isDisc = answer[pixels + pixel] > answer[pixel]
      return isDisc == (region.labels.buffer[pixel] == 1)
    }
    #expect(isRight)
    // Of each pixel by itself: a part of the region has the same answers.
    let row = Extents(z: 1, y: 1, x: extents.x)
    for member in 0..<2 {
      var part: [Float] = []
      for channel in 2 * member..<2 * (member + 1) {
        part += images[channel * pixels..<channel * pixels + extents.x]
      }
      part.withUnsafeBufferPointer { aggregator.take($0, of: member) }
    }
    let first = try aggregator.answer(over: row)
    expectClose(Array(first.prefix(extents.x)), Array(answer.prefix(extents.x)), relative: 1e-6, "first row")
  }
}
