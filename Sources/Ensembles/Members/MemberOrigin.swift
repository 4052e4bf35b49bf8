import Foundation
import Imaging

/// What a member was trained from: settings and data, each as far as they decide it.
public struct MemberOrigin: Hashable, Sendable {
  /// The settings as one JSON text with the keys of the job file; equal settings have equal texts.
  public var settings: String
  /// What the training set holds.
  public var training: PartContent
  /// Of the validation set; the hash of nothing where there is none.
  public var validation: PartContent

  /// An origin as given.
  public init(settings: String, training: PartContent, validation: PartContent) {
    (self.settings, self.training, self.validation) = (settings, training, validation)
  }

  /// A hash of all of it.
  public var fingerprint: UInt64 {
    var hash = ContentHash()
    var text = settings
    text.withUTF8 { hash.add(UnsafeRawBufferPointer($0)) }
    for word in numbers { hash.add(word) }
    return hash.value
  }

  /// The hashes of the data, as files keep them.
  var numbers: [UInt64] { [training.images, training.targets, validation.images, validation.targets] }

  init?(settings: String, numbers: [UInt64]) {
    guard numbers.count == 4 else { return nil }
    self.init(
      settings: settings, training: PartContent(images: numbers[0], targets: numbers[1]),
      validation: PartContent(images: numbers[2], targets: numbers[3]))
  }
}

extension TrainedMember {
  /// A hash of all that decides its answers: weights, statistics and scaling. Results and calibrations name members by
  /// it.
  ///
  /// - Complexity: O(*parameters*)
  public var answerHash: UInt64 {
    var hash = ContentHash()
    hash.add(UInt64(index))
    parameters.withUnsafeBytes { hash.add($0) }
    statistics.withUnsafeBytes { hash.add($0) }
    if !scaling.isLinear { for byte in "\(scaling.rule) \(scaling.transform)".utf8 { hash.add(UInt64(byte)) } }
    if let target = targetScaling, !target.isLinear {
      for byte in "\(target.transform)".utf8 { hash.add(UInt64(byte)) }
    }
    for limits in scaling.limits ?? [] {
      for value in [limits.lowerBound, limits.upperBound] { hash.add(value.bitPattern) }
    }
    for scaling in [scaling, targetScaling].compactMap(\.self) {
      for value in scaling.mean + scaling.standardDeviation { hash.add(value.bitPattern) }
    }
    return hash.value
  }
}
