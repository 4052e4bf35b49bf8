import Host
import Settings

/// A random change of training patches: one file with its setting and what it does, and one line in
/// `AugmentationSettings.list`.
///
/// A patch goes through the stages below in this order; an augmentation takes part in those that it implements. Random
/// numbers follow from the job's seed, the member, the epoch and the sample. Each augmentation uses bits and numbers of
/// its own, so that none depends on another.
public protocol Augmentation: Hashable, Sendable {
  /// The augmentation that changes nothing.
  init()

  /// Its key in the section `training.augmentation`.
  static var setting: Setting<Self> { get }

  /// Changes how the patch lies in its cell.
  ///
  /// - Parameter bits: random bits of this patch.
  func change(_ transform: inout PatchTransform, of patch: Extents, bits: UInt32)

  /// The displacements of the patch's voxels, if any; targets are displaced alike.
  func displacement(of patch: Extents, stream: RandomStream) -> DisplacementField?

  /// Changes the intensities of one channel. A target that is the image itself changes with it.
  ///
  /// - Parameter numbers: of this patch; taken by `uniformDouble(at:)`, so that all channels change alike.
  func change(_ plane: UnsafeMutableBufferPointer<Float>, numbers: RandomStream)

  /// Changes the images alone, all channels at once; targets stay.
  ///
  /// - Parameters:
  ///   - numbers: as in the stage before.
  ///   - stream: of this stage alone.
  func disturb(_ images: UnsafeMutableBufferPointer<Float>, numbers: RandomStream, stream: RandomStream)
}

extension Augmentation {
  public func change(_ transform: inout PatchTransform, of patch: Extents, bits: UInt32) {}
  public func displacement(of patch: Extents, stream: RandomStream) -> DisplacementField? { nil }
  public func change(_ plane: UnsafeMutableBufferPointer<Float>, numbers: RandomStream) {}
  public func disturb(_ images: UnsafeMutableBufferPointer<Float>, numbers: RandomStream, stream: RandomStream) {}

  /// The key as one of the section that holds all augmentations.
  static var sectionSetting: Setting<AugmentationSettings> {
    setting.within(\AugmentationSettings[like: Self()])
  }
}

extension RandomStream {
  /// The number that call `index` of `uniformDouble` gives, counted from 0.
  func uniformDouble(at index: Int) -> Double {
    let words = block(UInt64(index / 2))
    let first = index % 2 * 2
    return Double((UInt64(words[first]) | UInt64(words[first + 1]) << 32) >> 11) * 0x1p-53
  }
}
