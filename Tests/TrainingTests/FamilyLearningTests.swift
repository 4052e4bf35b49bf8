import Engine
import Foundation
import Host
import Networks
import Testing

@testable import Training

/// Whether the networks of every family, as job files name them, learn four small images by heart.
@Suite struct FamilyLearningTests {
  /// What is learnt of an image.
  enum Lesson: Sendable {
    /// The sign of every pixel's wave.
    case pixels
    /// The image's number.
    case image
    /// The image, or its quantiles.
    case itself, quantiles

    var loss: any Loss {
      switch self {
      case .pixels, .image: CrossEntropy()
      case .itself: MeanSquaredError()
      case .quantiles: QuantileLoss()
      }
    }

    func target(channels: Int) -> TargetKind {
      switch self {
      case .pixels, .image: .labels
      case .itself, .quantiles: .values(channels: channels)
      }
    }

    func outputs(channels: Int) -> Int {
      switch self {
      case .pixels: 2
      case .image: 4
      case .itself: channels
      case .quantiles: 3 * channels
      }
    }
  }

  /// Four toy images with further channels that follow from the first, each for a lesson.
  private final class Images: BatchSource {
    let toys: ToyImages
    let channels: Int
    let lesson: Lesson
    var samplesPerEpoch: Int { toys.samplesPerEpoch }

    init(extents: [Int], channels: Int, lesson: Lesson) {
      toys = ToyImages(samples: 4, extents: extents, noise: 0)
      self.channels = channels
      self.lesson = lesson
    }

    func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
      let own = position * toys.pixels..<(position + 1) * toys.pixels
      var pixels: [Float] = []
      for channel in 0..<channels {
        for value in toys.images[own] {
          switch channel {
          case 0: pixels.append(value)
          case 1: pixels.append(value * value)
          default: pixels.append(0.5 - value)
          }
        }
      }
      pixels.withUnsafeBufferPointer { image.setPixels($0) }
      switch lesson {
      case .pixels: for (place, index) in own.enumerated() { target.labels[place] = toys.labels[index] }
      case .image: target.labels[0] = UInt8(position)
      case .itself, .quantiles: target.values.update(from: pixels, count: pixels.count)
      }
    }
  }

  /// A family, written as in a job file (JSON is YAML), and what it learns.
  struct Case: Sendable, CustomTestStringConvertible {
    var network: String
    var extents = [16, 16]
    var channels = 1
    var lesson = Lesson.pixels
    var testDescription: String { "\(network) \(extents)" }
  }

  static let cases: [Case] = [
    Case(network: #"{"family": "tunet", "depth": 3, "base-channels": 6}"#),
    Case(network: #"{"family": "tunet", "depth": 2, "base-channels": 6, "normalization": "instance"}"#),
    Case(network: #"{"family": "tunet", "depth": 2, "base-channels": 4}"#, extents: [8, 8, 8]),
    Case(network: #"{"family": "tunet", "depth": 3, "base-channels": 4}"#, extents: [48]),
    Case(network: #"{"family": "tunet3plus", "depth": 3, "base-channels": 6}"#),
    Case(network: #"{"family": "msdnet", "layers": 8, "max-dilation": 4}"#),
    Case(network: #"{"family": "msdnet", "form": "stack", "layers": 8, "max-dilation": 4}"#),
    Case(network: #"{"family": "msdnet", "layers": 6, "max-dilation": 3}"#, extents: [8, 8, 8]),
    Case(network: #"{"family": "msdnet", "layers": 8, "max-dilation": 4}"#, extents: [48]),
    Case(network: #"{"family": "smsnet", "nodes": 6}"#),
    Case(network: #"{"family": "smsnet", "nodes": 6, "dilations": [1, 2], "scales": {"min": -1}}"#),
    Case(network: #"{"family": "smsnet", "nodes": 6, "dilations": [1, 2]}"#, extents: [8, 8, 8]),
    Case(network: #"{"family": "smsnet", "nodes": 6}"#, extents: [48]),
    Case(network: #"{"family": "fcnet"}"#),
    Case(network: #"{"family": "tunet", "depth": 2, "base-channels": 6, "squash": {"channels": 1}}"#, channels: 3),
    Case(
      network: #"{"family": "tunet", "depth": 2, "base-channels": 6, "quantile-heads": {"features": 6}}"#,
      lesson: .quantiles),
    Case(network: autoencoder, lesson: .itself),
    Case(network: autoencoder, extents: [8, 8, 8], lesson: .itself),
    Case(
      network: #"{"family": "autoencoder", "depth": 2, "base-channels": 6, "latent-dimension": 12}"#, extents: [48],
      lesson: .itself),
    Case(
      network: #"{"family": "autoencoder", "depth": 2, "base-channels": 4, "latent-dimension": 6, "max-dilation": 3}"#,
      extents: [13, 14], lesson: .itself),
    Case(
      network: #"{"family": "autoencoder", "depth": 2, "base-channels": 4, "block": "dense", "max-dilation": 2}"#,
      lesson: .itself),
    Case(network: #"{"family": "sparse-autoencoder", "nodes": 5, "dilations": [1, 2]}"#, lesson: .itself),
    Case(
      network:
        #"{"family": "sparse-autoencoder", "nodes": 5, "dilations": [1], "levels": 1, "code": [16, 4], "dropout": 0}"#,
      lesson: .itself),
    Case(
      network: #"{"family": "sparse-autoencoder", "nodes": 4, "dilations": [1], "levels": 1}"#, extents: [8, 8, 8],
      lesson: .itself),
    Case(network: #"{"family": "sparse-labeler", "nodes": 5, "dilations": [1, 2], "dropout": 0}"#, lesson: .image),
    Case(
      network: #"{"family": "grey2color", "encoder": [16], "decoder": [16]}"#, channels: 3, lesson: .itself),
  ]

  private static let autoencoder =
    #"{"family": "autoencoder", "depth": 2, "base-channels": 4, "latent-dimension": 6}"#

  @Test(arguments: cases)
  func `every family learns four images by heart`(_ own: Case) throws {
    let family = try JSONDecoder().decode(NetworkFamily.self, from: Data(own.network.utf8))
    let graph = try family.graph(
      inputChannels: own.channels, outputChannels: own.lesson.outputs(channels: own.channels),
      dimensions: own.extents.count, seed: 4, member: 0)
    let plan = try Plan(graph, extents: own.extents, purpose: .training)
    let trainer = try Trainer(
      plan, loss: own.lesson.loss, target: own.lesson.target(channels: own.channels), batch: 4, shards: 2,
      recipe: .adam(rate: 0.01), team: try ThreadTeam(size: 2), seed: 1, member: 0)
    _ = trainer.execution.parameters.buffer.update(from: plan.layout.initialParameters(seed: 1, member: 0))
    let source = Images(extents: own.extents, channels: own.channels, lesson: own.lesson)
    let first = try trainer.epoch(source, epoch: 0, batch: 4)
    var least = first
    for epoch in 1..<300 where least >= 0.2 * first {
      least = min(least, try trainer.epoch(source, epoch: epoch, batch: 4))
    }
    #expect(least < 0.2 * first, "from \(first) to \(least)")
  }

  @Test func `every family of job files learns`() {
    for family in Families.all {
      #expect(Self.cases.contains { $0.network.contains("\"\(family.name)\"") }, "\(family.name)")
    }
  }
}
