import Ensembles
import Host
import Imaging
import JobFiles

/// Why a run cannot begin or go on.
public enum RunError: Error, Hashable, Sendable {
  /// A signal asked the run to stop; what is done is kept.
  case stopped
  /// The results exist already.
  case outputExists(String)
  case noFolder(String, reason: String)
  /// Another process works on the results whose lock this is.
  case locked(String, process: Int32?, host: String?, since: String?, isHere: Bool)
  /// What is to be written is a file that is read.
  case outputIsInput(String, role: String, input: String, path: String)
  /// What ranks must share differs, and which rank has another than rank 0.
  case differentOnRanks(String, rank: Int)
  /// Ranks run different programs.
  case differentPrograms
  /// Members that failed, by number, with their causes; the others are trained.
  case membersFailed([Int: String], of: Int)
  case noMembers(folder: String)
  /// Members, by number, that other runs should have trained.
  case membersMissing([Int], of: Int, folder: String)
  /// Members were trained on another kind of processor, and bits are to be the same.
  case otherProcessor(String, here: String)
  /// Two files of a folder hold the same member.
  case memberTwice(Int, folder: String)
  /// Members of a folder are of different jobs.
  case mixedMembers(Int, Int, folder: String)
  case noCalibration(String)
  case noResults(String)
  /// Results have no objects beside them.
  case noInstances(String)
  /// A file of objects has none.
  case noObjects(String)
  /// A file of objects says nothing of directions.
  case noDirections(String)
  /// Results have no map of what is kept.
  case nothingKept(String)
  /// The validation part has no known pixels to choose weights of members by.
  case nothingToWeighBy(String)
  /// No pixel of the part that tunes a calibration is known.
  case nothingToTuneOn
  /// Results cannot be calibrated anew as asked.
  case cannotCalibrate(String, reason: String)
  case notResults(String, problem: String)
  /// The results hold no such quantity.
  case notInResults(String, String, there: [String])
  /// A prediction is beyond the numbers of 16 bits.
  case numberTooLarge(Double)
  /// Sets and intervals are of several coverages, or not of the one that is asked for.
  case noLevel(String, levels: [Double])
  /// The results have no such class.
  case noClass(String, String, classes: [String])
  /// A connectivity is of images of another kind.
  case connectivity(String, isOfVolumes: Bool, known: String)
  /// A file of a later stage was made from something else.
  case otherJob(String, reason: String)
  /// A member was trained from something else.
  case otherMember(String, reason: String)
  case file(String, action: String, reason: String)
  /// Tiles of these extents of a part are too small for a network.
  case tilesDoNotFit(String, Extents, ImageLayout, reason: String)
  /// There is no such member; they are counted from 0.
  case noSuchMember(Int, of: Int)
  /// Latent values are asked for of networks that have none.
  case noLatents
  /// Latent values are asked for of images that are cut into tiles.
  case latentTiles(Extents)
  /// The job lacks a setting that its task needs.
  case missing(String, task: String)
  /// The images that a task is compared with have other channels than its answers.
  case referenceChannels(String, channels: Int, expected: Int)
  /// Images of a task that sees them whole have different extents.
  case extentsDiffer(String, axes: String, task: String)
  /// Pictures have another format than this file's ending says.
  case pictureFormat(String)
  /// There is no program that makes pictures of this file's format.
  case noConverter(String)
  /// The results do not say where their job file is.
  case noJobFile(String, reason: String)
  /// Results have no such image or slice.
  case noSuchSlice(String, there: String)
  case wrongChannels(String, channels: Int, expected: Int)
  /// Images or slices to predict are asked for that are not there.
  case noSuchImages(String, option: String, things: String, count: Int)
  /// Results are those of a single member.
  case noSpread(String)
  /// New images have not the channels that the model sees.
  case noSuchChannels(reason: String, wanted: [String])
  /// An option of new images is of others.
  case otherLayout(String, option: String, things: String)
  /// New images have another number of axes than the distances of voxels that were named.
  case otherVoxelSize(String, count: Int, expected: Int)
}

