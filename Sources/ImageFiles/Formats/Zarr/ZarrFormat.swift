import Foundation
import HDF5

/// Zarr arrays, versions 2 and 3, and the multiscale images of OME-Zarr 0.4 and 0.5: folders of chunks.
///
/// https://zarr-specs.readthedocs.io, https://ngff.openmicroscopy.org/0.4, https://ngff.openmicroscopy.org/0.5
enum ZarrFormat: ImageFormat {
  static var name: String { "OME-Zarr" }

  static func recognizes(_ head: [UInt8], path: String) -> Bool {
    head.isEmpty && FileBytes.isFolder(path) && ZarrNode.exists(at: path)
  }

  /// A dataset names an array below the folder, such as a scale: `a.zarr:0`, `a.zarr:labels/nuclei/0`.
  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    let path = (location.dataset ?? "").split(separator: "/").map(String.init).joined(separator: "/")
    guard let node = try ZarrNode(location.file, path, location) else {
      let names = try arrays(in: location) ?? []
      throw ImageFileError(
        .notNamed, location.name, "holds no ‘\(path)’; what is there: \(names.prefix(12).joined(separator: ", "))")
    }
    if node.isArray { return (location, try ZarrArray(node, location)) }
    let scales = node.scales.map { path.isEmpty ? $0 : "\(path)/\($0)" }
    let prefix = path.isEmpty ? "" : "\(path)/"
    let names = scales.isEmpty ? try arrays(in: location)?.filter { $0.hasPrefix(prefix) } ?? [] : scales
    guard names.count == 1, let only = try ZarrNode(location.file, names[0], location), only.isArray else {
      let what = scales.isEmpty ? "arrays" : "scales of an image"
      let list = names.prefix(12).joined(separator: ", ")
      throw ImageFileError(
        .notNamed, location.name,
        names.isEmpty
          ? "is a Zarr group without arrays"
          : "holds \(names.count) \(what) (\(list)); name one, as in \(location.name):\(names[0])")
    }
    let found = location.dataset(names[0])
    return (found, try ZarrArray(only, found))
  }

  static func arrays(in location: ArrayLocation) throws -> [String]? {
    var found: [String] = []
    try list(location, "", depth: 6, into: &found)
    return found == [""] ? nil : found
  }

  private static func list(_ location: ArrayLocation, _ path: String, depth: Int, into found: inout [String]) throws {
    guard let node = try ZarrNode(location.file, path, location), found.count < 1000 else { return }
    if node.isArray {
      found.append(path)
      return
    }
    guard depth > 0 else { return }
    let folder = path.isEmpty ? location.file : "\(location.file)/\(path)"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    for name in FileNames.natural(names) where FileBytes.isFolder("\(folder)/\(name)") {
      try list(location, path.isEmpty ? name : "\(path)/\(name)", depth: depth - 1, into: &found)
    }
  }
}

/// The metadata of an array or a group.
struct ZarrNode {
  /// The folder that the metadata are in.
  let folder: String
  let version: Int
  let isArray: Bool
  let metadata: [String: Any]
  let attributes: [String: Any]

  /// The node at a path below a folder; nil when there is none.
  ///
  /// - Throws: `ImageFileError` when its metadata are no JSON.
  init?(_ root: String, _ path: String, _ location: ArrayLocation) throws(ImageFileError) {
    folder = path.isEmpty ? root : "\(root)/\(path)"
    if let metadata = try Self.json("\(folder)/zarr.json", location) {
      version = 3
      isArray = metadata["node_type"] as? String == "array"
      self.metadata = metadata
      attributes = metadata["attributes"] as? [String: Any] ?? [:]
      return
    }
    version = 2
    if let metadata = try Self.json("\(folder)/.zarray", location) {
      (isArray, self.metadata) = (true, metadata)
    } else if let metadata = try Self.json("\(folder)/.zgroup", location) {
      (isArray, self.metadata) = (false, metadata)
    } else {
      return nil
    }
    attributes = try Self.json("\(folder)/.zattrs", location) ?? [:]
  }

  static func exists(at folder: String) -> Bool {
    ["zarr.json", ".zarray", ".zgroup"].contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
  }

  private static func json(_ path: String, _ location: ArrayLocation) throws(ImageFileError) -> [String: Any]? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    guard data.count < 64 << 20, let value = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw ImageFileError(.damaged, location.name, "has metadata that are no JSON: \(path)")
    }
    return value
  }

  /// OME's description of the scales of an image.
  private var multiscale: [String: Any]? {
    let all = attributes["multiscales"] ?? (attributes["ome"] as? [String: Any])?["multiscales"]
    return (all as? [[String: Any]])?.first
  }

  /// The version of OME-Zarr; nil of other groups.
  var omeVersion: String? {
    guard let multiscale else { return nil }
    return (attributes["ome"] as? [String: Any])?["version"] as? String ?? multiscale["version"] as? String ?? "0.4"
  }

  /// The paths of the scales, the finest first; empty when the group is no image.
  var scales: [String] {
    (multiscale?["datasets"] as? [[String: Any]])?.compactMap { $0["path"] as? String } ?? []
  }

  /// The names of an image's channels, as viewers show them; nil when they are not all told.
  var channels: [String]? {
    let viewed = attributes["omero"] ?? (attributes["ome"] as? [String: Any])?["omero"]
    let all = (viewed as? [String: Any])?["channels"] as? [[String: Any]] ?? []
    let names = all.compactMap { $0["label"] as? String }
    return names.isEmpty || names.count < all.count ? nil : names
  }

  /// The letters of the axes and the spacing along them of a scale; nil when the group is no image or has not this scale.
  func axes(ofScale path: String) -> (letters: String?, spacing: [Length?])? {
    guard let multiscale, let datasets = multiscale["datasets"] as? [[String: Any]],
      let scale = datasets.first(where: { $0["path"] as? String == path }),
      let axes = multiscale["axes"] as? [[String: Any]]
    else { return nil }
    func factors(_ owner: [String: Any]) -> [Double] {
      let all = owner["coordinateTransformations"] as? [[String: Any]] ?? []
      let scale = all.first { $0["type"] as? String == "scale" }?["scale"] as? [Any]
      let numbers = scale?.compactMap { ($0 as? NSNumber)?.doubleValue } ?? []
      return numbers.count == axes.count ? numbers : Array(repeating: 1, count: axes.count)
    }
    let letters = axes.map { axis -> Character in
      let name = (axis["name"] as? String ?? "").lowercased()
      return name.count == 1 && "tczyx".contains(name) ? Character(name) : "i"
    }
    let hasScale = scale["coordinateTransformations"] != nil
    let spacing = zip(zip(factors(scale), factors(multiscale)), axes).map { factor, axis -> Length? in
      guard hasScale, let unit = axis["unit"] as? String, factor.0 * factor.1 > 0 else { return nil }
      return Length(factor.0 * factor.1, Length.unit(unit))
    }
    return (Set(letters).count == letters.count ? String(letters) : nil, spacing)
  }
}
