import Host
import Imaging
import MessagePassing

extension JointReading {
  /// All ranks; what keeps one of them from reading is thrown on all.
  static func ranks(of world: Communicator) -> JointReading {
    JointReading(
      share: { Shares(of: $0, among: world.size)[world.rank] },
      sum: { try world.allReduce(world.agree($0), .sum) },
      join: { try world.allGather(world.agree($0)).flatMap { $0 } })
  }
}

extension IntensityScaling {
  /// The same with the numbers of some images, when each image has numbers of its own. Several images are divided among
  /// the ranks, a single one by its slices. Collective.
  ///
  /// - Throws: `MPIError`, and on all ranks what keeps one of them from reading.
  func completed(for wanted: some Sequence<Int>, of source: ImageSource, over world: Communicator) throws -> Self {
    let missing = Set(wanted).subtracting(images.keys).sorted()
    guard rule.isByImage, let first = missing.first else { return self }
    var result = self
    if missing.count == 1 {
      result.images[first] = try source.scaling(ofImage: first, as: self, by: .ranks(of: world))
      return result
    }
    let own = missing[Shares(of: missing.count, among: world.size)[world.rank]]
    let found = try world.agree { try own.flatMap { try source.scaling(ofImage: $0, as: self).numbers } }
    let numbers = try world.allGather(found).flatMap { $0 }
    let length = numbers.count / missing.count
    for (index, image) in missing.enumerated() {
      result.images[image] = IntensityScaling(numbers: numbers[index * length..<(index + 1) * length], like: self)
    }
    return result
  }

  /// The numbers of one image, to be sent.
  private var numbers: [Double] {
    mean + standardDeviation + (limits ?? []).flatMap { [$0.lowerBound, $0.upperBound] }
  }

  private init(numbers: ArraySlice<Double>, like other: IntensityScaling) {
    let channels = other.mean.count
    let numbers = Array(numbers)
    self.init(mean: Array(numbers[..<channels]), standardDeviation: Array(numbers[channels..<2 * channels]))
    transform = other.transform
    guard numbers.count > 2 * channels else { return }
    limits = (0..<channels).map { numbers[2 * (channels + $0)]...numbers[2 * (channels + $0) + 1] }
  }
}

extension Run {
  /// A scaling with the numbers of the images of some parts, when each image has numbers of its own; looked at once.
  /// Collective.
  ///
  /// - Throws: as `IntensityScaling.completed(for:of:over:)`.
  func scaling(_ scaling: IntensityScaling, of parts: Part...) throws -> IntensityScaling {
    let data = try opened().data
    var scaling = scaling
    scaling.images = imageScalings
    scaling = try scaling.completed(
      for: parts.flatMap { data.split[$0].map(\.image) }, of: data.images, over: world)
    imageScalings = scaling.images
    return scaling
  }
}
