import CImageCodecs
import Foundation
import HDF5
import Host

/// One of the images of an OME-Zarr folder.
public struct ZarrPart: Sendable {
  /// The numbers, with axes and spacing.
  public var array: any StoredArray
  /// What it is called.
  public var name: String
  /// Below the folder; empty: the folder itself, whose image it is.
  public var place: String
  /// Of an image of labels, which lies in `labels/`, the names of the numbers from 0 on; nil of other images.
  public var labels: [String]?

  /// An image as given.
  public init(_ array: any StoredArray, named name: String, at place: String = "", labels: [String]? = nil) {
    (self.array, self.name, self.place, self.labels) = (array, name, place, labels)
  }
}

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
    let disk = try Disk(of: path)
    let count = try write(array, below: WholeFile.temporary(path), [:], share)
    try disk.flush()
    return count > 1 ? ["\(count) scales: \(path):0 to \(path):\(count - 1)"] : []
  }

  /// Writes the images of a folder, each with what is said of it, and what is said of them all.
  static func write(_ parts: [ZarrPart], about: [String: String], to path: String, _ share: ArrayExport.Share) throws {
    let disk = try Disk(of: path)
    let root = WholeFile.temporary(path)
    for part in parts {
      let exported = try ExportedArray(part.array, name: part.name, order: order, of: name)
      let folder = part.place.isEmpty ? root : "\(root)/\(part.place)"
      var attributes: [String: Any] = part.place.isEmpty && !about.isEmpty ? ["tutti": about] : [:]
      if let names = part.labels {
        attributes["image-label"] =
          [
            "version": "0.4", "source": ["image": "../../"],
            "properties": names.enumerated().map { ["label-value": $0, "class": $1] as [String: Any] },
          ] as [String: Any]
      }
      _ = try write(exported, below: folder, attributes, share)
    }
    if share.rank == 0 {
      let labels = parts.filter { $0.labels != nil }.compactMap { $0.place.split(separator: "/").last.map(String.init) }
      if !labels.isEmpty {
        try put(["zarr_format": 2], "\(root)/labels/.zgroup")
        try put(["labels": labels], "\(root)/labels/.zattrs")
      }
    }
    try disk.flush()
  }

  /// Writes an image with its scales into a folder.
  ///
  /// - Returns: the number of scales.
  private static func write(
    _ array: ExportedArray, below folder: String, _ attributes: [String: Any], _ share: ArrayExport.Share
  ) throws -> Int {
    let types: [NumberType: String] = [.uint8: "|u1", .uint16: "<u2", .int32: "<i4", .float: "<f4", .double: "<f8"]
    let scales = scales(of: array)
    for (level, scale) in scales.enumerated() {
      try writeChunks(array, scale, to: "\(folder)/\(level)", share)
      guard share.rank == 0 else { continue }
      try put(
        [
          "zarr_format": 2, "shape": scale.shape, "chunks": scale.chunk, "dtype": types[array.type] ?? "<f4",
          "compressor": share.isPacked ? ["id": "zstd", "level": 3] as [String: Any] : NSNull(), "fill_value": 0,
          "order": "C", "filters": NSNull(),
          "dimension_separator": "/",
        ], "\(folder)/\(level)/.zarray")
    }
    guard share.rank == 0 else { return scales.count }
    var all = attributes
    all["multiscales"] = [multiscale(array, scales)]
    all["omero"] = try viewed(array)
    try put(["zarr_format": 2], "\(folder)/.zgroup")
    try put(all, "\(folder)/.zattrs")
    return scales.count
  }

  /// Removes what an earlier writing left unfinished.
  static func begin(_ path: String) throws(ImageFileError) { try remove(WholeFile.temporary(path), for: path) }

  /// Gives the folder its name, in place of another one. Under this name there is always a whole one.
  static func finish(_ path: String) throws(ImageFileError) {
    let temporary = WholeFile.temporary(path)
    func failure() -> ImageFileError {
      ImageFileError(.system, path, "cannot be given its name: \(String(cString: strerror(errno)))")
    }
    guard access(path, F_OK) == 0 else {
      guard rename(temporary, path) == 0 else { throw failure() }
      return
    }
    // The two folders change names; where the file system cannot do that at once, one after the other.
    if codec_exchange_names(temporary, path) != 0 {
      let old = path + ".old"
      try remove(old, for: path)
      guard rename(path, old) == 0, rename(temporary, path) == 0 else { throw failure() }
      try remove(old, for: path)
    }
    try remove(temporary, for: path)
  }

  private static func remove(_ folder: String, for path: String) throws(ImageFileError) {
    guard access(folder, F_OK) == 0 else { return }
    do {
      try FileManager.default.removeItem(atPath: folder)
    } catch {
      throw ImageFileError(.system, path, "needs the place of \(folder), which cannot be removed: \(error)")
    }
  }

  /// The disk that a folder is written to. It is opened before: what fails on the disk from then on is told.
  private final class Disk {
    private let path: String
    private let descriptor: Int32

    init(of path: String) throws(ImageFileError) {
      self.path = path
      let folder = (path as NSString).deletingLastPathComponent
      descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else {
        throw ImageFileError(.system, path, "cannot be written: \(String(cString: strerror(errno)))")
      }
    }

    deinit { close(descriptor) }

    /// Brings all that this rank wrote to the disk at once, instead of file by file.
    func flush() throws(ImageFileError) {
      guard codec_flush_file_system(descriptor) == 0 else {
        throw ImageFileError(.system, path, "cannot be flushed to the disk: \(String(cString: strerror(errno)))")
      }
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
    let chunk = AlignedBuffer<UInt8>(count: elements * size)
    var folderOfLast: ArraySlice<Int> = [-1]
    for number in stride(from: share.rank, to: counts.reduce(1, *), by: share.count) {
      var place = counts
      var rest = number
      for axis in counts.indices.reversed() {
        place[axis] = rest % counts[axis]
        rest /= counts[axis]
      }
      let start = zip(place, scale.chunk).map { $0 * $1 }
      let count = scale.shape.indices.map { min(scale.chunk[$0], scale.shape[$0] - start[$0]) }
      if count == scale.chunk, scale.steps.last == 1 {
        try array.array.read(
          Hyperslab(start: zip(start, scale.steps).map { $0 * $1 }, count: count, stride: scale.steps), as: array.type,
          into: UnsafeMutableRawBufferPointer(chunk.buffer))
      } else {
        // A chunk at the edge is filled up.
        chunk.pointer.update(repeating: 0, count: chunk.count)
        try readPart(array, scale, start, count, into: chunk.pointer)
      }
      let path = "\(folder)/\(place.map(String.init).joined(separator: "/"))"
      if place.dropLast() != folderOfLast {
        try makeFolder(path)
        folderOfLast = place.dropLast()
      }
      let bytes = UnsafeRawBufferPointer(chunk.buffer)
      if share.isPacked {
        try SequentialFile.write(Packing.zstd(bytes, for: path), toNew: path)
      } else {
        try SequentialFile.write(bytes, toNew: path)
      }
    }
  }

  /// Reads a part of a scale to the first corner of a chunk.
  ///
  /// Rows are read whole where that does not take much, and their elements picked here: libhdf5 picks them one by one.
  private static func readPart(
    _ array: ExportedArray, _ scale: Scale, _ start: [Int], _ count: [Int], into chunk: UnsafeMutablePointer<UInt8>
  ) throws {
    let size = array.type.bytes
    var slab = Hyperslab(start: zip(start, scale.steps).map { $0 * $1 }, count: count, stride: scale.steps)
    let last = count.count - 1
    let step = slab.stride[last]
    let width = (count[last] - 1) * step + 1
    let picksHere = step > 1 && count.dropLast().reduce(width * size, *) <= 64 << 20
    if picksHere { (slab.stride[last], slab.count[last]) = (1, width) }
    let values = AlignedBuffer<UInt8>(unfilled: slab.count.reduce(size, *))
    try array.array.read(slab, as: array.type, into: UnsafeMutableRawBufferPointer(values.buffer))
    var from = StridedCopy.steps(of: slab.count, size: size)
    if picksHere { from[last] *= step }
    StridedCopy.copy(
      count, of: size, from: values.pointer, from, to: chunk, StridedCopy.steps(of: scale.chunk, size: size))
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

  /// How viewers show the channels, which only this tells the names of; nil where they have none.
  private static func viewed(_ array: ExportedArray) throws -> [String: Any]? {
    guard let names = array.array.facts.channels, let axis = array.letters.firstIndex(of: "c"),
      names.count == array.shape[axis]
    else { return nil }
    let colours = ["FFFFFF", "FF8000", "0080FF", "00C060", "FF60C0", "FFE000", "FF3030", "8080FF"]
    let channels = try names.enumerated().map { index, name -> [String: Any] in
      var slab = Hyperslab(all: array.shape)
      for other in array.letters.indices.dropLast(2) {
        (slab.start[other], slab.count[other]) = (other == axis ? index : array.shape[other] / 2, 1)
      }
      let range = DisplayRange(of: try array.array.read(as: Double.self, slab), isWhole: true)
      let window = ["min": range.low, "max": range.high, "start": range.low, "end": range.high]
      return ["label": name, "color": colours[index % colours.count], "active": true, "window": window]
    }
    return ["version": "0.4", "name": array.name, "channels": channels]
  }

  private static func put(_ json: [String: Any], _ path: String) throws {
    try makeFolder(path)
    let data = try JSONSerialization.data(withJSONObject: json, options: [.prettyPrinted, .sortedKeys])
    try SequentialFile.write(Array(data), toNew: path)
  }

  private static func makeFolder(_ path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }
}
