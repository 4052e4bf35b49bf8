import ArgumentParser
import JobFiles
import Pipeline

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print a JSON Schema of job files, for the completion and checks of editors.",
    discussion: """
      Editors with the YAML language server take it from a first line of the job file:

        tutti schema > tutti.schema.json
        # yaml-language-server: $schema=tutti.schema.json
      """)

  func run() throws { print(JobFile.schema, terminator: "") }
}
