import Engine
import Ensembles
import HDF5
import Host
import ImageFiles
import Imaging
import Networks
import TestSupport
import Training

/// A small 2-D segmentation: bright discs on noise, as files would give it.
struct Problem {
  let settings: EnsembleSettings
  let data: TrainingSet
  let scaling: IntensityScaling

  static let classes = ["background", "disc"]

  /// Eight images of 24 × 24, of which six train.
  init(
    family: NetworkFamily = Problem.sparse, members: Int = 3, epochs: Int = 3, rate: Double = 0.01,
    bagging: Bool = true,
    shards: Int = 2, scope: Plan.NormalizationScope = .batch
  ) throws {
    settings = EnsembleSettings(
      seed: 11, members: members, bagging: bagging, family: family, inputChannels: 1, outputChannels: 2,
      patch: [12, 12],
      epochs: epochs, batch: 4, shards: shards, normalizationScope: scope, recipe: .adam(rate: rate))
    (data, scaling) = try TemporaryFolder.with { folder in
      let path = folder + "/discs.h5"
      try Self.write(path)
      let images = try LearningData(
        images: ArrayLocation(file: path, dataset: "/images"),
        target: .pixelClasses(ArrayLocation(file: path, dataset: "/labels"), classes: 2, ignore: nil), layout: .stack,
        split: .dataset(
          ArrayLocation(file: path, dataset: "/split"), train: 0, validate: nil, calibrate: 1, test: 2))
      let scaling = try images.inspect().scaling
      return (try TrainingSet(images, scaling: scaling, patch: Extents(y: 12, x: 12)), scaling)
    }
  }

  private static func write(_ path: String) throws {
    var random = TestRandom(5)
    var images: [Float] = []
    var labels: [UInt8] = []
    for _ in 0..<8 {
      let center = (y: random.integer(6...17), x: random.integer(6...17))
      for y in 0..<24 {
        for x in 0..<24 {
          let isDisc = (y - center.y) * (y - center.y) + (x - center.x) * (x - center.x) < 25
          images.append((isDisc ? 140 : 100) + 10 * random.uniform())
          labels.append(isDisc ? 1 : 0)
        }
      }
    }
    let file = try File(creating: path)
    try file.write(images, shape: [8, 24, 24], to: "images")
    try file.write(labels, shape: [8, 24, 24], to: "labels")
    try file.write([UInt8](arrayLiteral: 0, 0, 1, 0, 0, 2, 0, 0), to: "split")
    try file.close()
  }

  /// Members with a random network each.
  static var sparse: NetworkFamily {
    var generator = SMSNetGenerator()
    generator.nodes = 4
    generator.dilations = [1, 2]
    generator.hiddenChannels = [2]
    return NetworkFamily(SMSNetFamily(generator, SMSNet()))
  }

  /// Members with one network, all alike.
  static var pyramid: NetworkFamily {
    var network = TUNet()
    network.depth = 2
    network.baseChannels = 4
    return NetworkFamily(network)
  }

  func trainer(threads: Int = 1) throws -> MemberTrainer {
    MemberTrainer(
      settings, data: data, scaling: scaling, classes: Self.classes, fingerprint: 77,
      team: try ThreadTeam(size: threads))
  }
}

/// Whether all elements have the same bits.
func haveSameBits(_ a: [Float], _ b: [Float]) -> Bool { a.map(\.bitPattern) == b.map(\.bitPattern) }
