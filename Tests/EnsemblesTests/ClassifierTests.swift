import Engine
import HDF5
import Host
import ImageFiles
import Imaging
import Networks
import TestSupport
import Testing
import Training

@testable import Ensembles

#if canImport(Glibc)
  import Glibc
#endif

/// Autoencoders that tell the classes of their images too, from data to predictions.
@Suite struct ClassifierTests {
  private let settings: EnsembleSettings
  private let trainer: (Int) throws -> MemberTrainer
  private let region: LearningRegion

  /// Ten images of 8 × 8, bright at the left or at the right, of which eight train; every third has no known class.
  init() throws {
    var autoencoder = Autoencoder()
    (autoencoder.depth, autoencoder.baseChannels) = (1, 4)
    // The decoder's block has one channel, which a ReLU may leave dead until rounding revives it.
    autoencoder.activation = .leakyReLU(negativeSlope: 0.1)
    let settings = EnsembleSettings(
      seed: 3, members: 2, task: .autoencoder, bagging: false, family: NetworkFamily(autoencoder), inputChannels: 1,
      outputChannels: 1, patch: [8, 8], epochs: 48, batch: 4, shards: 2, recipe: .adam(rate: 0.01),
      loss: LossSettings(MeanSquaredError()),
      classifier: EnsembleSettings.Classifier(classes: 2, head: ClassifierHead(features: [6]), weight: 0.5),
      augmentation: AugmentationSettings())
    let data = try TemporaryFolder.with { folder in
      let path = folder + "/sides.h5"
      var random = TestRandom(6)
      let file = try File(creating: path)
      var images: [Float] = []
      for image in 0..<10 {
        for pixel in 0..<64 {
          let isBright = (pixel % 8 < 4) == (image % 2 == 0)
          images.append((isBright ? 1 : 0) + 0.2 * random.uniform())
        }
      }
      try file.write(images, shape: [10, 8, 8], to: "images")
      try file.write((0..<10).map { UInt8($0 % 3 == 2 ? 255 : $0 % 2) }, to: "sides")
      try file.write([UInt8](arrayLiteral: 0, 0, 0, 0, 0, 0, 0, 0, 1, 2), to: "split")
      try file.close()
      func at(_ name: String) -> ArrayLocation { ArrayLocation(file: path, dataset: name) }
      let data = try LearningData(
        images: at("/images"),
        target: .itself(mask: nil, classes: .init(labels: at("/sides"), count: 2, ignore: 255)), layout: .stack,
        split: .dataset(at("/split"), train: 0, validate: nil, calibrate: 1, test: 2))
      let inspection = try data.inspect()
      #expect(inspection.voxels[.train] == [3, 3])
      return (
        try TrainingSet(
          data, scaling: inspection.scaling, targetScaling: inspection.targetScaling, patch: Extents(y: 8, x: 8)),
        inspection.scaling
      )
    }
    self.settings = settings
    region = data.0.regions[0]
    trainer = { threads in
      MemberTrainer(
        settings, data: data.0, scaling: data.1, targetScaling: data.1, classes: ["left", "right"], fingerprint: 5,
        team: try ThreadTeam(size: threads))
    }
  }

  @Test("both are learnt, with the same bits for any number of threads")
  func learns() throws {
    let member = try trainer(1).train(0)
    #expect(try trainer(2).train(0) == member)
    let (first, last) = (member.history[0].loss, member.history[47].loss)
    #expect(last < 0.3 * first, "\(first), \(last)")
  }

  @Test("the ensemble's classes are the mean and spread of the members' probabilities; a file keeps them")
  func prediction() throws {
    let trainer = try trainer(1)
    let trained = try (0..<2).map { try trainer.train($0) }
    let members = try TemporaryFolder.with { folder in
      try trained.map { member in
        let path = "\(folder)/\(member.index).h5"
        try MemberFile.write(member, to: path)
        return try MemberFile.read(path)
      }
    }
    #expect(members == trained)
    let predictor = try EnsemblePredictor(members, team: try ThreadTeam(size: 2))
    let grid = try Tiling(
      members.map(\.graph), settings: members[0].settings, isVolume: false, tile: Extents(y: 4, x: 4)
    ).grid(of: Extents(y: 8, x: 8))
    #expect(grid.count == 1)
    // By hand: the scores of each member, and their softmax.
    let probabilities = try members.map { member in
      let plan = try Plan(member.graph, extents: [8, 8], purpose: .inference)
      let run = Execution(plan, samplesPerShard: 1, shards: 1, team: try ThreadTeam(size: 1))
      run.parameters.buffer.copy(member.parameters)
      run.statistics.buffer.copy(member.statistics)
      run.input(0).setPixels(UnsafeBufferPointer(region.images.buffer))
      run.forward(samples: 1)
      let tap = try #require(plan.taps.firstIndex { $0.name == NetworkGraph.classes })
      let (left, right) = (run.tap(tap, 0).pixels()[0], run.tap(tap, 0).pixels()[1])
      return 1 / (1 + exp(Double(right - left)))
    }
    let mean = (probabilities[0] + probabilities[1]) / 2
    let deviation = abs(probabilities[0] - probabilities[1]) / 2.0.squareRoot()
    var told: [[Float]] = []
    try predictor.predict(
      grid: grid, tiles: 0..<1, reading: EnsemblePredictor.reader(of: region),
      eachMember: { _, _, answer, classes in
        #expect(answer.count == 64)
        told.append(Array(classes))
      },
      eachTile: { answer in
        #expect(answer.mean.count == 64 && answer.classMean.count == 2)
        #expect(abs(Double(answer.classMean[0]) - mean) < 1e-5)
        #expect(abs(Double(answer.classMean[1]) - (1 - mean)) < 1e-5)
        #expect(abs(Double(answer.classDeviation[0]) - deviation) < 1e-5)
      })
    for (member, probability) in zip(told, probabilities) { #expect(abs(Double(member[0]) - probability) < 1e-5) }
    // The first image is bright at the left.
    #expect(mean > 0.5)
  }

  @Test("a family without latent values is refused")
  func refused() throws {
    var settings = settings
    settings.family = Problem.pyramid
    #expect(throws: NetworkSettingError.self) { try settings.member(0) }
  }
}
