import Ensembles
import Foundation
import Host
import ImageFiles
import Imaging
import Networks
import Settings
import Training
import Uncertainty

extension JobFile {
  /// What settings must hold together. A setting that is wrong by itself is not looked at again.
  static func checkTogether(_ values: SettingValue, _ reader: inout SettingReader) {
    func report(_ path: String, _ message: String) { reader.report(reader.line(of: path), path, message) }

    checkData(values, report)
    checkResults(values, report)
    if let ranks = values["ensemble.ranks-per-member"]?.integer, let batch = values["training.batch"]?.integer,
      let shards = values["training.shards"]?.integer, shards > 0, shards <= batch
    {
      // Samples do not always divide into as many shards as asked for.
      let size = (batch + shards - 1) / shards
      let most = (batch + size - 1) / size
      if ranks > most {
        report(
          "ensemble.ranks-per-member",
          "\(ranks) ranks cannot share a batch of \(most) shard\(most == 1 ? "" : "s"); write at most \(most), or raise "
            + "training.shards")
      }
    }
    if let batch = values["training.batch"]?.integer, let shards = values["training.shards"]?.integer, shards > batch {
      report(
        "training.shards",
        "a batch of \(batch) cannot be cut into \(shards) shards; write at most \(batch), or a larger "
          + "batch")
    }
    if let minimum = values["ensemble.minimum-members"]?.integer {
      if let members = values["ensemble.members"]?.integer, minimum > members {
        report("ensemble.minimum-members", "there are only \(members) members; write at most as many")
      }
      if values["ensemble.aggregate"] != nil {
        report(
          "ensemble.minimum-members",
          "ensemble.aggregate combines the answers of all members, so none is left out; remove one of the two settings")
      }
    }
    if let settings = values["training.optimizer"], let optimizer = try? OptimizerSettings(settingValue: settings),
      let error = optimizer.method.contradiction
    {
      report("training.optimizer.\(error.path)", error.problem)
    }
    for coverage in values["uncertainty.coverage"]?.list?.compactMap(\.number) ?? [] {
      do throws(UncertaintyError) {
        _ = try Coverage(coverage)
      } catch {
        report("uncertainty.coverage", String(error.description.trimmingPrefix("uncertainty.coverage: ")))
      }
    }
    if let repeated = firstRepeated(values["uncertainty.coverage"]?.list) {
      report("uncertainty.coverage", "\(repeated) stands twice")
    }
    checkAxes(values, report)
    if !reader.problems.contains(where: { $0.path.hasPrefix("network") }) { checkNetwork(values, report) }
  }

  private static func checkData(_ values: SettingValue, _ report: (String, String) -> Void) {
    let classes = values["data.classes"]?.list
    if let repeated = firstRepeated(classes) { report("data.classes", "class ‘\(repeated)’ stands twice") }
    if let ignore = values["data.ignore"]?.integer, let classes, classes.indices.contains(ignore) {
      report("data.ignore", "\(ignore) is the label of class ‘\(classes[ignore])’; another number must be ignored")
    }
    if case .section(let map)? = values["data.labels-map"] {
      if let classes, let other = map.values.compactMap(\.integer).max(), other >= classes.count {
        report("data.labels-map", "there is no class \(other); data.classes names 0 to \(classes.count - 1)")
      }
      if let ignore = values["data.ignore"]?.integer, map["\(ignore)"] != nil {
        report("data.labels-map", "label \(ignore) is ignored (data.ignore); remove one of the two")
      }
    }
    if let axes = values["data.axes"]?.text {
      let isKnown = axes.allSatisfy { "tzyxci".contains($0) } && Set(axes).count == axes.count
      if !isKnown || !axes.contains("y") || !axes.contains("x") {
        report("data.axes", "‘\(axes)’ are not axes; write y, x and any of t, z, c, i once each")
      }
    }
    if let repeated = firstRepeated(values["data.channels"]?.list) {
      report("data.channels", "\(repeated) stands twice")
    }
    for text in values["data.invalid"]?.list ?? [] where text.text.flatMap({ InvalidValues($0) }) == nil {
      report("data.invalid", "‘\(text)’ names no values; write negative, nan or a number")
    }
    if values["data.valid-channel"]?.boolean == true, values["data.valid"] == nil, values["data.invalid"] == nil {
      report("data.valid-channel", "nothing says which pixels were measured; write data.valid or data.invalid too")
    }
    for text in values["data.voxel-size"]?.list ?? [] where text.text.flatMap({ Length($0) }) == nil {
      report("data.voxel-size", "‘\(text)’ is not a length; write a number above 0 and a unit, as in 50 nm")
    }
    let parts = ["train", "validate", "calibrate", "test"]
    let marks = parts.compactMap { values["data.split.\($0)"] }.filter { $0.integer != nil || $0.text != nil }
    if let repeated = firstRepeated(marks) {
      report("data.split", "\(repeated) stands for two of train, validate, calibrate and test; they must differ")
    }
    let fractions = parts.compactMap { values["data.split.\($0)"]?.number }
    let sum = fractions.reduce(0, +)
    if fractions.count == 4, sum > 1 + 1e-9 {
      let shown = fractions.filter { $0 > 0 }.map { SettingValue.number($0).description }.joined(separator: " + ")
      report("data.split", "\(shown) is above 1; train, validate, calibrate and test are parts of the images")
    }
  }

