import Ensembles
import HDF5
import Host
import ImageFiles
import Imaging

/// What data are, as far as files tell before there is a job: which arrays serve for what, how images are to be read, what
/// labels hold.
struct DataSurvey: Hashable, Sendable {
  /// What a user says of the data.
  struct Request: Hashable, Sendable {
    var images = ""
    var labels: String?
    var targets: String?
    var task: EnsembleTask?
    var layout: ImageLayout?
    var axes: String?
    var ignore: Int?
  }

  /// An array as the job names it.
  struct Source: Hashable, Sendable {
    /// `path[:dataset][[slices]]`.
    var text: String
    var shape: [Int]
    /// What is worth a comment.
    var note = ""
  }

  var images = Source(text: "", shape: [])
  /// Labels or target images.
  var answer: Source?
  var task = EnsembleTask.selfSupervised
  var layout = ImageLayout.stack
  /// Why images are read so.
  var layoutReason = ""
  /// Letters of axes where the job must say them; nil: the file or the layout does.
  var axes: String?
  /// Neighbouring images are alike: slices of one thing.
  var isAlike = false
  /// How many images; 1 of a volume.
  var imageCount = 1
  var channels = 1
  /// Of one image; where they differ, the largest along each axis.
  var extents = Extents(z: 1, y: 1, x: 1)
  /// Where extents differ, the smallest along each axis: a patch of these fits into every image.
  var smallest: Extents?
  /// How often each label occurs, of all that were looked at.
  var labels: [Int: Int] = [:]
  /// The label of pixels that nobody labelled.
  var ignore: Int?
  /// A volume whose slices are seen by networks of two dimensions.
  var isFlat = false
  /// Which image or slice serves for what; nil: nothing says so.
  var split: Source?
  /// The different numbers that stand there.
  var splitNumbers: [Int] = []
  /// Of a volume, the longest run of slices of each number.
  var splitRuns: [Int: Int] = [:]
  /// A number for each image's or slice's source, and how many there are.
  var groups: Source?
  var groupCount = 0

  /// The class of each label, where labels are not 0, 1, …; empty: they are.
  var labelMap: [Int: Int] = [:]
  /// Images differ in brightness by more than they vary within.
  var isUneven = false

  /// The labels of the classes, in the classes' order.
  var classLabels: [Int] {
    labelMap.isEmpty
      ? Array(0...(labels.keys.filter { $0 != ignore }.max() ?? 0))
      : labelMap.keys.sorted { (labelMap[$0] ?? 0, $0) < (labelMap[$1] ?? 0, $1) }
  }

  /// How many classes there are.
  var classCount: Int { classLabels.count }

  /// How many pixels (or images) have a class.
  var known: Int { labels.reduce(0) { $0 + ($1.key == ignore ? 0 : $1.value) } }

  /// The part of each class.
  var shares: [Double] {
    classLabels.map { Double(labels[$0] ?? 0) / Double(max(1, known)) }
  }

  /// What a split divides: images, or slices of a volume.
  var things: Int { layout.isOneImage ? extents.z : imageCount }

  /// The slices that a patch of a volume can have, so that a run of slices that trains holds one, and one that validates.
  var slicesOfPart: Int {
    guard layout.isOneImage else { return extents.z }
    if split != nil { return [0, 3].compactMap { splitRuns[$0] }.min() ?? extents.z }
    // Where blocks of pixels are divided, all have all slices.
    return things < 16 ? extents.z : Int(JobProposal.mostValidation * Double(extents.z))
  }
}

extension DataSurvey {
  private static let imageNames = ["images", "image", "raw", "data", "volume", "volumes", "scan", "img", "x"]
  private static let labelNames = [
    "labels", "label", "mask", "masks", "segmentation", "segmentations", "annotation", "annotations", "classes", "y",
  ]
  private static let targetNames = ["targets", "target", "clean"]
  private static let splitNames = ["split", "parts", "part"]
  private static let groupNames = [
    "groups", "group", "person", "persons", "patient", "patients", "subject", "subjects", "subject_key", "specimen",
  ]

  /// Looks at files.
  ///
  /// - Throws: `ProposalError`, `ImageFileError`, `HDF5Error`.
  init(_ request: Request) throws {
    self.init()
    let asked = ArrayLocation(request.images)
    let siblings = (try? ArrayFile.arrays(in: asked)).flatMap { $0 } ?? []
    let found = try open(asked, siblings)
    ignore = request.ignore
    try findAnswer(request, siblings, asked)
    try findLayout(found, request)
    if let answer { try look(at: answer, request) }
    try findParts(siblings, asked)
    let isByPixel = task == .segmentation || task == .binary || task == .regression
    if layout == .stack, isAlike, split == nil, isByPixel, things >= 16, request.layout == nil {
      // Slices of one thing are divided in runs, which a split of a volume does.
      layout = .volume
      layoutReason = "neighbouring slices are alike, so that runs of them are divided; networks are 2-D"
      isFlat = true
    } else if layout == .volume, isByPixel, things >= 16, slicesOfPart < 8 {
      layoutReason = "one 3-D image, of which parts have few slices: networks are 2-D"
      isFlat = true
    }
  }

