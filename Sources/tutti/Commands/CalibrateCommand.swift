import ArgumentParser
import JobFiles
import Pipeline

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate", abstract: "Find the thresholds of the prediction sets on the calibration images.",
    discussion: """
        tutti calibrate jobs/cement.yaml
      """)

  @OptionGroup var options: JobOptions

  func run() throws {
    try options.withRun { run in
      try run.calibrate()
      if run.world.rank == 0 { print("Calibration: \(run.paths.calibration)") }
    }
  }
}
