import Foundation
import HDF5
import Host
import ImageFiles
import Imaging
import JobFiles

/// The objects with what is measured of each, as HDF5 and as CSV.
struct InstanceTable {
  /// One object.
  struct Row {
    var image: Int
    var number: Int
    var className: String
    var voxels: Int
    /// In the unit's power, or voxels.
    var size: Double
    /// The first and the last index along each axis.
    var box: [ClosedRange<Int>]
    var centroid: [Double]
    /// Along the principal axes, the longest first.
    var deviations: [Double]
    /// Unit vectors along the image's axes.
    var axes: [[Double]]
    var length: Double
    /// NaN where the results have no spread.
    var spread: Double
  }

  /// What the attribute `format` of a file of objects says.
  static let format = "tutti instances"

  /// How many objects there are.
  let count: Int
  /// None where objects were not measured.
  let rows: [Row]
  /// The names of the image's axes.
  private let axes: [String]
  private let unit: String?
  private let classNames: [String]

  /// What is known of the objects of a list.
  ///
  /// - Parameter measures: nil: they were not measured.
  init(_ list: InstanceList, _ source: PredictedLabels, _ measures: InstanceMeasures?) {
    axes = source.hasDepth ? ["z", "y", "x"] : ["y", "x"]
    unit = source.unit
    classNames = source.names
    self.count = list.instances.count
    guard let measures else {
      rows = []
      return
    }
    let count = axes.count
    let lengths = Array(source.voxel.suffix(count))
    rows = list.instances.enumerated().map { place, instance in
      let (part, moments) = (source.parts[instance.image], instance.moments)
      let principal = moments.principalAxes(voxel: source.voxel, volume: source.hasDepth)
      let origin = Array([part.origin, 0, 0].suffix(count))
      let (low, high) = (Array(moments.low.suffix(count)), Array(moments.high.suffix(count)))
      let centroid = Array(moments.centroid.suffix(count))
      return Row(
        image: part.number, number: instance.number, className: source.names[source.classes[Int(instance.label) - 1]],
        voxels: moments.voxels, size: Double(moments.voxels) * lengths.reduce(1, *),
        box: (0..<count).map { low[$0] + origin[$0]...high[$0] + origin[$0] },
        centroid: (0..<count).map { (centroid[$0] + Double(origin[$0])) * lengths[$0] },
        deviations: Array(principal.deviations.prefix(count)),
        axes: principal.axes.prefix(count).map { Array($0.suffix(count)) },
        length: measures.high[place] - measures.low[place],
        spread: source.hasSpread
          ? Double(measures.sums[place]) * InstanceMeasures.unit / Double(moments.voxels) : .nan)
    }
  }

  // MARK: HDF5