  /// Opens the images.
  private mutating func open(_ asked: ArrayLocation, _ siblings: [String]) throws -> FoundArrays {
    let found: FoundArrays
    if asked.dataset != nil || siblings.count < 2 {
      found = try FoundArrays(asked)
    } else if let name = Self.first(of: Self.imageNames, in: siblings) {
      found = try FoundArrays(asked.dataset(name))
    } else if let opened = try? FoundArrays(asked) {
      found = opened
    } else {
      throw ProposalError.noImages(asked.name, arrays: siblings)
    }
    images = Source(text: found.location.dataset == nil ? "\(asked)" : "\(found.location)", shape: found.shape)
    return found
  }

  /// Takes labels or targets: those that were given, or those of the same file that are named so.
  private mutating func findAnswer(_ request: Request, _ siblings: [String], _ asked: ArrayLocation) throws {
    let wanted = request.task
    if request.labels != nil, request.targets != nil {
      throw ProposalError.notOfTask("--labels beside --targets", task: (wanted ?? .segmentation).rawValue)
    }
    let hasClasses = wanted?.hasClasses ?? (request.targets == nil)
    if let text = request.labels ?? request.targets {
      let found = try FoundArrays(ArrayLocation(text))
      answer = Source(text: found.location.dataset == nil ? text : "\(found.location)", shape: found.shape)
    } else if wanted != .autoencoder, wanted != .selfSupervised,
      let name = Self.first(of: hasClasses ? Self.labelNames : Self.targetNames, in: siblings)
        ?? (wanted == nil ? Self.first(of: Self.targetNames, in: siblings) : nil)
    {
      let (found, array) = try ArrayFile.open(asked.dataset(name))
      answer = Source(text: "\(found)", shape: array.shape, note: "found in the file")
    }
    let isTarget = request.targets != nil || answer.map { Self.targetNames.contains(Self.last($0.text)) } == true
    if let wanted {
      task = wanted
    } else if let answer {
      task = isTarget ? .regression : answer.shape.count == 1 ? .classification : .segmentation
    } else {
      task = .selfSupervised
    }
    if answer == nil, task.hasClasses { throw ProposalError.missing("--labels", task: task.rawValue) }
    if answer == nil, task == .regression { throw ProposalError.missing("--targets", task: task.rawValue) }
    if request.labels != nil, !task.hasClasses { throw ProposalError.notOfTask("--labels", task: task.rawValue) }
    if task == .autoencoder, answer != nil { throw ProposalError.notOfTask("--targets", task: task.rawValue) }
  }

  /// Looks at what labels hold; of target images at their shape.
  private mutating func look(at answer: Source, _ request: Request) throws {
    guard task.hasClasses else { return }
    guard let counts = try FoundArrays(ArrayLocation(answer.text)).summary().counts else {
      throw ProposalError.labels(answer.text)
    }
    labels = counts
    let others = counts.keys.filter { $0 != 255 }.sorted()
    if ignore == nil, counts[255] != nil, others.count > 1, others == Array(0..<others.count) { ignore = 255 }
    let numbers = counts.keys.filter { $0 != ignore }.sorted()
    guard numbers.count > 1 else { throw ProposalError.oneNumber(answer.text, numbers.first ?? 0) }
    // Masks are often images of black and white, and scribbles begin at 1.
    if numbers != Array(0..<numbers.count) {
      labelMap = Dictionary(uniqueKeysWithValues: zip(numbers, 0...))
    }
  }

  /// Arrays of one number an image or slice: a split, and groups.
  private mutating func findParts(_ siblings: [String], _ asked: ArrayLocation) throws {
    func numbers(_ names: [String]) throws -> (Source, [Int])? {
      guard let name = Self.first(of: names, in: siblings) else { return nil }
      let (found, array) = try ArrayFile.open(asked.dataset(name))
      guard array.shape == [things], let numbers = try? array.read(as: Int.self) else { return nil }
      return (Source(text: "\(found)", shape: array.shape, note: "found in the file"), numbers)
    }
    guard asked.slices == nil else { return }
    if let (source, numbers) = try numbers(Self.splitNames), Set(numbers).isSuperset(of: [0, 1, 2]) {
      (split, splitNumbers) = (source, Set(numbers).sorted())
      var run = 0
      for (place, number) in numbers.enumerated() {
        run = place > 0 && numbers[place - 1] == number ? run + 1 : 1
        splitRuns[number] = max(splitRuns[number] ?? 0, run)
      }
    }
    if let (source, numbers) = try numbers(Self.groupNames), Set(numbers).count > 2, Set(numbers).count < numbers.count
    {
      (groups, groupCount) = (source, Set(numbers).count)
    }
  }

  /// The array that is named by the first of these names.
  private static func first(of names: [String], in arrays: [String]) -> String? {
    names.lazy.compactMap { name in arrays.first { last($0) == name } }.first
  }

  /// The last part of an array's name, in small letters.
  private static func last(_ name: String) -> String {
    String(name.lowercased().split(whereSeparator: { "/:".contains($0) }).last ?? "")
  }
}
