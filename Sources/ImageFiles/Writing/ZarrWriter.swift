import Foundation
import HDF5
import Host

/// OME-Zarr 0.4 (Zarr 2): chunks packed with zstd and a pyramid of smaller scales. Every rank writes chunks of its own.
///
/// https://ngff.openmicroscopy.org/0.4
enum ZarrWriter: ArrayWriter {
  static var name: String { "OME-Zarr" }
  static var order: String { "tczyx" }

  static func writes(_ path: String) -> Bool { path.hasSuffix(".zarr") }

  /// A scale of the pyramid.
  private struct Scale {
    /// Every so many elements of an axis are kept.
    var steps: [Int]
    var shape: [Int]
    var chunk: [Int]
  }

  static func write(_ array: ExportedArray, to path: String, _ share: ArrayExport.Share) throws -> [String] {
    let folder = WholeFile.temporary(path)
    let types: [NumberType: String] = [.uint8: "|u1", .uint16: "<u2", .int32: "<i4", .float: "<f4", .double: "<f8"]
    let scales = scales(of: array)
    for (level, scale) in scales.enumerated() {
      try writeChunks(array, scale, to: "\(folder)/\(level)", share)
      guard share.rank == 0 else { continue }
      try put(
        [
          "zarr_format": 2, "shape": scale.shape, "chunks": scale.chunk, "dtype": types[array.type] ?? "<f4",
          "compressor": ["id": "zstd", "level": 3], "fill_value": 0, "order": "C", "filters": NSNull(),
          "dimension_separator": "/",
        ], "\(folder)/\(level)/.zarray")
    }
    guard share.rank == 0 else { return [] }
    try put(["zarr_format": 2], "\(folder)/.zgroup")
    try put(["multiscales": [multiscale(array, scales)]], "\(folder)/.zattrs")
    return scales.count > 1 ? ["\(scales.count) scales: \(path):0 to \(path):\(scales.count - 1)"] : []
  }

  /// Gives the folder its name.
  static func finish(_ path: String) throws(ImageFileError) {
    guard rename(WholeFile.temporary(path), path) == 0 else {
      throw ImageFileError(.system, path, "cannot be given its name: \(String(cString: strerror(errno)))")
    }
  }

  /// Scales, each of half as many rows and columns (and slices, where they are as near), until a plane is one chunk.
  private static func scales(of array: ExportedArray) -> [Scale] {
    var scales: [Scale] = []
    var steps = array.letters.map { _ in 1 }
    while true {
      let shape = zip(array.shape, steps).map { ($0 - 1) / $1 + 1 }
      let chunk = zip(array.letters, shape).map { letter, extent in
        min(extent, letter == "y" || letter == "x" ? 256 : letter == "z" ? 16 : 1)
      }
      scales.append(Scale(steps: steps, shape: shape, chunk: chunk))
      guard shape.suffix(2).contains(where: { $0 > 256 }), scales.count < 16 else { return scales }
      // The finest axes are thinned first, so that voxels become cubes.
      let lengths = array.letters.indices.map { axis -> Double? in
        guard "zyx".contains(array.letters[axis]), shape[axis] > 1 else { return nil }
        return Double(steps[axis]) * (array.array.facts.spacing[axis]?.value(in: "nm") ?? 1)
      }
      let least = lengths.compactMap { $0 }.min() ?? 1
      for axis in steps.indices where lengths[axis].map({ $0 < 1.5 * least }) == true { steps[axis] *= 2 }
    }
  }

  private static func writeChunks(
    _ array: ExportedArray, _ scale: Scale, to folder: String, _ share: ArrayExport.Share
  ) throws {
    let counts = zip(scale.shape, scale.chunk).map { ($0 + $1 - 1) / $1 }
    let elements = scale.chunk.reduce(1, *)
    let size = array.type.bytes
    for number in stride(from: share.rank, to: counts.reduce(1, *), by: share.count) {
      var place = counts
      var rest = number
      for axis in counts.indices.reversed() {
        place[axis] = rest % counts[axis]
        rest /= counts[axis]
      }
      let start = zip(place, scale.chunk).map { $0 * $1 }
      let count = scale.shape.indices.map { min(scale.chunk[$0], scale.shape[$0] - start[$0]) }
      let values = AlignedBuffer<UInt8>(count: count.reduce(size, *))
      try array.array.read(
        Hyperslab(start: zip(start, scale.steps).map { $0 * $1 }, count: count, stride: scale.steps), as: array.type,
        into: UnsafeMutableRawBufferPointer(values.buffer))
      // A chunk at the edge is filled up.
      let chunk = AlignedBuffer<UInt8>(count: elements * size)
      StridedCopy.copy(
        count, of: size, from: values.pointer, StridedCopy.steps(of: count, size: size), to: chunk.pointer,
        StridedCopy.steps(of: scale.chunk, size: size))
      let path = "\(folder)/\(place.map(String.init).joined(separator: "/"))"
      try makeFolder(path)
      let bytes = try Packing.zstd(Array(chunk.buffer), for: path)
      try SequentialFile.write(path) { try $0.write(bytes) }
    }
  }

  private static func multiscale(_ array: ExportedArray, _ scales: [Scale]) -> [String: Any] {
    let units = [
      "m": "meter", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer", "nm": "nanometer", "Å": "angstrom",
    ]
    let axes = array.letters.map { letter -> [String: Any] in
      var axis: [String: Any] = ["name": String(letter)]
      axis["type"] = letter == "t" ? "time" : letter == "c" ? "channel" : "space"
      if let unit = array.spacing(letter).flatMap({ units[$0.unit] }) { axis["unit"] = unit }
      return axis
    }
    let datasets = scales.enumerated().map { level, scale -> [String: Any] in
      let factors = array.letters.indices.map { axis in
        (array.array.facts.spacing[axis]?.value ?? 1) * Double(scale.steps[axis])
      }
      return ["path": "\(level)", "coordinateTransformations": [["type": "scale", "scale": factors]]]
    }
    return ["version": "0.4", "name": array.name, "axes": axes, "datasets": datasets, "type": "nearest"]
  }

  private static func put(_ json: [String: Any], _ path: String) throws {
    try makeFolder(path)
    let data = try JSONSerialization.data(withJSONObject: json, options: [.prettyPrinted, .sortedKeys])
    try SequentialFile.write(path) { try $0.write(Array(data)) }
  }

  private static func makeFolder(_ path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }
}