  /// Lists with one value an axis must fit the images.
  private static func checkAxes(_ values: SettingValue, _ report: (String, String) -> Void) {
    if let text = values["memory"]?.text, ByteCount(text) == nil {
      report("memory", "‘\(text)’ is no amount of memory; write one as 2GiB, 500MB or 1.5TiB")
    }
    guard let volume = values["data.volume"]?.boolean else { return }
    let planes = values["data.planes"]?.list
    if planes != nil, !volume {
      report("data.planes", "planes are those of a volume (volume: true); a stack of images has none")
    }
    if let repeated = firstRepeated(planes) { report("data.planes", "\(repeated) stands twice") }
    if planes != nil, values["prediction.latent"]?.boolean == true {
      report("prediction.latent", "slices of a volume have no common latent values; remove data.planes or this setting")
    }
    for path in [
      "data.patch", "network.kernel", "network.pooling", "prediction.tile", "prediction.margin", "uncertainty.block",
      "data.voxel-size",
    ] {
      guard let count = values[path]?.list?.count else { continue }
      let isOfPlanes = ["data.patch", "network.kernel", "network.pooling"].contains(path)
      if volume, planes != nil, isOfPlanes {
        if count != 2 { report(path, "needs 2 values (rows, columns) for the planes of a volume, not \(count)") }
      } else if volume, count != 3 {
        report(path, "needs 3 values (z, y, x) for a volume, not \(count)")
      } else if !volume, count == 3 {
        report(path, "needs 2 values (y, x) for a stack of images, not 3; or is this a volume (volume: true)?")
      } else if !volume, count == 1 {
        report(path, "needs 2 values (y, x) for a stack of images, not 1")
      }
    }
  }

  /// Whether the family can make a network of its settings.
  private static func checkNetwork(_ values: SettingValue, _ report: (String, String) -> Void) {
    guard let settings = values["network"], let volume = values["data.volume"]?.boolean else { return }
    do {
      if let min = settings["parameters.min"]?.integer, let max = settings["parameters.max"]?.integer, min > max {
        report("network.parameters", "min (\(min)) is above max (\(max))")
      }
      // Whether networks keep bounds of parameters depends on the images' channels, which only the data tell.
      let unbounded = settings.removing(["parameters"])
      let family = try NetworkFamily(settingValue: unbounded)
      let graph = try family.graph(
        inputChannels: 1, outputChannels: 6, dimensions: volume && values["data.planes"] == nil ? 3 : 2, seed: 0,
        member: 0)
      if values["prediction.latent"]?.boolean == true, graph.taps[NetworkGraph.latent] == nil {
        report("prediction.latent", "\(family.name) has no latent values; autoencoders have")
      }
      if values["classifier"] != nil, graph.taps[NetworkGraph.latent] == nil {
        report("classifier", "\(family.name) has no latent values to tell classes from; autoencoders have")
      }
    } catch let error as NetworkSettingError {
      report(
        "network.\(error.setting)", error.problem.hasSuffix(".") ? String(error.problem.dropLast()) : error.problem)
    } catch {
      report("network", "\(error)")
    }
  }

  private static func firstRepeated(_ values: [SettingValue]?) -> SettingValue? {
    var seen = Set<SettingValue>()
    return values?.first { !seen.insert($0).inserted }
  }

