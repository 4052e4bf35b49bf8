/// A file of images that cannot be read or written: which file, where in it, why, and what to do.
public struct ImageFileError: Error, Hashable, Sendable {
  /// What kind of failure it is, for programs; people read `description`.
  public enum Kind: Hashable, Sendable {
    /// There is no such file, or a file of a series is missing.
    case missing
    /// The file is of no format that is read.
    case unknownFormat
    /// The content contradicts itself, or ends too early.
    case damaged
    /// A valid file of a form that is not read or written.
    case unsupported
    /// The file holds several arrays, or none, and none is named.
    case notNamed
    /// A shape, or the part that is asked for, does not fit.
    case wrongShape
    /// A number does not fit the type that it is read as.
    case wrongType
    /// A call of the system failed.
    case system
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// The file, and the page or dataset of it, as messages name it.
  public let place: String
  /// What is wrong and what to do: the rest of a sentence that begins with the place.
  public let message: String

  /// A failure at a place.
  public init(_ kind: Kind, _ place: some CustomStringConvertible, _ message: String) {
    self.kind = kind
    self.place = place.description
    self.message = message
  }
}

extension ImageFileError: CustomStringConvertible {
  public var description: String { "\(place) \(message)\(message.last == "?" ? "" : ".")" }
}
