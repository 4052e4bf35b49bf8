import CHDF5

/// A group of an HDF5 file: a folder of datasets and groups.
public struct Group: Container {
  /// The open object.
  public let object: ObjectHandle
}

/// What a path of a file names.
public enum ObjectKind: Sendable, Hashable {
  /// A group.
  case group
  /// A dataset.
  case dataset
  /// A committed type.
  case other
}

extension Container {
  /// The names of the group's members, sorted (`H5Literate`).
  ///
  /// - Throws: `HDF5Error` when they cannot be listed.
  public func names() throws -> [String] {
    try object.use { raw in
      try object.place.listing("H5Literate", "list the group") { chdf5_list_links(raw, $0) }
    }
  }

  /// Whether there is an object at `path`; a dangling link is none.
  ///
  /// - Throws: `HDF5Error` when the file is closed or its metadata are damaged.
  public func exists(_ path: String) throws -> Bool {
    try object.use { raw in
      let place = object.place(path)
      var reached = path.hasPrefix("/") ? "/" : ""
      for part in path.split(separator: "/") {
        // Only below a group can there be more.
        guard try reached.isEmpty || reached == "/" || kind(at: reached, raw) == .group else { return false }
        reached += reached.isEmpty || reached == "/" ? String(part) : "/" + part
        let linked = H5Lexists(raw, reached, chdf5_default())
        if try place.check(linked, "H5Lexists", "look for it") == 0 { return false }
        // A soft link into nowhere is an error to the library, or nothing, by how far it leads.
        guard H5Oexists_by_name(raw, reached, chdf5_default()) > 0 else {
          H5Eclear2(chdf5_error_stack())
          return false
        }
      }
      return true
    }
  }

  /// The kind of the object at `path`; nil when there is none.
  ///
  /// - Throws: `HDF5Error` when the file is closed or its metadata are damaged.
  public func kind(of path: String) throws -> ObjectKind? {
    try object.use { raw in try exists(path) ? kind(at: path, raw) : nil }
  }

  private func kind(at path: String, _ raw: hid_t) throws -> ObjectKind {
    switch try object.place(path).check(chdf5_object_kind(raw, path), "H5Oopen", "look at it") {
    case 0: return .group
    case 1: return .dataset
    default: return .other
    }
  }

  /// Opens a group (`H5Gopen2`).
  ///
  /// - Throws: `HDF5Error` of kind `missingObject` or `wrongKind`.
  public func group(_ path: String) throws -> Group {
    try object.use { raw in
      try require(.group, at: path)
      let place = object.place(path)
      let group = try place.own(H5Gopen2(raw, path, chdf5_default()), .group, "H5Gopen2", "open the group")
      return Group(object: ObjectHandle(context: object.context, identifier: group, path: object.joined(path)))
    }
  }

  /// Creates a group, and missing groups on its path (`H5Gcreate2`).
  ///
  /// - Throws: `HDF5Error` of kind `alreadyExists`.
  @discardableResult
  public func createGroup(_ path: String) throws -> Group {
    try object.use { raw in
      try refuseExisting(path)
      try createGroups(above: path)
      let place = object.place(path)
      let links = try linkList(at: place)
      let creation = try Identifier.properties(chdf5_group_create(), at: place)
      try place.check(H5Pset_obj_track_times(creation.raw, false), "H5Pset_obj_track_times", "leave times out")
      let group = try place.own(
        H5Gcreate2(raw, path, links.raw, creation.raw, chdf5_default()), .group, "H5Gcreate2", "make the group")
      return Group(object: ObjectHandle(context: object.context, identifier: group, path: object.joined(path)))
    }
  }

  /// Opens a group, or creates it when there is nothing at `path`.
  ///
  /// - Throws: `HDF5Error` of kind `wrongKind` when there is a dataset.
  public func requireGroup(_ path: String) throws -> Group {
    try object.use { _ in try exists(path) ? group(path) : createGroup(path) }
  }

  /// Creates a soft link at `path` to `target`, which need not exist yet (`H5Lcreate_soft`).
  ///
  /// - Throws: `HDF5Error` of kind `alreadyExists`.
  public func createSoftLink(_ path: String, to target: String) throws {
    try object.use { raw in
      try refuseExisting(path)
      try createGroups(above: path)
      let place = object.place(path)
      let links = try linkList(at: place)
      let code = H5Lcreate_soft(target, raw, path, links.raw, chdf5_default())
      try place.check(code, "H5Lcreate_soft", "link it to \(target)")
    }
  }

  /// Removes a link, and its object when it was the last one (`H5Ldelete`). The file does not shrink.
  ///
  /// - Throws: `HDF5Error` when there is nothing at `path`.
  public func remove(_ path: String) throws {
    try object.use { raw in
      let place = object.place(path)
      try place.check(H5Ldelete(raw, path, chdf5_default()), "H5Ldelete", "remove it")
    }
  }

  /// Throws unless there is an object of this kind at `path`; the error says what is there instead.
  func require(_ wanted: ObjectKind, at path: String) throws {
    let word = wanted == .group ? "group" : "dataset"
    guard let found = try kind(of: path) else { throw try missing(path, word) }
    guard found != wanted else { return }
    let message: String
    switch found {
    case .group:
      let inside = try group(path).names().prefix(12).map { "‘\($0)’" }.joined(separator: ", ")
      message = "this is a group, not a \(word); it holds \(inside.isEmpty ? "nothing" : inside)"
    case .dataset: message = "this is a dataset, not a \(word)"
    case .other: message = "this is neither a group nor a dataset"
    }
    throw object.place(path).error(.wrongKind, message)
  }

  /// The error for a path that does not exist, with similar names or the names that are there.
  private func missing(_ path: String, _ word: String) throws -> HDF5Error {
    var folder = path.hasPrefix("/") ? "/" : "."
    var rest = path.split(separator: "/").map(String.init)
    while rest.count > 1 {
      let next = folder == "." ? rest[0] : folder == "/" ? "/" + rest[0] : folder + "/" + rest[0]
      guard try kind(of: next) == .group else { break }
      folder = next
      rest.removeFirst()
    }
    let wanted = rest.first ?? path
    let names = try folder == "." ? names() : group(folder).names()
    let place = object.place(path)
    let link = folder == "." ? wanted : folder == "/" ? "/" + wanted : folder + "/" + wanted
    if names.contains(wanted), let broken = try brokenLink(link) {
      return place.error(.missingObject, rest.count > 1 ? "\(link): \(broken)" : broken)
    }
    if rest.count > 1, names.contains(wanted) {
      return place.error(.missingObject, "there is no such \(word): ‘\(wanted)’ on the way is not a group")
    }
    return place.error(.missingObject, "there is no such \(word)" + Suggestion.name(near: wanted, among: names))
  }

  func refuseExisting(_ path: String) throws {
    guard try exists(path) else { return }
    throw object.place(path).error(.alreadyExists, "something of this name is in the file already")
  }

  /// Creates missing groups on the way to `path`. (The library itself would record times in them.)
  func createGroups(above path: String) throws {
    guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
    let above = String(path[..<slash])
    if try !exists(above) { try createGroup(above) }
  }

  /// The link creation property list: names are UTF-8.
  func linkList(at place: Place) throws -> Identifier {
    let list = try Identifier.properties(chdf5_link_create(), at: place)
    try place.check(H5Pset_char_encoding(list.raw, H5T_CSET_UTF8), "H5Pset_char_encoding", "keep names in UTF-8")
    return list
  }
}