extension RunError {
  /// The exit status when a rank was lost.
  static let lostStatus: CInt = 76
}

extension RunError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .stopped:
      return "stopped, as a signal asked. What is done is kept; the same command goes on from it."
    case .outputExists(let path):
      return "\(path) exists already; give --overwrite to replace it, or name another output in the job file."
    case .noFolder(let path, let reason):
      return "the folder \(path) cannot be written: \(reason). Make it, or name another output in the job file."
    case .locked(let path, let process, let host, let since, let isHere):
      let owner =
        "process \(process.map(String.init) ?? "unknown")" + (isHere ? "" : " on \(host ?? "another host")")
        + (since.map { " since \($0)" } ?? "")
      return "another run works on these results: \(owner) (\(path)). "
        + (isHere
          ? "Wait for it, or name another output in the job file."
          : "Wait for it, or remove that file if the run has ended, or name another output in the job file.")
    case .outputIsInput(let path, let role, let input, let source):
      let link = path == source ? "" : " (\(source))"
      return
        "\(role): \(path) would be written over, and is \(input)\(link), which this command reads; name another file."
    case .differentOnRanks(let what, let rank):
      return "rank \(rank) and rank 0 do not read the same: \(what). Give all ranks the same files."
    case .differentPrograms:
      return """
        the ranks do not run the same program: the file of tutti differs between nodes. \
        Install the same one on all nodes.
        """
    case .nothingToWeighBy(let rule):
      return "ensemble.weights: \(rule) chooses on the validation part, which has no known pixels; "
        + "give it images in data.split (validate), or write equal."
    case .nothingKept(let path):
      return "\(path) does not say what is kept. Write prediction: {statistics: {maps: [kept]}} in the job, and "
        + "‘tutti run JOB --overwrite’ predicts again without training; or look at all of the likeliest class."
    case .noObjects(let path): return "\(path) holds no objects; none was found, or --smallest left all out."
    case .noDirections(let path):
      return "\(path) holds no directions; ‘tutti instances --autocorrelation 30 --overwrite’ finds those of volumes."
    case .noInstances(let path):
      return "there are no objects beside \(path); ‘tutti instances \(path)’ finds them."
    case .nothingToTuneOn:
      return "the part of the calibration units that tunes temperature, lambda and k has no known pixels; "
        + "raise uncertainty.tuning, or write numbers in place of auto."
    case .membersFailed(let causes, let count):
      let lines = causes.sorted { $0.key < $1.key }.map { "member \($0.key) stopped: \($0.value)" }
      let others = count - causes.count
      let kept =
        others == 0
        ? "No member is trained. Then"
        : "The other \(others) \(others == 1 ? "member is" : "members are") trained and kept;"
      return lines.joined(separator: "\n") + "\n\(kept) run the same command again to train what is missing."
    case .noMembers(let folder):
      return "there are no trained members in \(folder); run ‘tutti train’ on the job first."
    case .membersMissing(let members, let count, let folder):
      let list = members.prefix(10).map(String.init).joined(separator: ", ") + (members.count > 10 ? ", …" : "")
      return
        "\(members.count) of \(count) members are not trained (\(list)): they are not in \(folder). Train them with "
        + "‘tutti train JOB --members K..L’, or all that are missing with ‘tutti run JOB’."
    case .otherProcessor(let trained, let here):
      return
        "members were trained on another kind of processor (\(trained); here: \(here)), and --same-bits is given. Go on "
        + "where they were trained, leave --same-bits out, or begin anew with --restart-from-scratch."
    case .memberTwice(let member, let folder):
      return "member \(member) is in \(folder) twice; remove one of the files."
    case .mixedMembers(let first, let other, let folder):
      return """
        members \(first) and \(other) in \(folder) were trained by different jobs or on different data; name the results of a \
        job, or one member's file.
        """
    case .noCalibration(let path):
      return "there is no calibration at \(path); run ‘tutti calibrate’ on the job first."
    case .noResults(let path):
      return "there are no results at \(path); run ‘tutti predict’ on the job first."
    case .cannotCalibrate(let path, let reason):
      return "\(path) cannot be calibrated so: \(reason)."
    case .notResults(let path, let problem):
      return "\(path) is not a results file of tutti: \(problem)."
    case .notInResults(let path, let what, let there):
      return
        "\(path) holds no \(what); what is there: \(there.joined(separator: ", ")). What a job writes, results.write says: "
        + "add \(what) there if the job leaves it out, and ‘tutti run JOB --overwrite’ predicts again without training."
    case .numberTooLarge(let number):
      return
        "a prediction of \(number) does not fit results.number-type: float16, whose largest number is 65504; write float32."
    case .noLevel(let path, let levels):
      return
        "\(path) holds sets or intervals of the coverages \(levels.map { "\($0)" }.joined(separator: ", ")); name one of "
        + "them (--coverage)."
    case .noClass(let path, let name, let classes):
      return "\(path) has no class or channel ‘\(name)’; there are \(classes.joined(separator: ", "))."
    case .otherJob(let path, let reason):
      return """
        \(path) \(reason). \
        Run the stages before again, give --overwrite, or name another output in the job file.
        """
    case .otherMember(let path, let reason):
      return "\(path): \(reason). Give --overwrite to train it again, or name another output in the job file."
    case .tilesDoNotFit(let part, let tile, let layout, let reason):
      return "tiles of \(layout.text(tile)) of the part ‘\(part)’ cannot be predicted: \(reason)"
    case .noSuchMember(let member, let count):
      return "there is no member \(member); the job has members 0 to \(count - 1)."
    case .noLatents: return "the networks have no latent values; autoencoders have."
    case .latentTiles(let image):
      return
        "latent values are of whole images of one size, and images of \(image) are cut into tiles; set prediction.tile to "
        + "the images' extents."
    case .missing(let setting, let task):
      return "\(setting) is missing: \(task) needs it; name the dataset."
    case .referenceChannels(let path, let channels, let expected):
      return
        "\(path) has \(channels) channels but the images have \(expected); what they are compared with has as many."
    case .connectivity(let name, let isOfVolumes, let known):
      return "connectivity \(name) is of \(isOfVolumes ? "planes" : "volumes"); write one of \(known)."
    case .extentsDiffer(let path, let axes, let task):
      return
        "\(path) holds images of different extents, \(axes), but \(task) sees whole images; crop or resize them to one."
    case .pictureFormat(let path):
      return "\(path): pictures are written as SVG, PNG or PDF; name a file.svg, .png or .pdf."
    case .noConverter(let path):
      return
        "\(path): PNG and PDF are made by rsvg-convert, which is not in PATH; install it (Debian, Ubuntu: apt install "
        + "librsvg2-bin), or name a file.svg, which browsers show."
    case .noJobFile(let path, let reason): return "\(path) \(reason); name the job file instead."
    case .noSuchSlice(let what, let there): return "the results have no \(what); they have \(there)."
    case .noSpread(let path):
      return "\(path) is the prediction of a single member, which has no spread; train more (ensemble.members)."
    case .noSuchChannels(let reason, let wanted):
      return """
        \(reason) The model sees the channels \(wanted.joined(separator: ", ")); say which these are of the new images, as \
        in --channels \((0..<wanted.count).map(String.init).joined(separator: ",")), or --channels all.
        """
    case .noSuchImages(let path, let option, let things, let count):
      return "\(path) has \(things) 0 to \(count - 1), and \(option) names others."
    case .otherLayout(let path, let option, let things):
      return "\(option) is of \(things), which \(path) is not; name a part of it as in ‘\(path)[3]’."
    case .otherVoxelSize(let path, let count, let expected):
      return
        "--voxel-size names \(count) distances, but \(path) has voxels along \(expected == 3 ? "z, y and x" : "y and x"); name "
        + "\(expected)."
    case .wrongChannels(let path, let channels, let expected):
      return "\(path) has \(channels) channels, but the members were trained on images of \(expected)."
    case .file(let path, let action, let reason):
      return "\(path) could not be \(action): \(reason)."
    }
  }
}
