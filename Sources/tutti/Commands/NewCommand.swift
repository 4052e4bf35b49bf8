import ArgumentParser
import Ensembles
import Host
import Imaging
import Pipeline

struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Write a job file for data, with settings chosen from them and a reason for each.",
    discussion: """
      It looks at the shape, the axes, the classes and the numbers of the images, tries networks for a few seconds, and \
      takes the largest that learns in the time. Labels, targets, a split and groups that lie in the same HDF5 file under \
      these names are found.

        tutti new images.tif --labels labels.tif
        tutti new data/cement.h5 -o cement.yaml --minutes 5
        tutti run job.yaml
      """)

  @Argument(help: "The images: path[:dataset][[slices]], a folder or a pattern.", completion: .file())
  var data: String

  @Option(help: "The labels, in the shape of the images, or one an image.", completion: .file())
  var labels: String?

  @Option(help: "Images that are to be learnt from the images.", completion: .file())
  var targets: String?

  @Option(
    help: ArgumentHelp(
      "What is learnt (default: as labels or targets say): segmentation, binary, regression, autoencoder, classification, "
        + "self-supervised.", valueName: "task"))
  var task: EnsembleTask?

  @Option(help: ArgumentHelp("How images are read: images, volume or volumes.", valueName: "layout"))
  var layout: LayoutName?

  @Option(help: "A letter for each axis of the images' array, as in zyx; data.axes of docs/job-file.md.")
  var axes: String?

  @Option(help: "The label of pixels that nobody labelled.")
  var ignore: Int?

  @Option(
    name: .shortAndLong, help: "The job file to write.",
    completion: .file(extensions: ["yaml", "yml"]))
  var output = "job.yaml"

  @Option(help: "Minutes that the whole job may take on this machine.")
  var minutes = 10.0

  @Option(help: "Threads of the run (default: all cores).")
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "What the run may take of memory, as in 2GiB (default: what there is); the job file says it too.",
      valueName: "size"), transform: LaunchOptions.byteCount)
  var memory: ByteCount?

  @Flag(help: "Replace a job file that exists.")
  var overwrite = false

  func validate() throws {
    guard (0.01...100_000).contains(minutes) else { throw ValidationError("--minutes lies between 0.01 and 100000.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads lies between 1 and 1024.") }
  }

  func run() throws {
    try Session.run { world in
      guard world.size == 1 else { throw ValidationError("new runs by itself, not under mpirun or srun.") }
      var job = NewJob(images: data, output: output)
      (job.labels, job.targets, job.task, job.layout) = (labels, targets, task, layout?.layout)
      (job.axes, job.ignore, job.minutes, job.threads) = (axes, ignore, minutes, threads)
      job.memory = memory
      let display = ProgressDisplay(rank: 0)
      defer { display.finish() }
      let text = try world.agree { try job.write(overwriting: overwrite, over: world, log: display.log) }
      display.finish()
      print(text)
      print("Job: \(output)\nGo on with ‘tutti run \(output)’.")
    }
  }
}

extension EnsembleTask: ExpressibleByArgument {}

/// How images are read, as `data.layout` names it.
enum LayoutName: String, ExpressibleByArgument, CaseIterable {
  case images, volume, volumes

  var layout: ImageLayout {
    switch self {
    case .images: .stack
    case .volume: .volume
    case .volumes: .volumes
    }
  }
}
