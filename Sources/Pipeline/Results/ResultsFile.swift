import Foundation
import HDF5
import Host
import ImageFiles
import Imaging
import JobFiles
import Settings
import Uncertainty

/// The parts of a results file besides the datasets of the prediction. One process writes them.
enum ResultsFile {
  static let format = "tutti results"

  /// What a results file says of itself.
  struct Header {
    var job: UInt64
    var name: String
    var form: AnswerForm
    /// Of the classes of images that are told beside; nil when none are.
    var classForm: AnswerForm?
    var classes: [String]
    /// How tiles were put together (`TileWork.identity`).
    var tiling: String
    /// Whether members' answers are means over flips.
    var averagesFlips: Bool
    /// Images of the input, or slices of the volume, that the prediction holds.
    var indices: [Int]
    /// The extents of each image; nil when they are all alike.
    var extents: [Extents]?
    /// The distance of voxels along z, y and x; nil where it is not known.
    var voxelSize: [Length?]
    /// Of each member its `answerHash`.
    var members: [UInt64]
    /// Maps of statistics over members; nil: there are none.
    var statistics: StatisticsSection?
    /// What of the prediction is there, and in which form.
    var results: ResultsForm
  }

  /// Makes the groups readable by NeXus tools: `@default` chain, signal, axes.
  static func describe(_ file: File, _ header: Header) throws {
    try file.setAttribute("default", "entry")
    try file.setAttribute("format", format)
    let entry = try file.group("entry")
    try entry.setAttribute("NX_class", "NXentry")
    try entry.setAttribute("default", "prediction")
    try entry.setAttribute("job", header.job)
    try entry.write(title(header.name), to: "title")
    try describe(try entry.group("prediction"), header.form, header)
    try entry.group("prediction").setAttribute("tiling", header.tiling)
    try entry.group("prediction").setAttribute("members", header.members)
    if header.averagesFlips { try entry.group("prediction").setAttribute("augment", "flips") }
    try header.results.describe(try entry.group("prediction"))
    if let form = header.classForm { try describe(try entry.group("classification"), form, header) }
    if try entry.exists("aggregate") { try describe(try entry.group("aggregate"), header.form, header) }
    if let statistics = header.statistics {
      let group = try entry.group("statistics")
      try group.setAttribute("NX_class", "NXcollection")
      try group.setAttribute("settings", statistics.settingValue.canonicalText)
      for map in statistics.datasets {
        let dataset = try group.dataset(map.name)
        try dataset.setAttribute("long_name", map.meaning)
        if let quantiles = map.quantiles { try dataset.setAttribute("quantiles", quantiles) }
      }
    }
    if try entry.exists("latent") {
      let latent = try entry.group("latent")
      try latent.setAttribute("NX_class", "NXdata")
      try latent.setAttribute("signal", "latent")
      let extents = try latent.dataset("latent").shape
      try latent.setAttribute("axes", ["member", "image", "channel"] + ["z", "y", "x"].suffix(extents.count - 3))
      try latent.dataset("latent").setAttribute("long_name", "what each member reduces the image to")
    }
  }

  /// The title of the results of a job with a name.
  static func title(_ name: String) -> String { "\(name): ensemble prediction" }

  /// Describes the datasets of one kind of answers.
  private static func describe(_ prediction: Group, _ form: AnswerForm, _ header: Header) throws {
    try prediction.setAttribute("NX_class", "NXdata")
    // Without the mean the labels are shown, which have no axis of classes.
    let hasMean = try prediction.exists("mean")
    let signal = hasMean ? "mean" : "labels"
    try prediction.setAttribute("signal", signal)
    let names = hasMean ? form.axes : form.axes.filter { $0 != form.channelAxis }
    try prediction.setAttribute("axes", names)
    let shown = try prediction.dataset(signal)
    let shape = try shown.shape
    let isOne = header.members.count == 1
    if hasMean {
      let isCombined = prediction.path.hasSuffix("/aggregate")
      let what =
        isOne ? "of a single member" : isCombined ? "of a learned combination of the members" : "over the members"
      let kind = form.task.hasClasses ? "probability " : isOne ? "answer " : ""
      try shown.setAttribute("long_name", (isOne ? "" : "mean ") + kind + what)
    }
    let meanings = [
      "mean_errors": isOne ? "NaN: a single member has no spread" : "standard deviation over the members",
      "labels": "most likely class; the first of equals",
      "set": "1 where the class is in the prediction set",
      "set_size": "number of classes in the prediction set",
      "doubt": "0 where the prediction set is of one class, 1 where it is empty or of several",
      "quantiles": "predicted quantiles, each its mean over the members",
      "lower": "lower bound of the prediction interval", "upper": "upper bound of the prediction interval",
      "composite": "measured values, the mean where there are none",
      "measured": "1 where something was measured, else 0",
      "composite_lower": "lower bound, or the measured value", "composite_upper": "upper bound, or the measured value",
    ]
    for (name, meaning) in meanings.sorted(by: { $0.key < $1.key }) where try prediction.exists(name) {
      try prediction.dataset(name).setAttribute("long_name", meaning)
    }
    if try prediction.exists("quantiles") {
      try prediction.dataset("quantiles").setAttribute("quantiles", form.quantiles)
    }
    for (axis, name) in names.enumerated() {
      var values = Array(0..<shape[axis])
      if name == (form.layout.isOneImage ? "z" : "image") { values = header.indices }
      let scale: Dataset
      if let distance = ["z", "y", "x"].firstIndex(of: name).flatMap({ header.voxelSize[$0] }) {
        scale = try prediction.write(values.map { Double($0) * distance.value }, to: name)
        try scale.setAttribute("units", distance.plainUnit)
      } else {
        scale = try prediction.write(values.map(Int32.init), to: name)
      }
      try scale.makeScale(name)
      try prediction.setAttribute("\(name)_indices", Int32(axis))
      try shown.attach(scale, toAxis: axis)
    }
    try prediction.write(header.indices.map(Int32.init), to: "indices")
    if let extents = header.extents, !form.pixelAxes.isEmpty {
      let lists = extents.map { form.layout.hasDepth ? $0.list(dimensions: 3) : $0.list(dimensions: 2) }
      try prediction.write(
        lists.joined().map(Int32.init), shape: [lists.count, form.pixelAxes.count], to: "extents"
      ).setAttribute("long_name", "extents of each image along \(form.pixelAxes.joined(separator: ", "))")
    }
    if form.task.hasClasses { try prediction.write(header.classes, to: "class_names") }
  }

