import ArgumentParser
import Foundation

/// The manual page of a program, in troff's macros for such pages (man(7)), made of what its commands say when they are
/// asked for help.
struct ManualPage {
  /// The page's text.
  private(set) var text = ""

  /// The page of a command and all that are under it.
  ///
  /// - Parameters:
  ///   - help: a parser's dump of its commands as JSON.
  ///   - version: of the program.
  /// - Throws: `DecodingError` when the dump is of another form.
  init(help: String, version: String) throws {
    let command = try JSONDecoder().decode(Dump.self, from: Data(help.utf8)).command
    let name = command.commandName
    text = ".TH \(name.uppercased()) 1 \"\" \"\(name) \(version)\" \"\(name)\"\n"
    text += ".SH NAME\n\(Self.escaped(name)) \\- \(Self.escaped(command.abstract ?? ""))\n"
    text += ".SH SYNOPSIS\n.B \(Self.escaped(name))\n.I command\n[\\fIoptions\\fR]\n"
    text += ".SH DESCRIPTION\n"
    describe(command.discussion, isFirst: true)
    text += ".SH OPTIONS\n"
    list(command.shownArguments)
    text += ".SH COMMANDS\n"
    for subcommand in command.shownCommands { add(subcommand, after: name) }
  }

  // MARK: Parts

  /// Adds a command and those under it.
  private mutating func add(_ command: Command, after path: String) {
    let path = "\(path) \(command.commandName)"
    guard command.shownCommands.isEmpty else {
      for subcommand in command.shownCommands { add(subcommand, after: path) }
      return
    }
    let arguments = command.shownArguments.filter { !["help", "version"].contains($0.preferredName?.name) }
    text += ".SS \(Self.escaped(path))\n"
    if let abstract = command.abstract, !abstract.isEmpty { text += Self.escaped(abstract) + "\n" }
    var usage = "\\fB\(Self.escaped(path))\\fR"
    if arguments.contains(where: { $0.kind != "positional" }) { usage += " [\\fIoptions\\fR]" }
    for argument in arguments where argument.kind == "positional" {
      let name = "\\fI\(Self.escaped(argument.valueName ?? ""))\\fR" + (argument.isRepeating ? " ..." : "")
      usage += argument.isOptional ? " [\(name)]" : " \(name)"
    }
    text += ".PP\n\(usage)\n"
    describe(command.discussion)
    list(arguments)
  }

  /// Adds arguments, those of a group under its title.
  private mutating func list(_ arguments: [Argument]) {
    let titles = arguments.map(\.sectionTitle)
    var seen: [String?] = []
    for title in titles where !seen.contains(title) { seen.append(title) }
    // Those of no group come first, as in the help.
    for title in seen.filter({ $0 == nil }) + seen.filter({ $0 != nil }) {
      if let title { text += ".PP\n\(Self.escaped(title)):\n" }
      for argument in arguments where argument.sectionTitle == title {
        text += ".TP\n\(argument.title)\n"
        let remark = argument.remark
        text += Self.escaped([argument.abstract ?? "", remark].filter { !$0.isEmpty }.joined(separator: " ")) + "\n"
      }
    }
  }

  /// Adds paragraphs; lines that are set in by spaces stay as they are.
  ///
  /// - Parameter isFirst: whether a heading is above them.
  private mutating func describe(_ discussion: String?, isFirst: Bool = false) {
    var isExample = false
    var isNew = !isFirst
    for line in (discussion ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
      let isOne = line.hasPrefix("  ") || isExample && line.isEmpty
      if isOne != isExample {
        text += isOne ? ".PP\n.EX\n" : ".EE\n"
        (isExample, isNew) = (isOne, true)
      }
      if line.isEmpty {
        isNew = true
      } else {
        if isNew, !isOne { text += ".PP\n" }
        text += Self.escaped(String(line)) + "\n"
        isNew = false
      }
    }
    if isExample { text += ".EE\n" }
  }

  /// A text in which nothing is a command of troff.
  static func escaped(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
  }
}

// MARK: - What a parser dumps

extension ManualPage {
  private struct Dump: Decodable {
    var command: Command
  }

  private struct Command: Decodable {
    var commandName: String
    var abstract, discussion: String?
    var shouldDisplay: Bool?
    var subcommands: [Command]?
    var arguments: [Argument]?

    var shownCommands: [Command] { (subcommands ?? []).filter { $0.shouldDisplay ?? true && $0.commandName != "help" } }
    var shownArguments: [Argument] { (arguments ?? []).filter(\.shouldDisplay) }
  }

  private struct Argument: Decodable {
    struct Name: Decodable, Hashable {
      var kind, name: String

      var text: String { "\\fB" + ManualPage.escaped((kind == "long" ? "--" : "-") + name) + "\\fR" }
    }

    var kind: String
    var shouldDisplay, isOptional, isRepeating: Bool
    var sectionTitle, valueName, defaultValue, abstract: String?
    var names: [Name]?
    var preferredName: Name?
    var allValues: [String]?

    /// Names and value.
    var title: String {
      let value = "\\fI\(ManualPage.escaped(valueName ?? ""))\\fR"
      guard kind != "positional" else { return value }
      let all = (names ?? []).map(\.text).joined(separator: ", ")
      return kind == "flag" ? all : "\(all) \(value)"
    }

    /// The values that there are and the one that is taken without it.
    var remark: String {
      var parts: [String] = []
      if let allValues, !allValues.isEmpty { parts.append("values: " + allValues.joined(separator: ", ")) }
      if let defaultValue, kind != "flag" { parts.append("default: \(defaultValue)") }
      return parts.isEmpty ? "" : "(\(parts.joined(separator: "; ")))"
    }
  }
}
