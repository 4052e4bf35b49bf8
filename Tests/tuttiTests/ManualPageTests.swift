import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import tutti

/// The manual page.
@Suite("Manual page")
struct ManualPageTests {
  private func page() throws -> String { try ManualPage(help: Tutti._dumpHelp(), version: "1.2.3").text }

  @Test("it has every command and option, with what their help says")
  func complete() throws {
    let page = try page()
    for command in Tutti.configuration.subcommands {
      let name = try #require(command.configuration.commandName)
      let subcommands = command.configuration.subcommands
      for path in subcommands.isEmpty ? [name] : subcommands.map({ "\(name) \($0.configuration.commandName ?? "")" }) {
        #expect(page.contains("\n.SS tutti \(path)\n"), "\(path)")
      }
      guard subcommands.isEmpty else { continue }
      for match in command.helpMessage(includeHidden: false).matches(of: /\n  (?:-\w, )?(--[a-z-]+)/)
      where !["--version", "--help"].contains(match.output.1) {
        #expect(page.contains("\\fB\(ManualPage.escaped(String(match.output.1)))\\fR"), "\(name) \(match.output.1)")
      }
    }
    #expect(page.hasPrefix(".TH TUTTI 1 \"\" \"tutti 1.2.3\" \"tutti\"\n"))
    #expect(page.contains("Exit status: 0 when it is done"))
  }

  @Test("texts hold no commands of troff")
  func escaped() {
    #expect(ManualPage.escaped(".h5 and a\\b") == "\\&.h5 and a\\eb")
    #expect(ManualPage.escaped("'scan/*.tif'") == "\\&'scan/*.tif'")
    #expect(ManualPage.escaped("--ranks") == "\\-\\-ranks")
  }

  @Test("man shows it without a warning, examples as they are written")
  func shown() throws {
    let man = program("man") ?? ""
    guard Requirement.man.holds(!man.isEmpty && program("groff") != nil, "the manual page by man") else { return }
    let text = try page()
    try TemporaryFolder.with { folder in
      let path = folder + "/tutti.1"
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let ended = try run(
        man, ["--warnings", "-E", "UTF-8", "-l", path], environment: ["MANWIDTH": "100", "LC_ALL": "C.UTF-8"])
      #expect(ended.status == 0 && ended.errors.isEmpty, "\(ended.errors)")
      #expect(ended.output.contains("mpirun -n 8 tutti run jobs/cement.yaml"))
      #expect(ended.output.contains("--stop-seconds seconds"))
      guard let mandoc = program("mandoc") else { return }
      let linted = try run(mandoc, ["-T", "lint", "-W", "error", path])
      #expect(linted.status == 0, "\(linted.output)\(linted.errors)")
    }
  }
}