  /// Whether a group of answers has their spread over members: a single member has none.
  static func hasSpread(_ prediction: Group) throws -> Bool {
    guard try prediction.exists("mean_errors") else { return false }
    // Earlier programs do not tell the members.
    return try !prediction.hasAttribute("members") || prediction.attributes("members", as: UInt64.self).count != 1
  }

  /// The distance of voxels along z, y and x as the axes of a prediction have it; nil along those that have no unit, or one
  /// place alone.
  static func voxelSize(of prediction: Group) throws -> [Length?] {
    try ["z", "y", "x"].map { axis in
      guard try prediction.exists(axis) else { return nil }
      let scale = try prediction.dataset(axis)
      guard try scale.hasAttribute("units") else { return nil }
      let values = try scale.read(as: Double.self)
      // Slices of a volume may be some of many.
      let steps = zip(values, values.dropFirst()).map { $1 - $0 }.filter { $0 > 0 }
      let unit = Length.unit(try scale.attribute("units", as: String.self))
      return steps.min().map { Length(Length($0, unit).rounded, unit) }
    }
  }

  /// Writes the distance of voxels beside a table, so that its lengths, areas and volumes can be told in voxels.
  ///
  /// - Parameter sizes: along the axes; where one is not known, or they have no common unit, all are 1 voxel or pixel.
  static func writeVoxelSize(_ sizes: [Length?], _ axes: [String], to group: Group) throws {
    let unit = sizes.last.flatMap { $0?.unit } ?? ""
    let known = sizes.compactMap { $0?.value(in: unit) }
    let isKnown = known.count == sizes.count && !unit.isEmpty
    let dataset = try group.write(isKnown ? known : sizes.map { _ in 1 }, to: "voxel_size")
    let pixel = axes.count == 3 ? "voxels" : "pixels"
    try dataset.setAttribute("units", isKnown ? Length(1, unit).plainUnit : pixel)
    try dataset.setAttribute("long_name", "distance of neighbours along \(axes.joined(separator: ", "))")
  }

  /// The names of the axes of a mean, whether one is there or not.
  static func axes(of prediction: Group) throws -> [String] {
    var names = try prediction.attributes("axes", as: String.self)
    if try !prediction.exists("mean"), try prediction.exists("class_names"), !names.isEmpty {
      names.insert("class", at: 1)
    }
    return names
  }

  /// The dataset that is shown of a prediction: the mean, or the labels.
  static func signal(of prediction: Group) throws -> String {
    try prediction.attribute("signal", as: String.self)
  }

  /// The maps of statistics that results have; nil when they have none.
  static func statistics(of entry: Group) throws -> StatisticsSection? {
    guard try entry.exists("statistics"), try entry.group("statistics").hasAttribute("settings") else { return nil }
    let text = try entry.group("statistics").attribute("settings", as: String.self)
    return try StatisticsSection(settingValue: try JSONDecoder().decode(SettingValue.self, from: Data(text.utf8)))
  }

  /// The job that results belong to.
  static func job(of file: File) throws -> UInt64 {
    guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == format else {
      throw RunError.notResults(file.name, problem: "it has no such format attribute")
    }
    return try file.group("entry").attribute("job", as: UInt64.self)
  }
}

extension [Region] {
  /// The extents of each image, where they differ; nil when all are alike, or of runs of slices of one volume.
  func extents(in layout: ImageLayout) -> [Extents]? {
    let all = map(\.extents)
    return layout.isOneImage || all.allSatisfy { $0 == all[0] } ? nil : all
  }
}

extension RunPaths {
  /// Gives unfinished results their checksum and their name, and what readers of XDMF need beside them. Rank 0 alone.
  ///
  /// - Throws: `HDF5Error`, `FileError`, `RunError.file`.
  func publish() throws {
    try ChecksumTrailer.append(to: unfinished)
    try WholeFile.publish(unfinished, as: results)
    try removeUnfinished()
    try ResultsXDMF.write(beside: results)
  }
}
