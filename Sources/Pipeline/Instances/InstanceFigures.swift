import HDF5
import Host
import Reports

/// What a file of objects says of each class: how many there are, how large and long, and how they lie.
struct InstanceFigures {
  /// The objects of one class.
  struct OfClass {
    var name: String
    /// Of each object.
    var sizes: [Double]
    /// From end to end, of each object.
    var lengths: [Double]
  }

  /// Those that have objects, in the order of the data's classes.
  let classes: [OfClass]
  let sizeUnit: String
  let lengthUnit: String
  /// The directions of volumes; nil where they were not looked at.
  let directions: SVGPicture?

  /// Whether a file is of objects.
  static func isOfObjects(_ file: File) throws -> Bool {
    try file.hasAttribute("format") && file.attribute("format", as: String.self) == InstanceTable.format
  }

  /// Whether a file is there, and of objects.
  static func isOfObjects(_ path: String) -> Bool {
    RunPaths.exists(path) && (try? File.with(path) { try isOfObjects($0) }) == true
  }

  /// The rule by which the objects were told apart, as JSON; nil where it is not told.
  static func rule(of entry: Group) throws -> String? {
    try entry.hasAttribute("rule") ? try entry.attribute("rule", as: String.self) : nil
  }

  /// The objects' numbers in a file of objects.
  ///
  /// - Returns: nil when there is no such file, or it is of another job.
  /// - Throws: `HDF5Error`.
  static func labels(_ path: String, job: UInt64) throws -> Dataset? {
    guard RunPaths.exists(path) else { return nil }
    let file = try File(opening: path)
    guard try isOfObjects(file), try file.group("entry").attribute("job", as: UInt64.self) == job else { return nil }
    return try file.dataset("entry/instances/labels")
  }

  /// Reads a file that `InstanceSearch` wrote.
  ///
  /// - Parameter job: the fingerprint that the file must have; nil: any.
  /// - Returns: nil when it is of another job.
  /// - Throws: `HDF5Error`.
  init?(_ path: String, job: UInt64? = nil) throws {
    try ChecksummedFile.verify(path)
    let file = try File(opening: path)
    defer { try? file.close() }
    let entry = try file.group("entry")
    guard try job == nil || entry.attribute("job", as: UInt64.self) == job else { return nil }
    directions = try InstanceOrientations.picture(in: entry)
    let table = try entry.group("objects")
    guard try table.exists("number") else {
      (classes, sizeUnit, lengthUnit) = ([], "", "")
      return
    }
    let (names, numbers) = (try table.readStrings("class_names"), try table.read("class", as: Int.self))
    let (sizes, lengths) = (try table.read("size", as: Double.self), try table.read("length", as: Double.self))
    classes = names.indices.compactMap { name in
      let own = numbers.indices.filter { numbers[$0] == name }
      return own.isEmpty
        ? nil : OfClass(name: names[name], sizes: own.map { sizes[$0] }, lengths: own.map { lengths[$0] })
    }
    sizeUnit = try table.dataset("size").attribute("units", as: String.self)
    lengthUnit = try table.dataset("length").attribute("units", as: String.self)
  }

  /// The charts of a figure; none where there are no objects, or no directions.
  func charts(_ figure: ReportFigure) -> [ReportFigures.Drawn] {
    switch figure {
    case .lengths where !classes.isEmpty:
      let chart = HistogramChart(
        title: "Length of objects, from end to end", xLabel: lengthUnit, yLabel: "objects",
        series: classes.map { ($0.name, $0.lengths) })
      let words = classes.map {
        "\($0.lengths.count) of \($0.name), median \(TextTable.number($0.lengths.median ?? .nan)) \(lengthUnit)"
      }
      return [(chart.picture, "How long objects are: \(words.joined(separator: "; ")).")]
    case .directions:
      return directions.map {
        [($0, "The share of pairs of voxels in each direction that are both of objects: yellow is how objects extend.")]
      } ?? []
    default: return []
    }
  }

  /// The section of the page.
  var section: ReportPage.Section {
    let rows = classes.map { own in
      (
        name: own.name,
        cells: ["\(own.sizes.count)"]
          + [own.sizes.median, own.lengths.median, own.lengths.max()].map { $0 ?? .nan }.map(TextTable.number)
      )
    }
    return ReportPage.Section(
      id: "objects", title: "Objects",
      text: ["Connected pixels of one class, each measured. The table of all of them stands beside the results."],
      tables: [
        .init(
          title: "Objects of each class",
          columns: [
            "objects", "median size [\(sizeUnit)]", "median length [\(lengthUnit)]", "longest [\(lengthUnit)]",
          ],
          rows: rows)
      ],
      charts: [ReportFigure.lengths, .directions].flatMap(charts).map {
        .init($0.picture, description: $0.description)
      })
  }
}
