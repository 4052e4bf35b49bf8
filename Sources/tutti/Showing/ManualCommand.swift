import ArgumentParser
import Ensembles

struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Print the manual page of all commands.",
    discussion: """
      It is made of what the commands say with --help. jobs/install.sh --completions puts it where man looks.

        tutti manual > tutti.1
        man -l tutti.1
      """)

  func run() throws {
    print(try ManualPage(help: Tutti._dumpHelp(), version: tuttiVersion).text, terminator: "")
  }
}
