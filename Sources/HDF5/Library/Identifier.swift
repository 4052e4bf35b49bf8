import CHDF5

/// An identifier of libhdf5, closed with its last reference.
final class Identifier: @unchecked Sendable {
  enum Kind {
    case file, group, dataset, attribute, space, type, properties
    /// A predefined one, which the library owns.
    case borrowed
  }

  let raw: hid_t
  private let kind: Kind
  /// Whether it is closed no more.
  private var isReleased = false

  init(_ raw: hid_t, _ kind: Kind) {
    self.raw = raw
    self.kind = kind
  }

  /// Leaves the identifier to the library; called under its lock.
  func release() { isReleased = true }

  deinit {
    Library.locked {
      if isReleased { return }
      // A file that was closed has closed what was open in it.
      if kind == .borrowed || H5Iis_valid(raw) <= 0 { return }
      let code: herr_t =
        switch kind {
        case .file: H5Fclose(raw)
        case .group: H5Gclose(raw)
        case .dataset: H5Dclose(raw)
        case .attribute: H5Aclose(raw)
        case .space: H5Sclose(raw)
        case .type: H5Tclose(raw)
        case .properties: H5Pclose(raw)
        case .borrowed: 0
        }
      // Failed writes are in the file's `WriteRecord`; a failure here would be one of memory.
      if code < 0 { H5Eclear2(chdf5_error_stack()) }
    }
  }

  /// A new property list of a class.
  static func properties(_ kind: hid_t, at place: Place) throws -> Identifier {
    try place.own(H5Pcreate(kind), .properties, "H5Pcreate", "make a property list")
  }
}
