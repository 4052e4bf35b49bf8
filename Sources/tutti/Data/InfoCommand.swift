import ArgumentParser
import ImageFiles
import Pipeline

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Tell what a file of images holds.",
    discussion: """
      Format, shape, axes, type, chunks, compression, voxel size, range, and the share of each label. Of a file or folder \
      that holds several arrays, all of them. Of members, checkpoints, calibrations and results what they are.

        tutti info data/cement.h5
        tutti info 'scan/*.tif' --preview middle.png
      """)

  @Argument(help: "path[:dataset][[slices]], a folder or a pattern.", completion: .file())
  var source: String

  @Option(help: "Write a picture of the middle plane (PNG).", completion: .file(extensions: ["png"]))
  var preview: String?

  @OptionGroup(title: "Output") var figures: FigureOptions

  func run() throws {
    Session.alone {
      let candidates = try ArrayFile.candidates(at: ArrayLocation(source))
      var told: [Told] = []
      for place in candidates.prefix(Self.most) {
        do {
          told += try Self.told(place, preview: preview)
        } catch {
          guard candidates.count > 1 else { throw error }
          Session.note("\(error)")
        }
      }
      if candidates.count > Self.most { Session.note("\(candidates.count - Self.most) more files are not told.") }
      try figures.tell(told, text: told.map(\.description).joined(separator: "\n"))
    }
  }

  /// The most files of a folder that are told.
  private static let most = 32

  private static func told(_ place: ArrayLocation, preview: String?) throws -> [Told] {
    var own: [Told] = []
    if place.others.isEmpty, place.dataset == nil, let file = try OwnFile(place.file) {
      own = [.own(file)]
      if !file.hasImages, preview == nil { return own }
    }
    return own + (try ArrayFile.summaries(of: place, preview: preview).map { .array($0) })
  }

  /// One of this program's own files, or an array.
  private enum Told: Encodable, CustomStringConvertible {
    case own(OwnFile)
    case array(ArraySummary)

    var description: String {
      switch self {
      case .own(let file): file.description
      case .array(let summary): summary.description
      }
    }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .own(let file): try file.encode(to: encoder)
      case .array(let summary): try summary.encode(to: encoder)
      }
    }
  }
}
