import HDF5

/// HDF5 files, NeXus and h5py's among them.
enum HDF5Format: ImageFormat {
  static var name: String { "HDF5" }
  /// Chunks that are held in memory of a dataset with filters, so that those that neighbouring tiles share are
  /// unpacked once.
  private static let cacheBytes = 64 << 20

  /// The signature is at the start, or after a block of 512 bytes, or of 1024, ….
  static func recognizes(_ head: [UInt8], path: String) -> Bool {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    return head.starts(with: signature) || head.dropFirst(512).starts(with: signature)
  }

  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    let file = try File(opening: location.file)
    let path = try location.dataset ?? onlyDataset(of: file, location)
    let dataset = try file.dataset(path, cache: cacheBytes)
    try dataset.requireSources()
    return (location.dataset(path), try HDF5Array(dataset))
  }

  static func arrays(in location: ArrayLocation) throws -> [String]? {
    let file = try File(opening: location.file)
    var found: [String] = []
    try list(file, "", depth: 12, into: &found)
    return found
  }

  private static func list(_ file: File, _ group: String, depth: Int, into found: inout [String]) throws {
    guard depth > 0, found.count < 1000 else { return }
    let names = try group.isEmpty ? file.names() : file.group(group).names()
    for name in names {
      let path = "\(group)/\(name)"
      // A link may lead nowhere.
      switch try? file.kind(of: path) {
      case .dataset: if (try? file.dataset(path).elementType.isNumeric) == true { found.append(path) }
      case .group: try list(file, path, depth: depth - 1, into: &found)
      default: break
      }
    }
  }

  private static func onlyDataset(of file: File, _ location: ArrayLocation) throws -> String {
    let datasets = try file.names().filter { try file.kind(of: $0) == .dataset }
    if datasets.count == 1 { return "/\(datasets[0])" }
    guard !datasets.isEmpty else {
      throw ImageFileError(
        .notNamed, location.name, "holds no dataset at its top; name one, as in \(location.name):/group/images")
    }
    throw ImageFileError(
      .notNamed, location.name,
      "holds several datasets (\(datasets.joined(separator: ", "))); name one, as in \(location.name):/\(datasets[0])")
  }
}

/// A dataset of an HDF5 file; the library converts its numbers.
struct HDF5Array: StoredArray {
  let dataset: Dataset
  let facts: ArrayFacts

  init(_ dataset: Dataset) throws {
    self.dataset = dataset
    let filters = try dataset.filters
    facts = ArrayFacts(
      format: HDF5Format.name, shape: try dataset.shape, elementType: dataset.elementType, chunk: dataset.chunk,
      compression: filters.isEmpty ? nil : filters.joined(separator: ", "))
  }

  func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    switch type {
    case .uint8: try dataset.read(into: bytes.bindMemory(to: UInt8.self), slab)
    case .uint16: try dataset.read(into: bytes.bindMemory(to: UInt16.self), slab)
    case .int32: try dataset.read(into: bytes.bindMemory(to: Int32.self), slab)
    case .int64: try dataset.read(into: bytes.bindMemory(to: Int.self), slab)
    case .float: try dataset.read(into: bytes.bindMemory(to: Float.self), slab)
    case .double: try dataset.read(into: bytes.bindMemory(to: Double.self), slab)
    }
  }
}