  /// What is written of a prediction must be there, and be enough for who reads it.
  private static func checkResults(_ values: SettingValue, _ report: (String, String) -> Void) {
    guard let section = values["results"].flatMap({ try? Job.ResultsSection(settingValue: $0) }),
      let task = values["task"]?.text.flatMap(EnsembleTask.init)
    else { return }
    if let repeated = firstRepeated(values["results.write"]?.list) {
      report("results.write", "\(repeated) is named twice")
    }
    if let wanted = section.write {
      for quantity in wanted where quantity.isOfClasses.map({ $0 != task.hasClasses }) == true {
        report(
          "results.write",
          "\(quantity.rawValue) is of \(task.hasClasses ? "values" : "classes"), and \(task.rawValue) answers with "
            + "\(task.hasClasses ? "classes" : "values"); remove it")
      }
      if !wanted.contains(.mean), !(task.hasClasses && wanted.contains(.labels)) {
        report(
          "results.write",
          "nothing shows what is predicted; add mean" + (task.hasClasses ? ", or labels" : ""))
      }
      if values["output"]?.text?.hasSuffix(".zarr") == true, !wanted.contains(.mean) {
        report("results.write", "the OME-Zarr of the output is the mean's; add mean, or name an output .h5")
      }
      if values["instances"] != nil, task.hasClasses, !wanted.contains(.labels) {
        report("results.write", "instances are found in the labels; add labels, or remove the section instances")
      }
    }
    guard section.numberType == .uint8 else {
      if section.range != nil { report("results.range", "is of number-type: uint8 alone; remove it") }
      return
    }
    switch section.range {
    case nil where !task.hasClasses:
      report("results.number-type", "8 bits need the values' range; add results.range, as in range: [0, 4000]")
    case .some where task.hasClasses:
      report("results.range", "probabilities are from 0 to 1; remove it")
    case .some(let range) where range[0] >= range[1]:
      report("results.range", "the first number must be less than the second")
    default: break
    }
  }

  // MARK: Files

  /// Whether the files to read exist and the file to write can be written.
  static func checkFiles(_ values: SettingValue, in folder: String, _ reader: inout SettingReader) {
    for path in [
      "data.images", "data.labels", "data.targets", "data.mask", "data.valid", "data.groups", "data.split.dataset",
      "prediction.kinds",
    ] {
      guard let data = values[path].flatMap({ try? DataPath(settingValue: $0) }) else { continue }
      for location in data.location(in: folder).all {
        if let message = obstacle(to: location) { reader.report(reader.line(of: path), path, message) }
      }
    }
    if let output = values["output"]?.text, let message = obstacle(to: output, in: folder) {
      reader.report(reader.line(of: "output"), "output", message)
    }
  }

  /// Why a file cannot be read, or nil.
  private static func obstacle(to location: ArrayLocation) -> String? {
    let (file, name) = (location.file, location.name)
    var isFolder: ObjCBool = false
    if ArrayFile.isSeries(location) { return nil }
    if !FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) {
      let meant = neighbour(of: file).map { "; did you mean ‘\(sibling($0, of: name))’?" } ?? " (looked for \(file))"
      return "no such file: \(name)\(meant)"
    }
    if isFolder.boolValue { return "\(name) is a folder; name a file" }
    guard FileManager.default.isReadableFile(atPath: file) else {
      return "\(name) cannot be read; check its permissions"
    }
    return nil
  }

  private static func sibling(_ name: String, of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return name }
    return path[...slash] + name
  }

  /// Why the results cannot be written there, or nil.
  private static func obstacle(to output: String, in folder: String) -> String? {
    let manager = FileManager.default
    let location = Job.outputFile(output, in: folder)
    let ending = output.lowercased().split(separator: ".").last.map(String.init) ?? ""
    if ["tif", "tiff", "npy", "mrc", "nii", "png"].contains(ending), output.contains(".") {
      return
        "results are one HDF5 file, whose figures, sets and checksums other formats have no place for; write "
        + "\(output.dropLast(ending.count))h5, and then ‘tutti export … --what mean --to \(output)’"
    }
    var isFolder: ObjCBool = false
    let isFolderThere = manager.fileExists(atPath: location, isDirectory: &isFolder) && isFolder.boolValue
    if output.hasSuffix("/") || isFolderThere && ending != "zarr" {
      return
        "\(output) is a folder; name a file in it, as in \(output.hasSuffix("/") ? output : output + "/")results.h5"
    }
    // Missing folders are made: the nearest that is there decides.
    var parent = URL(fileURLWithPath: location).deletingLastPathComponent()
    while !manager.fileExists(atPath: parent.path, isDirectory: &isFolder), parent.path != "/" {
      parent.deleteLastPathComponent()
    }
    guard isFolder.boolValue else { return "\(parent.path) is a file, so \(output) cannot be written below it" }
    guard manager.isWritableFile(atPath: parent.path) else {
      return "the folder \(parent.path) cannot be written; choose another, or change its permissions"
    }
    return nil
  }
}
