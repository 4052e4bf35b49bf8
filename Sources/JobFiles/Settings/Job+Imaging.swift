import Foundation
import ImageFiles
import Imaging

extension Job {
  /// Where an array is: relative paths start at the job file's folder.
  public func location(of path: DataPath) -> ArrayLocation { path.location(in: folder) }

  /// Where the results file is: an HDF5 file, beside the OME-Zarr folder where that is the output.
  public var outputFile: String {
    let path = Self.outputFile(output, in: folder)
    return isZarr ? String(path.dropLast(".zarr".count)) + ".h5" : path
  }

  /// Where results are written as OME-Zarr too; nil: nowhere.
  public var outputZarr: String? { isZarr ? Self.outputFile(output, in: folder) : nil }

  private var isZarr: Bool { output.hasSuffix(".zarr") }

  static func outputFile(_ path: String, in folder: String?) -> String {
    guard let folder, !path.hasPrefix("/") else { return path }
    return URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: folder, isDirectory: true))
      .standardizedFileURL.path
  }

  /// How the image arrays are to be read.
  public var layout: ImageLayout { data.hasVolumes ? .volumes : data.volume ? .volume : .stack }

  /// The distance of voxels along z, y and x, where the job says it.
  public var voxelSize: [Length?]? {
    data.voxelSize.map { Array(repeating: nil, count: 3 - $0.count) + $0.map { Optional($0) } }
  }

  /// What is done to images before networks see them.
  public var preparation: ImagePreparation {
    ImagePreparation(
      channels: data.channels?.taken?.map { ImageChannel($0) }, scaling: data.scaling ?? .training,
      transform: data.transform ?? .none,
      validity: data.valid == nil && data.invalid == nil
        ? nil
        : Validity(
          invalid: data.invalid ?? [], hasDataset: data.valid != nil, isTold: data.validityIsTold ?? false),
      valid: data.valid.map(location), labelMap: data.labelMap)
  }

  /// How images, slices or pixels are divided into parts.
  public var splitRule: SplitRule {
    switch data.split {
    case .dataset(let split):
      .dataset(
        location(of: split.dataset), train: split.train, validate: split.validate, calibrate: split.calibrate,
        test: split.test)
    case .fractions(let split):
      split.by == .pixel
        ? .pixels(split.fractions, seed: UInt64(clamping: split.seed), block: split.block)
        : .fractions(split.fractions, seed: UInt64(clamping: split.seed), stratified: split.stratified)
    }
  }
}

extension Job.FractionSplit {
  var fractions: SplitFractions {
    SplitFractions(train: train, validate: validate, calibrate: calibrate, test: test)
  }
}
