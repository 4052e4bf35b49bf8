import HDF5

/// HDF5 files, NeXus and h5py's among them.
enum HDF5Format: ImageFormat {
  static var name: String { "HDF5" }

  /// The signature is at the start, or after a block of 512 bytes, or of 1024, ….
  static func recognizes(_ head: [UInt8], path: String) -> Bool {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    return head.starts(with: signature) || head.dropFirst(512).starts(with: signature)
  }

  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    let file = try File(opening: location.file)
    let path = try location.dataset ?? onlyDataset(of: file, location)
    let dataset = try file.dataset(path, cache: ArrayFile.cacheBytes)
    try dataset.requireSources()
    let axes = try NeXus.axes(of: path, dataset.shape, in: file)
    let channels = try NeXus.channels(of: path, dataset, axes?.letters, in: file)
    let array = try HDF5Array(dataset, axes: axes, channels: channels)
    return (location.dataset(path), try PackedHDF5Array(array, location.dataset(path)) ?? array)
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

  /// The dataset that is meant when none is named: the only one at the top, or the one that the conventions of the
  /// field put first.
  private static func onlyDataset(of file: File, _ location: ArrayLocation) throws -> String {
    let datasets = try file.names().filter {
      try file.kind(of: $0) == .dataset && file.dataset($0).elementType.isNumeric
    }
    if datasets.count == 1 { return "/\(datasets[0])" }
    if let path = try NeXus.signal(of: file) ?? conventional(file) ?? NeXus.onlySignal(of: file) { return path }
    guard datasets.isEmpty else {
      throw ImageFileError(
        .notNamed, location.name,
        "holds several datasets (\(datasets.joined(separator: ", "))); name one, as in \(location.name):/\(datasets[0])"
      )
    }
    var found: [String] = []
    try list(file, "", depth: 12, into: &found)
    if found.count == 1 { return found[0] }
    let example = found.first ?? "/group/images"
    throw ImageFileError(
      .notNamed, location.name,
      "holds no dataset at its top; name one, as in \(location.name):\(example)")
  }

  /// Where Data Exchange and NXtomo, in an entry or in a part of one, keep what the detector saw.
  private static func conventional(_ file: File) throws -> String? {
    var places = ["/exchange/data"]
    for name in try file.names() where name.hasPrefix("entry") {
      places.append("/\(name)/instrument/detector/data")
      guard try file.kind(of: name) == .group else { continue }
      places += try file.group(name).names().map { "/\(name)/\($0)/instrument/detector/data" }
    }
    return try places.first { try file.kind(of: $0) == .dataset }
  }
}

/// What NeXus files say of their datasets. https://manual.nexusformat.org/datarules.html
enum NeXus {
  /// The signal to which the file's chain of defaults leads; nil when there is none.
  static func signal(of file: File) throws -> String? {
    var path = ""
    for _ in 0..<8 {
      let group = try path.isEmpty ? file.root : file.group(path)
      if let signal = text("signal", of: group) {
        let dataset = "\(path)/\(signal)"
        return try file.kind(of: dataset) == .dataset ? dataset : nil
      }
      guard let next = text("default", of: group), try file.kind(of: "\(path)/\(next)") == .group else { return nil }
      path += "/\(next)"
    }
    return nil
  }

  /// The signal of the only group of the class NXdata, which no default leads to; nil when there is none, or several.
  static func onlySignal(of file: File) throws -> String? {
    var found: Set<String> = []
    func look(_ path: String, depth: Int) throws {
      let group = try path.isEmpty ? file.root : file.group(path)
      if text("NX_class", of: group) == "NXdata" {
        // Before 2014 the dataset itself said that it is the signal.
        let name =
          try text("signal", of: group)
          ?? group.names().first { name in
            guard let dataset = try? group.dataset(name), (try? dataset.hasAttribute("signal")) == true else {
              return false
            }
            return true
          }
        if let name, try file.kind(of: "\(path)/\(name)") == .dataset { found.insert("\(path)/\(name)") }
        return
      }
      guard depth > 0, found.count < 2 else { return }
      // A link may lead nowhere.
      for name in try group.names() where (try? file.kind(of: "\(path)/\(name)")) == .group {
        try look("\(path)/\(name)", depth: depth - 1)
      }
    }
    try look("", depth: 4)
    return found.count == 1 ? found.first : nil
  }

