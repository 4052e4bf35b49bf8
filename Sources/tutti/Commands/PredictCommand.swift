import ArgumentParser
import ImageFiles
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
        tutti predict results/cement.h5 large.h5:/volume --slices 16:20 -o some-slices.h5
      """)

  @Argument(help: "A job file, a results file, a folder of members, or a member's file.", completion: .file())
  var model: String

  @Argument(help: "New images: path[:dataset].", completion: .file())
  var images: String?

  @Option(name: .shortAndLong, help: "Where the prediction of new images goes.", completion: .file())
  var output: String?

  @Flag(help: "Write what each member reduces an image to as well: /entry/latent (a job says prediction.latent).")
  var latent = false

  @Option(
    help: """
      Of new images, a dataset with 0 where nothing was measured: path[:dataset]. What a job says in data.invalid holds \
      anyway.
      """)
  var valid: String?

  @Option(
    help: """
      Of new images, the channels that the networks see, by number or name, as in 0,2; all: every one that the images \
      have. Without it those that the job says in data.channels.
      """)
  var channels: String?

  @Option(help: "Of a new volume, the slices from the first up to the second number alone, as in 16:20.")
  var slices: String?

  @Option(name: .customLong("images"), help: "Of a new stack, some images alone, as in 3,5; the first is 0.")
  var numbers: String?

  @Option(
    help: """
      Of new images, the distance of voxels along (z,) y, x, as in '50 nm, 4 nm, 4 nm'. Without it that of their files, and \
      where these do not say it, that of the model's images.
      """)
  var voxelSize: String?

  @Flag(help: "Replace a prediction that exists.")
  var overwrite = false

  @OptionGroup(title: "Output") var figures: FigureOptions
  @OptionGroup(title: "Where it runs") var launch: LaunchOptions
  @OptionGroup(title: "Stopping") var stopping: StopOptions
  @OptionGroup(title: "Progress") var progress: ProgressOptions

  /// The slices that are named; nil when it is no range.
  private var sliceRange: Range<Int>? {
    let ends = (slices ?? "").split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count == 2, let first = ends[0], let last = ends[1], 0 <= first, first < last else { return nil }
    return first..<last
  }

  /// The images that are named; nil when they are no numbers.
  private var imageNumbers: [Int]? {
    let numbers = (numbers ?? "").split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    return numbers.contains(nil) ? nil : numbers.compactMap(\.self)
  }

  /// The distances that are named; nil when one is none.
  private var voxelLengths: [Length]? {
    let lengths = (voxelSize ?? "").split(separator: ",").map { Length(String($0.drop { $0 == " " })) }
    return lengths.contains(nil) || lengths.isEmpty ? nil : lengths.compactMap(\.self)
  }

  func validate() throws {
    if images == nil, valid != nil || channels != nil || slices != nil || numbers != nil || voxelSize != nil {
      throw ValidationError(
        "--valid, --channels, --slices, --images and --voxel-size are for new images; a job's split says what is predicted."
      )
    }
    if voxelSize != nil, voxelLengths == nil {
      throw ValidationError("--voxel-size needs lengths with their units, as in '50 nm, 4 nm, 4 nm'.")
    }
    if slices != nil, sliceRange == nil { throw ValidationError("--slices needs two numbers, as in 16:20.") }
    if numbers != nil, imageNumbers == nil { throw ValidationError("--images needs numbers, as in 3,5.") }
    if slices != nil, numbers != nil { throw ValidationError("give --slices or --images, not both.") }
    if latent && images == nil { throw ValidationError("--latent is for new images; a job says prediction.latent.") }
    if images != nil && output == nil { throw ValidationError("name the new images' prediction with -o OUT.h5.") }
    if images == nil && output != nil { throw ValidationError("-o is for new images; a job names its own output.") }
  }

  func run() throws {
    try launch.session(stopping) { world in
      let display = ProgressDisplay(rank: world.rank, style: progress.progress)
      defer { display.finish() }
      if let images, let output {
        var prediction = NewPrediction(
          model: model, images: images, output: output, threads: launch.threads, overwrite: overwrite,
          latents: latent)
        (prediction.valid, prediction.slices, prediction.numbers) = (valid, sliceRange, imageNumbers)
        prediction.voxelSize = voxelLengths
        prediction.channels = channels.map {
          $0 == "all" ? [] : $0.split(separator: ",").map { String($0.drop { $0 == " " }) }
        }
        let (measurements, shift) = try prediction.run(over: world, log: display.log)
        display.finish()
        guard world.rank == 0 else { return }
        var text = (measurements?.lines ?? []) + (shift.map { [""] + $0.lines } ?? [])
        text.append("\(ResultsHint(output))")
        try figures.tell(try ResultsSummary(output), text: text.joined(separator: "\n"))
      } else {
        let file = try world.agree { try JobFile(path: model) }
        var options = Run.Options()
        options.overwrite = overwrite
        options.threads = launch.threads
        options.allowedMemory = launch.memory
        let run = try Run(file, over: world, options: options, log: display.log)
        try run.predict()
        display.finish()
        guard world.rank == 0 else { return }
        let text = "\(ResultsHint(run.paths.results))"
        LogFile.write(text)
        try figures.tell(try ResultsSummary(run.paths.results), text: text)
      }
    }
  }
}
