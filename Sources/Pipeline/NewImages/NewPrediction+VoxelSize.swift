import ImageFiles
import Imaging

extension NewPrediction {
  /// How large the voxels of the new images are along z, y and x: as asked for, else as their files say; where these say nothing,
  /// as those of the model's images.
  ///
  /// - Parameters:
  ///   - model: the same of the model's images; nil where it is not known.
  ///   - log: told when the model's hold, and when the files' differ from them.
  /// - Throws: `RunError.otherVoxelSize` when as many numbers are not asked for as the images have axes.
  func voxelSize(of source: ImageSource, model: [Length?], log: Log) throws(RunError) -> [Length?] {
    let axes = source.layout.hasDepth ? [0, 1, 2] : [1, 2]
    if let voxelSize {
      guard voxelSize.count == axes.count else {
        throw .otherVoxelSize(images, count: voxelSize.count, expected: axes.count)
      }
      return Array(repeating: nil, count: 3 - axes.count) + voxelSize
    }
    func text(_ sizes: [Length?], _ missing: String) -> String {
      let names = axes.map { ["z", "y", "x"][$0] }.joined(separator: ", ")
      return "\(axes.map { sizes[$0]?.description ?? missing }.joined(separator: " × ")) (\(names))"
    }
    let (own, says) = (source.voxelSize, source.saysVoxelSize)
    let isOther = axes.contains { axis in
      guard says[axis], let known = model[axis] else { return false }
      return own[axis].map { !$0.isAbout(known) } ?? true
    }
    if isOther {
      log.note(
        "The files of the new images say voxels of \(text(own, "several sizes")), which holds; those that the model was trained "
          + "with have \(text(model, "no size")).")
      return own
    }
    guard axes.contains(where: { !says[$0] && model[$0] != nil }) else { return own }
    let completed = (0..<3).map { says[$0] ? own[$0] : model[$0] }
    log.note(
      "The new images' voxels are taken to be as large as the model's, \(text(completed, "no size")): their files do not say "
        + "it. Where they are not, give --voxel-size.")
    return completed
  }
}

extension Length {
  /// Whether it is another distance to a thousandth: files keep sizes in few digits.
  fileprivate func isAbout(_ other: Length) -> Bool {
    value(in: other.unit).map { abs($0 - other.value) <= 1e-3 * other.value } ?? (self == other)
  }
}
