import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import tutti

/// The documentation of the repository, its commands and links.
@Suite("Documentation")
struct DocumentationTests {
  private static let repository = Repository.folder

  /// The pages that users read.
  private static let pages: [String] = {
    let all = (try? FileManager.default.subpathsOfDirectory(atPath: repository.path + "/docs")) ?? []
    let docs = all.filter { $0.hasSuffix(".md") && $0 != "job-file.md" }.map { "docs/" + $0 }
    return docs.sorted() + ["README.md", "jobs/README.md", "jobs/public/README.md"]
  }()

  private func text(_ page: String) throws -> String {
    try String(contentsOfFile: Self.repository.path + "/" + page, encoding: .utf8)
  }

  /// The words of a command line up to a comment, a pipe or a redirection; quotes hold words together.
  private func words(_ line: String) -> [String] {
    var (words, word, quote) = ([String](), "", Character?.none)
    var isOpen = false
    for character in line {
      switch character {
      case "'", "\"":
        if quote == nil {
          (quote, isOpen) = (character, true)
        } else if quote == character {
          quote = nil
        } else {
          word.append(character)
        }
      case " " where quote == nil:
        if isOpen || !word.isEmpty { words.append(word) }
        (word, isOpen) = ("", false)
      // A comment, a pipe or a redirection begins a word.
      case _ where "#|>".contains(character) && quote == nil && word.isEmpty: return words
      default: word.append(character)
      }
    }
    return isOpen || !word.isEmpty ? words + [word] : words
  }

  /// The commands of a page: lines of its indented and fenced blocks that start the program, perhaps by another.
  private func commands(_ page: String) throws -> [[String]] {
    var isFenced = false
    return try text(page).split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
      if line.hasPrefix("```") { isFenced.toggle() }
      guard isFenced || line.hasPrefix("    ") else { return nil }
      // What may be left out stands in brackets behind a space; those of slices are a part of a word.
      let all = words(line.trimmingCharacters(in: .whitespaces).replacing(#/ \[[^\]]*\]/#, with: ""))
      guard let start = all.firstIndex(where: { $0 == "tutti" || $0.hasSuffix("/tutti") }) else { return nil }
      let launchers = ["mpirun", "srun", "salloc", "apptainer", "docker", "podman", "nice", "time"]
      guard start == 0 || launchers.contains(all[0]) else { return nil }
      let arguments = Array(all[(start + 1)...])
      return arguments.isEmpty || arguments.contains("…") ? nil : arguments
    }
  }

  @Test("every command in the documentation is one that the program understands")
  func understood() throws {
    var count = 0
    for page in Self.pages {
      for arguments in try commands(page) where arguments != ["--help"] {
        // Alternatives, as in mean|spread: the first.
        let arguments = arguments.map { String($0.prefix { $0 != "|" }) }
        count += 1
        #expect(throws: Never.self, "\(page): tutti \(arguments.joined(separator: " "))") {
          _ = try Tutti.parseAsRoot(arguments)
        }
      }
    }
    #expect(count > 30)
  }

  @Test("links of the documentation lead to files that are there")
  func links() throws {
    for page in Self.pages {
      let folder = URL(fileURLWithPath: Self.repository.path + "/" + page).deletingLastPathComponent()
      for match in try text(page).matches(of: /\]\(([^)\s]+)\)/) {
        let link = String(match.output.1.prefix { $0 != "#" })
        guard !link.isEmpty, !link.contains("://") else { continue }
        let path = folder.appendingPathComponent(link).standardizedFileURL.path
        #expect(FileManager.default.fileExists(atPath: path), "\(page): \(link)")
      }
    }
  }

  @Test("pages of the book take five minutes at most")
  func short() throws {
    // At some 250 words a minute. Features and formats are looked up.
    let others = ["docs/from-dlsia.md", "docs/files.md"]
    for page in Self.pages where page.hasPrefix("docs/") && !page.hasPrefix("docs/decisions") && !others.contains(page)
    {
      let count = try text(page).split { $0 == " " || $0 == "\n" }.count
      #expect(count <= 1250, "\(page) has \(count) words")
    }
  }
}