  /// The letters of a dataset's axes and its spacing, as the group around it says them; nil when it does not.
  static func axes(of path: String, _ shape: [Int], in file: File) throws -> (letters: String, spacing: [Length?])? {
    let parts = path.split(separator: "/")
    let folder = parts.dropLast().joined(separator: "/")
    let group = try folder.isEmpty ? file.root : file.group(folder)
    guard text("NX_class", of: group) == "NXdata", let name = parts.last.map(String.init),
      try group.hasAttribute("axes"), let names = try? group.attributes("axes", as: String.self)
    else { return nil }
    // Datasets with more axes than the signal, such as one of levels, have those before.
    guard names.count <= shape.count, text("signal", of: group) == name || names.count == shape.count else {
      return nil
    }
    let known: [String: Character] = [
      "image": "i", "class": "c", "channel": "c", "time": "t", "t": "t", "z": "z", "y": "y", "x": "x", "c": "c",
    ]
    let letters = names.map { known[$0.lowercased()] ?? "?" }
    guard names.count == shape.count, !letters.contains("?"), Set(letters).count == letters.count else { return nil }
    let spacing = names.map { name -> Length? in
      guard let scale = try? group.dataset(name), let unit = text("units", of: scale), !unit.isEmpty,
        let values = try? scale.read(as: Double.self, Hyperslab(start: [0], count: [2])), values[1] != values[0]
      else { return nil }
      return Length(abs(values[1] - values[0]), Length.unit(unit))
    }
    return (String(letters), spacing)
  }

  /// The names of a dataset's channels: its attribute `channel_names`, or else the texts along the axis `channel` of
  /// NXdata, or the classes of Tutti's results; nil where there are none.
  ///
  /// - Parameter letters: of the dataset's axes, where the file says them.
  static func channels(
    of path: String, _ dataset: Dataset, _ letters: String?, in file: File
  ) throws -> [String]? {
    if try dataset.hasAttribute("channel_names") {
      return try? dataset.attributes("channel_names", as: String.self)
    }
    // Only NXdata says letters.
    guard letters?.contains("c") == true else { return nil }
    let folder = path.split(separator: "/").dropLast().joined(separator: "/")
    let group = try folder.isEmpty ? file.root : file.group(folder)
    for name in ["channel", "class_names"] {
      guard try group.exists(name), let names = try? group.dataset(name), !names.elementType.isNumeric else { continue }
      return try? names.readStrings()
    }
    return nil
  }

  private static func text(_ name: String, of object: some Attributed) -> String? {
    guard (try? object.hasAttribute(name)) == true else { return nil }
    return try? object.attribute(name, as: String.self)
  }
}

/// A dataset of an HDF5 file; the library converts its numbers.
struct HDF5Array: StoredArray {
  let dataset: Dataset
  let facts: ArrayFacts

  init(_ dataset: Dataset, axes: (letters: String, spacing: [Length?])?, channels: [String]?) throws {
    self.dataset = dataset
    let filters = try dataset.filters
    var facts = ArrayFacts(
      format: HDF5Format.name, shape: try dataset.shape, elementType: dataset.elementType, axes: axes?.letters,
      spacing: axes?.spacing, chunk: dataset.chunk,
      compression: filters.isEmpty ? nil : filters.joined(separator: ", "))
    facts.channels = channels
    self.facts = facts
  }

  func texts() throws -> [String] { try dataset.readStrings() }

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

/// A dataset of whole numbers that stand for others by the conventions of netCDF and CF: c means c · scale_factor +
/// add_offset, and `_FillValue` no number. https://cfconventions.org/cf-conventions/cf-conventions.html#packed-data
struct PackedHDF5Array: ElementArray {
  let base: HDF5Array
  let scale: Double
  let offset: Double
  let missing: Double?
  let location: ArrayLocation
  let facts: ArrayFacts

  /// Nil when the dataset has no such attributes.
  init?(_ base: HDF5Array, _ location: ArrayLocation) throws {
    guard case .integer = base.dataset.elementType else { return nil }
    func number(_ name: String) throws -> Double? {
      guard try base.dataset.hasAttribute(name), try base.dataset.attributeType(name).isNumeric else { return nil }
      return try base.dataset.attributes(name, as: Double.self).first
    }
    let (scale, offset) = (try number("scale_factor"), try number("add_offset"))
    guard scale != nil || offset != nil else { return nil }
    (self.base, self.location) = (base, location)
    (self.scale, self.offset, missing) = (scale ?? 1, offset ?? 0, try number("_FillValue"))
    var facts = base.facts
    facts.elementType = .float(bits: 32)
    facts.notes.append("\(base.facts.elementType), scaled by \(self.scale) and moved by \(self.offset)")
    self.facts = facts
  }

  func readElements(_ slab: Hyperslab, into bytes: UnsafeMutableRawBufferPointer) throws {
    let codes = try base.dataset.read(as: Double.self, slab)
    let values = bytes.bindMemory(to: Float.self)
    for i in values.indices { values[i] = codes[i] == missing ? .nan : Float(codes[i] * scale + offset) }
  }
}
