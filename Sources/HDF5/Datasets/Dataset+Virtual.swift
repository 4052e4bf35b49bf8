import CHDF5

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Dataset {
  /// Throws when part of a virtual dataset is not there, which the library would read as fill values without a word.
  ///
  /// Does nothing for other datasets. Of sources that are numbered without end (`%b` in their name) the first is
  /// looked for.
  ///
  /// - Throws: `HDF5Error` of kind `missingFile` or `missingObject` that names the first source that is not there.
  public func requireSources() throws {
    try requireSources(depth: 8)
  }

  private func requireSources(depth: Int) throws {
    let (folder, sources) = try object.use { raw in try (Suggestion.folder(of: fileName(raw)), virtualSources(raw)) }
    for source in sources where depth > 0 && source.file != "." {
      let places = Self.places(of: source.file, beside: folder)
      guard let place = places.first(where: { access($0, F_OK) == 0 }) else {
        throw missing("the file \(source.file)", .missingFile, advice: "put it into \(folder)")
      }
      let file = try File(opening: place)
      guard try file.kind(of: source.dataset) == .dataset else {
        throw missing("\(source.dataset) of \(source.file)", .missingObject, advice: "mend that file")
      }
      try file.dataset(source.dataset).requireSources(depth: depth - 1)
      try file.close()
    }
  }

  private func missing(_ what: String, _ kind: HDF5Error.Kind, advice: String) -> HDF5Error {
    object.place.error(
      kind,
      "part of this virtual dataset is in \(what), which is missing; \(advice), or make the dataset without it")
  }

  /// One file and dataset that part of a virtual dataset is in.
  private struct Source: Hashable {
    var file: String
    var dataset: String
  }

  /// The different sources, in order; none when the dataset is not virtual.
  private func virtualSources(_ raw: hid_t) throws -> [Source] {
    let place = object.place
    let list = try place.own(H5Dget_create_plist(raw), .properties, "H5Dget_create_plist", "read its layout")
    guard H5Pget_layout(list.raw) == H5D_VIRTUAL else { return [] }
    var count = 0
    try place.check(H5Pget_virtual_count(list.raw, &count), "H5Pget_virtual_count", "read its parts")
    var seen = Set<Source>()
    var sources: [Source] = []
    for index in 0..<count {
      let file = try Self.text(at: place, "H5Pget_virtual_filename") {
        H5Pget_virtual_filename(list.raw, index, $0, $1)
      }
      let dataset = try Self.text(at: place, "H5Pget_virtual_dsetname") {
        H5Pget_virtual_dsetname(list.raw, index, $0, $1)
      }
      let source = Source(file: Self.first(file), dataset: Self.first(dataset))
      if seen.insert(source).inserted { sources.append(source) }
    }
    return sources
  }

  /// The files that the elements of a dataset with external storage are in.
  func externalFiles() throws -> [String] {
    try object.use { raw in
      let place = object.place
      let list = try place.own(H5Dget_create_plist(raw), .properties, "H5Dget_create_plist", "read its layout")
      return try (0..<max(0, H5Pget_external_count(list.raw))).map { index in
        var name = [CChar](repeating: 0, count: 4096)
        try place.check(
          H5Pget_external(list.raw, UInt32(index), name.count - 1, &name, nil, nil), "H5Pget_external", "read its files"
        )
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
      }
    }
  }

  /// The path of the file that the dataset is in, which a link may have led to.
  private func fileName(_ raw: hid_t) throws -> String {
    try Self.text(at: object.place, "H5Fget_name") { H5Fget_name(raw, $0, $1) }
  }

  /// A text that the library gives by its length and then in a buffer.
  private static func text(
    at place: Place, _ call: String, _ read: (UnsafeMutablePointer<CChar>?, Int) -> Int
  ) throws -> String {
    let length = Int(try place.check(read(nil, 0), call, "read its parts"))
    return try withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { buffer in
      buffer.initialize(repeating: 0)
      try place.check(read(buffer.baseAddress, length + 1), call, "read its parts")
      return buffer.baseAddress.map { String(cString: $0) } ?? ""
    }
  }

  /// The first of the names that a name with `%b` stands for.
  private static func first(_ name: String) -> String {
    var result = ""
    var rest = name[...]
    while let percent = rest.firstIndex(of: "%") {
      result += rest[..<percent]
      rest = rest[rest.index(after: percent)...]
      switch rest.first {
      case "b"?:
        result += "0"
        rest = rest.dropFirst()
      case "%"?:
        result += "%"
        rest = rest.dropFirst()
      default: result += "%"
      }
    }
    return result + rest
  }

  /// Where the library looks for a source, in its order (`H5Pset_virtual_prefix`).
  private static func places(of name: String, beside folder: String) -> [String] {
    let last = name.split(separator: "/").last.map(String.init) ?? name
    let isAbsolute = name.hasPrefix("/")
    let prefixes = (getenv("HDF5_VDS_PREFIX").map { String(cString: $0) } ?? "").split(separator: ":").map {
      $0.hasPrefix("${ORIGIN}") ? folder + $0.dropFirst("${ORIGIN}".count) : String($0)
    }
    return (isAbsolute ? [name] : []) + (prefixes + [folder]).map { "\($0)/\(isAbsolute ? last : name)" }
      + (isAbsolute ? [last] : [name])
  }
}