  /// Adds the table to a file of labels, and makes its groups readable by NeXus tools.
  func write(to file: File, _ source: PredictedLabels, _ rule: InstanceRule) throws {
    try file.setAttribute("default", "entry")
    try file.setAttribute("format", Self.format)
    let entry = try file.group("entry")
    try entry.setAttribute("NX_class", "NXentry")
    try entry.setAttribute("default", "instances")
    try entry.setAttribute("job", source.job)
    try entry.setAttribute("rule", rule.settingValue.canonicalText)
    let instances = try entry.group("instances")
    try instances.setAttribute("NX_class", "NXdata")
    try instances.setAttribute("signal", "labels")
    try instances.setAttribute("axes", source.scales.map(\.name))
    let labels = try instances.dataset("labels")
    try labels.setAttribute("long_name", "number of the object in its image; 0 of none")
    for (axis, scale) in source.scales.enumerated() {
      let dataset = try instances.write(scale.values, to: scale.name)
      if let unit = scale.unit { try dataset.setAttribute("units", unit) }
      try dataset.makeScale(scale.name)
      try labels.attach(dataset, toAxis: axis)
    }
    let table = try entry.createGroup("objects")
    try table.setAttribute("NX_class", "NXcollection")
    try table.setAttribute("count", Int64(count))
    try ResultsFile.writeVoxelSize(source.voxel.suffix(axes.count).map { Length($0, unit ?? "") }, axes, to: table)
    guard !rows.isEmpty else { return }
    let (count, width) = (rows.count, axes.count)
    func write<Scalar: HDF5Scalar>(
      _ values: [Scalar], _ name: String, _ meaning: String, shape: [Int] = [], units: String? = nil
    ) throws {
      let dataset = try table.write(values, shape: [count] + shape, to: name)
      try dataset.setAttribute("long_name", meaning)
      if let units { try dataset.setAttribute("units", units) }
    }
    let names = axes.joined(separator: ", ")
    try write(rows.map { Int32($0.image) }, "image", "image of the data, of one volume 0")
    try write(rows.map { Int32($0.number) }, "number", "number in the image, as labels have it")
    try write(rows.map { Int32(classNames.firstIndex(of: $0.className) ?? 0) }, "class", "class")
    try table.write(classNames, to: "class_names").setAttribute("long_name", "the class of each number")
    try write(rows.map { Int64($0.voxels) }, "voxels", "number of voxels")
    try write(rows.map(\.size), "size", width == 3 ? "volume" : "area", units: sizeUnit)
    try write(
      rows.flatMap { $0.box.flatMap { [Int32($0.lowerBound), Int32($0.upperBound)] } }, "box",
      "first and last index along \(names)", shape: [width, 2])
    try write(rows.flatMap(\.centroid), "centroid", "centroid along \(names)", shape: [width], units: lengthUnit)
    try write(
      rows.flatMap(\.deviations), "deviations",
      "standard deviation of the voxels along the principal axes, the longest first", shape: [width], units: lengthUnit)
    try write(
      rows.flatMap { $0.axes.flatMap { $0 } }, "principal_axes", "principal axes as unit vectors along \(names)",
      shape: [width, width])
    try write(
      rows.map(\.length), "length", "end to end: between the outermost voxels along the first principal axis",
      units: lengthUnit)
    try write(rows.map(\.spread), "mean_spread", "mean over the object of the spread of its class over the members")
  }

  private var lengthUnit: String { unit ?? (axes.count == 3 ? "voxels" : "pixels") }
  private var sizeUnit: String { unit.map { "\($0)^\(axes.count)" } ?? lengthUnit }

  // MARK: CSV

  /// Writes the table as text, one object a line.
  func write(csv path: String) throws {
    let length = unit.map { " [\($0)]" } ?? ""
    let size = unit.map { " [\($0)^\(axes.count)]" } ?? ""
    var titles = ["image", "number", "class", "voxels", (axes.count == 3 ? "volume" : "area") + size]
    titles += axes.flatMap { ["\($0) first", "\($0) last"] }
    titles += axes.map { "centroid \($0)\(length)" }
    titles += axes.indices.map { "deviation \($0 + 1)\(length)" }
    titles += axes.indices.flatMap { axis in axes.map { "axis \(axis + 1) \($0)" } }
    titles += ["length\(length)", "mean spread"]
    var text = titles.map(Self.quoted).joined(separator: ",") + "\n"
    for row in rows {
      var columns = ["\(row.image)", "\(row.number)", Self.quoted(row.className), "\(row.voxels)", "\(row.size)"]
      columns += row.box.flatMap { ["\($0.lowerBound)", "\($0.upperBound)"] }
      columns += row.centroid.map { "\($0)" } + row.deviations.map { "\($0)" }
      columns += row.axes.joined().map { "\($0)" } + ["\(row.length)", row.spread.isNaN ? "" : "\(row.spread)"]
      text += columns.joined(separator: ",") + "\n"
    }
    try WholeFile.write(path) { temporary in
      do {
        try Data(text.utf8).write(to: URL(fileURLWithPath: temporary))
      } catch {
        throw RunError.file(path, action: "written", reason: error.localizedDescription)
      }
    }
  }

  /// A text as one field (RFC 4180).
  private static func quoted(_ text: String) -> String {
    text.contains { ",\"\n\r".contains($0) } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
  }
}
