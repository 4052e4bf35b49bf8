#if canImport(Glibc)
  import Glibc
#endif

/// Where an array is: a file or folder, an array in it, and the part of it that is meant. Several locations in a row may
/// be joined to one.
public struct ArrayLocation: Hashable, Sendable {
  /// The path that is opened: a file, a folder, or a pattern of file names.
  public let file: String
  /// The dataset's path within the file; `nil` when the file has only one.
  public let dataset: String?
  /// The part of the array; nil: all of it.
  public let slices: ArraySlices?
  /// The file as messages name it.
  public let name: String
  /// Those that follow this one, where several are joined.
  public private(set) var others: [ArrayLocation] = []

  /// A location whose file is shown as `name`, or as its path.
  public init(file: String, dataset: String?, name: String? = nil, slices: ArraySlices? = nil) {
    self.file = file
    self.dataset = dataset
    self.slices = slices
    self.name = name ?? file
  }

  /// Several locations in a row.
  ///
  /// - Parameter locations: one at least.
  public init(joining locations: [ArrayLocation]) {
    precondition(!locations.isEmpty, "a location of nothing")
    self = locations[0]
    others = Array(locations.dropFirst())
  }

  /// This location and those that are joined to it, in order.
  public var all: [ArrayLocation] {
    var first = self
    first.others = []
    return [first] + others
  }

  /// The location that a text `path[:dataset][[slices]]` names, such as `data/cement.h5:/images` or `scan.tif[0:20]`.
  ///
  /// Names may hold colons and brackets too. The path is then the longest one at which there is a file or folder; where
  /// there is none, what stands before the first `:/`, or else before the last colon.
  ///
  /// - Parameter folder: what a relative path is relative to; the working directory when `nil`.
  public init(_ text: String, in folder: String? = nil) {
    func file(_ path: Substring) -> String {
      if let folder, !path.hasPrefix("/") { "\(folder)/\(path)" } else { String(path) }
    }
    var whole = Substring(text)
    var slices: ArraySlices?
    if let (before, parsed) = ArraySlices.split(text), !Self.exists(file(whole)) { (whole, slices) = (before, parsed) }
    // A colon with something on both sides may part the path from the dataset.
    let colons = whole.indices.dropFirst().filter { whole[$0] == ":" && whole.index(after: $0) < whole.endIndex }
    let ends = [whole.endIndex] + colons.reversed()
    let usual = colons.first { whole[whole.index(after: $0)] == "/" } ?? colons.last ?? whole.endIndex
    let end = colons.isEmpty ? whole.endIndex : ends.first { Self.exists(file(whole[..<$0])) } ?? usual
    let path = whole[..<end]
    self.init(
      file: file(path), dataset: end == whole.endIndex ? nil : String(whole[whole.index(after: end)...]),
      name: String(path), slices: slices)
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
  }

  /// The same file with another dataset.
  public func dataset(_ dataset: String) -> ArrayLocation {
    ArrayLocation(file: file, dataset: dataset, name: name, slices: slices)
  }
}

extension ArrayLocation: CustomStringConvertible {
  public var description: String {
    let one = (dataset.map { "\(name):\($0)" } ?? name) + (slices?.description ?? "")
    return others.isEmpty ? one : "\(one) and \(others.count) more"
  }
}
