import Foundation
import Synchronization

/// What many files say of their arrays, so that of a folder of slices one rank opens each file, and the others know what it
/// found. A file that the catalog does not have is opened.
public final class FileCatalog: Sendable {
  /// The array of a file: the name of its dataset, and the place of its facts.
  private struct Entry: Codable {
    var dataset: String?
    var facts: Int
  }

  private struct Content: Codable {
    /// By path and dataset as they were asked for.
    var entries: [String: Entry] = [:]
    /// Files of a series mostly say the same.
    var facts: [ArrayFacts] = []
  }

  private let content: Mutex<Content>

  /// The catalog that files are looked up in, and entered.
  @TaskLocal static var current: FileCatalog?

  /// An empty catalog.
  public init() { content = Mutex(Content()) }

  /// A catalog of another rank.
  ///
  /// - Throws: `DecodingError`.
  public init(bytes: [UInt8]) throws {
    content = Mutex(try JSONDecoder().decode(Content.self, from: Data(bytes)))
  }

  /// The catalog, to be sent.
  ///
  /// - Throws: `EncodingError`.
  public var bytes: [UInt8] {
    get throws { Array(try content.withLock { try JSONEncoder().encode($0) }) }
  }

  /// Looks up files here while `body` opens arrays, and enters those that it opens.
  public func used<T>(_ body: () throws -> T) rethrows -> T { try Self.$current.withValue(self, operation: body) }

  /// What is known of the array of a file.
  func array(at location: ArrayLocation) -> (location: ArrayLocation, facts: ArrayFacts)? {
    content.withLock { content in
      guard let entry = content.entries[Self.key(location)], content.facts.indices.contains(entry.facts) else {
        return nil
      }
      return (entry.dataset.map { location.dataset($0) } ?? location, content.facts[entry.facts])
    }
  }

  func enter(_ location: ArrayLocation, found: ArrayLocation, _ facts: ArrayFacts) {
    content.withLock { content in
      if content.facts.last != facts { content.facts.append(facts) }
      content.entries[Self.key(location)] = Entry(dataset: found.dataset, facts: content.facts.count - 1)
    }
  }

  private static func key(_ location: ArrayLocation) -> String { "\(location.file):\(location.dataset ?? "")" }
}
