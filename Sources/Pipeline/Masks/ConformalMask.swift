import Host
import ImageFiles
import Imaging
import JobFiles
import Uncertainty

/// One mask of one class with a promise, as a job asks for it.
struct ConformalMask: Hashable, Sendable {
  let settings: Job.MaskSection
  /// The class's number and name.
  let label: UInt8
  let className: String

  /// All masks that a job asks for, in its order.
  static func all(_ sections: [Job.MaskSection]?, classes: [String]) -> [ConformalMask] {
    (sections ?? []).flatMap { section in
      classes.indices.filter { label in section.ofClass.map { $0 == classes[label] } ?? (label > 0) }
        .map { ConformalMask(settings: section, label: UInt8($0), className: classes[$0]) }
    }
  }

  var kind: Job.MaskSection.Kind { settings.kind }

  /// What is promised.
  var bound: RiskBound { settings.bound ?? (kind == .dice ? .betting : .mean) }

  /// What it is called in files and tables: ‘outer-void’, ‘outer-void-betting’.
  var name: String {
    "\(kind.rawValue)-\(className)" + (kind != .dice && bound != .mean ? "-\(bound.rawValue)" : "")
      + (kind.isMargin && settings.element != .ball ? "-\(settings.element.rawValue)" : "")
      + (kind.isMargin && settings.share != 1 ? "-\(settings.share)" : "")
  }

  /// What a threshold of it is.
  var thresholdMeaning: String {
    switch kind {
    case .outer, .dice: "largest 1 - p(\(className)) of a voxel in the mask"
    case .inner: "p(\(className)) that voxels of the mask exceed"
    case .outerMargin: "largest distance of a voxel in the mask from the predicted \(className)"
    case .innerMargin: "distance from other predicted classes that voxels of the mask exceed"
    }
  }

  /// What its figure on known units is.
  var figureMeaning: String {
    switch kind {
    case .outer: "part of the class's voxels that the mask misses, in the mean over units"
    case .inner: "part of the other voxels that the mask holds, in the mean over units"
    case .dice: "1 - Dice of the mask, in the mean over units"
    case .outerMargin: "part of the units of which the mask holds less than the share of the class's voxels"
    case .innerMargin: "part of the units of which the mask leaves out less than the share of the other voxels"
    }
  }

  /// Whether a voxel that is known to be of a class counts in the promise.
  func counts(_ truth: UInt8) -> Bool { kind == .inner || kind == .innerMargin ? truth != label : truth == label }
}

/// The distances of voxels, in one unit of length, or in voxels.
struct VoxelSpacing: Hashable, Sendable {
  var z = 1.0
  var y = 1.0
  var x = 1.0
  /// Empty: voxels.
  var unit = ""

  /// In voxels.
  init() {}

  /// In the unit that all distances have; in voxels where they have none.
  ///
  /// - Parameter sizes: along z, y and x.
  init(_ sizes: [Length?], hasDepth: Bool) {
    let known = sizes.suffix(hasDepth ? 3 : 2).compactMap(\.self)
    guard known.count == (hasDepth ? 3 : 2), let unit = known.first?.unit, !unit.isEmpty,
      known.allSatisfy({ $0.unit == unit && $0.value > 0 })
    else { return }
    let values = (hasDepth ? [] : [1]) + known.map(\.value)
    (z, y, x, self.unit) = (values[0], values[1], values[2], unit)
  }

  /// The distances from a set of voxels by a mask's element.
  func distances(to set: [UInt8], _ extents: Extents, _ element: DistanceMap.Element) -> [Float] {
    DistanceMap(to: set, extents: extents, element: element, spacing: (z, y, x)).distances
  }
}
