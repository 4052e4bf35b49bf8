import ArgumentParser
import JobFiles
import Pipeline

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train the members of a job's ensemble.",
    discussion: """
      Members that are trained already are kept.

        mpirun -n 4 tutti train jobs/cement.yaml
      """)

  @OptionGroup var options: JobOptions

  func run() throws {
    try options.withRun { run in
      try run.train()
      if run.world.rank == 0 { print("Members: \(run.paths.members)") }
    }
  }
}
