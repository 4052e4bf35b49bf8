import ArgumentParser
import JobFiles
import Pipeline

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Predict with a trained ensemble: a job's test images, or new ones.",
    discussion: """
      With a job file, its test images. With a results file, a folder of members or one member, any images that \
      have the channels and dimensions of the training ones; with a results file their prediction sets too.

        tutti predict jobs/cement.yaml
        tutti predict results/cement.h5 new.h5:/images -o new-prediction.h5
      """)

  @Argument(help: "A job file, a results file, a folder of members, or a member's file.", completion: .file())
  var model: String

  @Argument(help: "New images: path[:dataset].", completion: .file())
  var images: String?

  @Option(name: .shortAndLong, help: "Where the prediction of new images goes.", completion: .file())
  var output: String?

  @OptionGroup var launch: LaunchOptions
  @OptionGroup var stopping: StopOptions

  @Flag(help: "Replace a prediction that exists.")
  var overwrite = false

  @Flag(help: "Write what each member reduces an image to as well: /entry/latent (a job says prediction.latent).")
  var latent = false

  func validate() throws {
    if latent && images == nil { throw ValidationError("--latent is for new images; a job says prediction.latent.") }
    if images != nil && output == nil { throw ValidationError("name the new images' prediction with -o OUT.h5.") }
    if images == nil && output != nil { throw ValidationError("-o is for new images; a job names its own output.") }
  }

  func run() throws {
    try launch.session(stopping) { world in
      let display = ProgressDisplay(isShown: world.rank == 0)
      if let images, let output {
        let prediction = NewPrediction(
          model: model, images: images, output: output, threads: launch.threads, overwrite: overwrite,
          latents: latent)
        let measurements = try prediction.run(over: world, log: display.log)
        if let measurements { print(measurements.lines.joined(separator: "\n")) }
        if world.rank == 0 { print(ResultsHint(output)) }
      } else {
        let file = try world.agree { try JobFile(path: model) }
        var options = Run.Options()
        options.overwrite = overwrite
        options.threads = launch.threads
        options.allowedMemory = launch.memory
        let run = try Run(file, over: world, options: options, log: display.log)
        try run.predict()
        if world.rank == 0 { print(ResultsHint(run.paths.results)) }
      }
    }
  }
}
