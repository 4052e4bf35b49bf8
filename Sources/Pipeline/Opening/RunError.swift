import Ensembles
import Host
import Imaging
import JobFiles

/// Why a run cannot begin or go on.
public enum RunError: Error, Hashable, Sendable {
  /// The results exist already.
  case outputExists(String)
  case noFolder(String, reason: String)
  /// Ranks were given different jobs.
  case differentJobs
  /// Ranks run different programs.
  case differentPrograms
  /// A member is to be trained by more ranks than there are.
  case tooFewRanks(Int, ranksPerMember: Int)
  /// Members that failed, by number, with their causes; the others are trained.
  case membersFailed([Int: String], of: Int)
  case noMembers(folder: String)
  case noCalibration(String)
  case noResults(String)
  case notResults(String, problem: String)
  case otherJob(String)
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
  /// Pictures have another format than this file's ending says.
  case pictureFormat(String)
  case wrongChannels(String, channels: Int, expected: Int)
}

extension RunError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .outputExists(let path):
      return "\(path) exists already; give --overwrite to replace it, or name another output in the job file."
    case .noFolder(let path, let reason):
      return "the folder \(path) cannot be written: \(reason). Make it, or name another output in the job file."
    case .differentJobs:
      return """
        the ranks do not have the same job: the job file or its data differ between nodes. \
        Give all ranks the same files.
        """
    case .differentPrograms:
      return """
        the ranks do not run the same program: the file of tutti differs between nodes. \
        Install the same one on all nodes.
        """
    case .tooFewRanks(let ranks, let wanted):
      return """
        ensemble.ranks-per-member is \(wanted), but there \(ranks == 1 ? "is 1 rank" : "are \(ranks) ranks"). \
        Start at least \(wanted) (mpirun -n \(wanted)), or write a smaller number or auto.
        """
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
    case .noCalibration(let path):
      return "there is no calibration at \(path); run ‘tutti calibrate’ on the job first."
    case .noResults(let path):
      return "there are no results at \(path); run ‘tutti predict’ on the job first."
    case .notResults(let path, let problem):
      return "\(path) is not a results file of tutti: \(problem)."
    case .otherJob(let path):
      return """
        \(path) was made by another job: data or settings differ. \
        Run the stages before again, give --overwrite, or name another output in the job file.
        """
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
    case .pictureFormat(let path):
      return "\(path): pictures are written as SVG, which browsers show and turn into other formats; name a file.svg."
    case .wrongChannels(let path, let channels, let expected):
      return "\(path) has \(channels) channels, but the members were trained on images of \(expected)."
    case .file(let path, let action, let reason):
      return "\(path) could not be \(action): \(reason)."
    }
  }
}
