import HDF5
import Synchronization

/// Many files, of which one at a time is open: the one that was read last.
final class OpenFiles: Sendable {
  /// Where the arrays are, with the datasets' names.
  let locations: [ArrayLocation]
  /// What each file says of its array.
  let facts: [ArrayFacts]
  private let open: Mutex<(index: Int, array: any StoredArray)?>

  /// Opens the files one after the other; those that the catalog in use has are taken from there.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`, when one cannot be read.
  init(_ files: [ArrayLocation]) throws {
    var (locations, facts): ([ArrayLocation], [ArrayFacts]) = ([], [])
    var last: (Int, any StoredArray)?
    for (index, file) in files.enumerated() {
      last = nil
      if files.count > 1, let known = FileCatalog.current?.array(at: file) {
        locations.append(known.location)
        facts.append(known.facts)
        continue
      }
      let (location, array) = try ArrayFile.openOne(file)
      locations.append(location)
      facts.append(array.facts)
      last = (index, array)
      if files.count > 1 { FileCatalog.current?.enter(file, found: location, array.facts) }
    }
    self.locations = locations
    self.facts = facts
    open = Mutex(last)
  }

  /// The array of a file.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`, when it is no longer what it was.
  func array(_ index: Int) throws -> any StoredArray {
    if let array = open.withLock({ $0?.index == index ? $0?.array : nil }) { return array }
    open.withLock { $0 = nil }
    let array = try ArrayFile.openOne(locations[index]).1
    guard array.shape == facts[index].shape else {
      throw ImageFileError(.damaged, locations[index].name, "has another shape than when it was opened first")
    }
    open.withLock { $0 = (index, array) }
    return array
  }

  /// Whether all are of one shape and type, and name their channels alike.
  var areAlike: Bool { facts.allSatisfy { $0.isLike(facts[0]) && $0.channels == facts[0].channels } }

  /// What is said of a file's array as one image: with a first axis of one element.
  func imageFacts(_ index: Int) -> ArrayFacts {
    var facts = facts[index]
    facts.chunk = [1] + (facts.chunk ?? facts.shape)
    facts.shape.insert(1, at: 0)
    facts.spacing.insert(nil, at: 0)
    facts.axes = facts.axes.flatMap { inner in ["i", "t"].first { !inner.contains($0) }.map { $0 + inner } }
    return facts
  }

  /// A file's array as one image.
  func image(_ index: Int) -> any StoredArray {
    PermutedArray(
      FileOfMany(self, index), order: [nil] + facts[index].shape.indices.map { $0 }, axes: imageFacts(index).axes)
  }
}

extension ArrayFacts {
  /// Whether another array is of the same shape and type.
  func isLike(_ other: ArrayFacts) -> Bool { shape == other.shape && elementType == other.elementType }
}

/// The array of one of many files.
struct FileOfMany: StoredArray {
  private let files: OpenFiles
  private let index: Int
  var facts: ArrayFacts { files.facts[index] }

  init(_ files: OpenFiles, _ index: Int) { (self.files, self.index) = (files, index) }

  func texts() throws -> [String] { try files.array(index).texts() }

  func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    try files.array(index).read(slab, as: type, into: bytes)
  }
}

/// Arrays one after the other along their first axis.
struct JoinedArray: StoredArray {
  let facts: ArrayFacts
  private let parts: [any StoredArray]

  /// - Throws: `ImageFileError` when they differ in their other axes, or have none.
  init(_ parts: [any StoredArray], at location: ArrayLocation) throws(ImageFileError) {
    self.parts = parts
    var facts = parts[0].facts
    for (part, place) in zip(parts, location.all) where part.shape.dropFirst() != facts.shape.dropFirst() {
      throw ImageFileError(
        .unsupported, place.name,
        "has shape \(part.shape), but \(location.name) has \(facts.shape); arrays that follow each other differ in "
          + "their first axis alone")
    }
    guard !facts.shape.isEmpty else {
      throw ImageFileError(.unsupported, location.name, "is a single number, which has no axis to follow along")
    }
    facts.format = "\(parts.count) arrays, \(facts.format)"
    facts.shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
    if parts.contains(where: { $0.facts.channels != facts.channels }) { facts.channels = nil }
    self.facts = facts
  }

  func texts() throws -> [String] { try parts.flatMap { try $0.texts() } }

  func read(_ slab: Hyperslab, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer) throws {
    let size = bytes.count / max(1, slab.count[0])
    var (place, first) = (0, 0)
    for part in parts {
      var inner = slab
      inner.start[0] = slab.start[0] + place * slab.stride[0] - first
      first += part.shape[0]
      guard place < slab.count[0], inner.start[0] < part.shape[0] else { continue }
      inner.count[0] = min(slab.count[0] - place, (part.shape[0] - inner.start[0] - 1) / slab.stride[0] + 1)
      let range = place * size..<(place + inner.count[0]) * size
      try part.read(inner, as: type, into: UnsafeMutableRawBufferPointer(rebasing: bytes[range]))
      place += inner.count[0]
    }
  }
}
