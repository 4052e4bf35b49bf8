import ArgumentParser
import JobFiles
import Pipeline

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train the members of a job's ensemble.",
    discussion: """
      Members that are trained already are kept.

        mpirun -n 4 tutti train jobs/cement.yaml
        tutti train jobs/cement.yaml --members 4..7      these alone, beside other runs that train others
      """)

  @OptionGroup var options: JobOptions

  @Option(help: ArgumentHelp("Train these members alone, the first is 0: K or K..L.", valueName: "K..L"))
  var members: MemberRange?

  func run() throws {
    try options.withRun(members: members?.range) { run in
      try run.train()
      return "Members: \(run.paths.members)"
    }
  }
}

/// Members as a user names them: `3`, or `4..7` with both ends.
struct MemberRange: ExpressibleByArgument {
  let range: ClosedRange<Int>

  init?(argument: String) {
    let parts = argument.split(separator: "..", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(parts.count), let first = parts[0], let last = parts[parts.count - 1], first >= 0,
      first <= last
    else { return nil }
    range = first...last
  }
}
