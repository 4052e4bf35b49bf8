import Yams

/// A YAML text as a tree whose every part knows its line.
///
/// Yams' `Decoder` keeps no line numbers, hence its nodes and their marks.
struct YAMLDocument {
  struct Node {
    /// From 1.
    let line: Int
    let content: Content
  }

  enum Content {
    /// `quoted`: written in quotes, hence text whatever it looks like.
    case scalar(String, quoted: Bool)
    case list([Node])
    case mapping([Entry])
  }

  struct Entry {
    let key: String
    let line: Int
    let value: Node
  }

  let root: Node
  /// Keys that stand twice in one mapping, the first of which was left out of the tree.
  let duplicates: [Problem]

  struct Problem: Error {
    let line: Int
    let message: String
  }

  /// Parses one document.
  ///
  /// - Throws: the first error of syntax; what follows it is not understood.
  init(_ text: String) throws(Problem) {
    var text = text
    while true {
      do {
        guard let node = try Parser(yaml: text, encoding: .utf8).singleRoot() else {
          throw Problem(line: 1, message: "the file is empty; docs/job-file.md says what belongs in it")
        }
        var budget = 100_000
        var keys: [Problem] = []
        root = try Self.tree(node, line: 1, budget: &budget, duplicates: &keys)
        self.duplicates = keys
        return
      } catch let YamlError.duplicatedKeysInMapping(keys, context) {
        // Yams stops at the first mapping with a key that stands twice. Marking the first of the two lets it go on.
        let key = keys.first ?? ""
        guard let marked = Self.mark(key, at: context.mark, in: text) else {
          throw Problem(line: context.mark.line, message: "‘\(key)’ is given twice; remove one")
        }
        text = marked
      } catch let problem as Problem {
        throw problem
      } catch let error as YamlError {
        throw Self.problem(error, in: text)
      } catch {
        throw Problem(line: 1, message: "not YAML: \(error)")
      }
    }
  }

  /// Stands before a key that is given again later. A character of private use, which no key has.
  private static let mark: Character = "\u{E000}"

  private static func mark(_ key: String, at position: Mark, in text: String) -> String? {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
    guard !key.isEmpty, lines.indices.contains(position.line - 1) else { return nil }
    var column = position.column - 1
    let line = lines[position.line - 1]
    if line.indices.contains(column), line[column] == "\"" || line[column] == "'" { column += 1 }
    guard column >= 0, column <= line.count, line[column...].starts(with: Array(key.unicodeScalars)) else { return nil }
    lines[position.line - 1].insert(contentsOf: mark.unicodeScalars, at: column)
    return lines.map { String(String.UnicodeScalarView($0)) }.joined(separator: "\n")
  }

  private static func tree(
    _ node: Yams.Node, line: Int, budget: inout Int, duplicates: inout [Problem]
  ) throws(Problem) -> Node {
    let line = node.mark?.line ?? line
    budget -= 1
    guard budget > 0 else { throw Problem(line: line, message: "too many values for a job file") }
    switch node {
    case .scalar(let scalar):
      return Node(line: line, content: .scalar(scalar.string, quoted: scalar.style != .plain && scalar.style != .any))
    case .sequence(let sequence):
      var items: [Node] = []
      for item in sequence {
        items.append(try tree(item, line: line, budget: &budget, duplicates: &duplicates))
      }
      return Node(line: line, content: .list(items))
    case .mapping(let mapping):
      var entries: [Entry] = []
      var earlier: [String: Int] = [:]
      for (keyNode, valueNode) in mapping {
        let keyLine = keyNode.mark?.line ?? line
        guard case .scalar(let scalar) = keyNode else {
          throw Problem(line: keyLine, message: "a key must be one word, as in ‘name: cement’")
        }
        if scalar.string.first == mark {
          let key = String(scalar.string.drop { $0 == mark })
          earlier[key] = earlier[key] ?? keyLine
          continue
        }
        if let first = earlier[scalar.string] {
          duplicates.append(
            Problem(line: keyLine, message: "‘\(scalar.string)’ is given twice, first in line \(first); remove one"))
        }
        let value = try tree(valueNode, line: keyLine, budget: &budget, duplicates: &duplicates)
        entries.append(Entry(key: scalar.string, line: keyLine, value: value))
      }
      return Node(line: line, content: .mapping(entries))
    case .alias:
      throw Problem(line: line, message: "an alias without its anchor")
    }
  }

  private static func problem(_ error: YamlError, in text: String) -> Problem {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let line = max(1, min(mark.line, lines.count))
      if lines.indices.contains(line - 1), lines[line - 1].prefix(while: \.isWhitespace).contains("\t") {
        return Problem(line: line, message: "not YAML: a line begins with a tab; indent with spaces")
      }
      if problem.hasSuffix("found another document") {
        return Problem(line: line, message: "a second document begins here; a job file holds one")
      }
      let first = max(0, (context?.mark.line ?? line) - 1)
      if let odd = (first..<line).first(where: { lines.indices.contains($0) && lines[$0].contains("\u{00A0}") }) {
        return Problem(line: odd + 1, message: "not YAML: a no-break space (U+00A0) stands here; write an ordinary one")
      }
      let cause = context.map { " (\($0.text), which began in line \($0.mark.line))" } ?? ""
      return Problem(line: line, message: "not YAML: \(problem)\(cause)")
    case .reader(let problem, let offset, _, _):
      let before = text.prefix(offset ?? 0)
      return Problem(line: before.count { $0.isNewline } + 1, message: "not YAML: \(problem)")
    default:
      return Problem(line: 1, message: "not YAML: \(error)")
    }
  }
}
