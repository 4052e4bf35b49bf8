import Ensembles
import Imaging
import Settings
import Training
import Uncertainty

/// What the task says of other settings.
extension JobFile {
  /// The settings of `data` that only some tasks have.
  private static func needs(_ task: EnsembleTask) -> (required: [String], optional: [String]) {
    switch task {
    case .segmentation, .binary, .classification:
      (["labels", "classes"], ["ignore", "labels-map", "scaling", "transform", "valid-channel"])
    case .regression:
      (["targets"], ["mask", "target-scaling", "target-transform", "scaling", "transform", "valid-channel"])
    case .autoencoder: ([], ["labels", "classes", "ignore", "labels-map", "targets", "mask", "target-scaling"])
    case .selfSupervised: ([], ["targets", "mask", "target-scaling"])
    }
  }

  /// Sees that the data settings are those of the task.
  static func checkTask(_ values: SettingValue, _ reader: inout SettingReader) {
    guard let task = values["task"]?.text.flatMap({ EnsembleTask(rawValue: $0) }) else { return }
    let own = needs(task)
    let all = Set(EnsembleTask.allCases.flatMap { needs($0).required + needs($0).optional })
    for key in own.required where reader.lines["data.\(key)"] == nil && values["data"] != nil {
      reader.report(
        reader.line(of: "data"), "data.\(key)",
        "missing; \(task.rawValue) needs \(SettingDeclaration.meaning(of: "data.\(key)"))")
    }
    for key in all.sorted() where !(own.required + own.optional).contains(key) {
      guard let line = reader.lines["data.\(key)"] else { continue }
      let tasks = EnsembleTask.allCases.filter { (needs($0).required + needs($0).optional).contains(key) }
      reader.report(
        line, "data.\(key)",
        "\(task.rawValue) has no such setting; it belongs to \(SettingReader.either(tasks.map(\.rawValue)))")
    }
    if task != .selfSupervised, let line = reader.lines["training.blind-spacing"] {
      reader.report(line, "training.blind-spacing", "only self-supervised tasks have blind pixels")
    }
    if let line = reader.lines["prediction.kinds"], values["prediction.latent"]?.boolean != true {
      reader.report(
        line, "prediction.kinds", "kinds are told of latent values; write latent: true, or remove this setting")
    }
    if task.answersImages {
      if values["output"]?.text?.hasSuffix(".zarr") == true {
        reader.report(reader.line(of: "output"), "output", "classes of images are no image; name a file.h5")
      }
      if isOneImage(values) {
        reader.report(
          reader.line(of: "data.volume"), "data.volume", "a volume is one image; classify a stack (volume: false)")
      }
      for path in ["prediction.tile", "data.overlap"] where reader.lines[path] != nil {
        reader.report(reader.line(of: path), path, "images are classified as a whole; remove this setting")
      }
      if values["data.split.by"]?.text == "pixel" {
        reader.report(
          reader.line(of: "data.split"), "data.split.by", "pixels of an image that has one class cannot be divided")
      }
    }
    if task == .binary, let classes = values["data.classes"]?.list, classes.count != 2 {
      reader.report(
        reader.line(of: "data.classes"), "data.classes",
        "binary tells 2 classes apart, not \(classes.count); write task: segmentation for more")
    }
    checkClassifier(values, task, &reader)
    checkAggregate(values, task, &reader)
    checkQuantiles(values, &reader)
    checkCombination(values, task, &reader)
    checkUncertainty(values, task, &reader)
    checkMeasurements(values, task, &reader)
    checkInstances(values, task, &reader)
    checkMasks(values, task, &reader)
    checkStatistics(values, task, &reader)
  }

  /// Sees that members answer with what statistics are taken of.
  private static func checkStatistics(_ values: SettingValue, _ task: EnsembleTask, _ reader: inout SettingReader) {
    let path = "prediction.statistics.maps"
    let maps = values[path]?.list?.compactMap { $0.text.flatMap(EnsembleStatistic.init(rawValue:)) } ?? []
    func report(_ message: String) { reader.report(reader.line(of: path), path, message) }
    if maps.contains(.entropy), !task.hasClasses {
      report("\(task.rawValue) has no classes, whose entropy this is; remove entropy")
    }
    if maps.contains(.variances), (loss(values)?.quantiles?.count ?? 0) < 3 {
      report("variances are told by predicted quantiles; write loss: quantile in training, with 3 quantiles or more")
    }
  }

  /// Sees that there are classes to make masks of, and that their promises can be kept.
  private static func checkMasks(_ values: SettingValue, _ task: EnsembleTask, _ reader: inout SettingReader) {
    let path = "uncertainty.masks"
    guard let list = values[path]?.list else { return }
    func report(_ message: String) { reader.report(reader.line(of: path), path, message) }
    guard task.hasClasses, !task.answersImages else {
      return report("\(task.rawValue) has no classes of pixels to make masks of; remove this setting")
    }
    let classes = values["data.classes"]?.list?.compactMap(\.text) ?? []
    for mask in list.compactMap({ try? Job.MaskSection(settingValue: $0) }) {
      if let name = mask.ofClass, !classes.isEmpty, !classes.contains(name) {
        report("there is no class ‘\(name)’; the classes are \(classes.joined(separator: ", "))")
      }
      if mask.kind == .dice, mask.bound == .mean {
        report(
          "1 − Dice does not fall with the threshold, so its mean has no bound; write betting or hoeffding-bentkus")
      }
      if mask.kind.isMargin, let bound = mask.bound, bound != .mean {
        report("margins hold as often as coverage says; bound \(bound.rawValue) is of other masks")
      }
    }
  }

  /// Sees that there are objects to measure.
  private static func checkMeasurements(
    _ values: SettingValue, _ task: EnsembleTask, _ reader: inout SettingReader
  ) {
    let path = "measurements"
    guard let list = values[path]?.list else { return }
    func report(_ message: String) { reader.report(reader.line(of: path), path, message) }
    guard task.hasClasses, !task.answersImages else {
      return report("\(task.rawValue) has no classes of pixels to measure; remove this setting")
    }
    let classes = values["data.classes"]?.list?.compactMap(\.text) ?? []
    let volume = values["data.volume"]?.boolean == true
    for measurement in list.compactMap({ try? ImageMeasurement(settingValue: $0) }) {
      if let name = measurement.options.ofClass, !classes.isEmpty, !classes.contains(name) {
        report("there is no class ‘\(name)’; the classes are \(classes.joined(separator: ", "))")
      }
      if let connectivity = measurement.options.connectivity, connectivity.isOfVolumes != volume {
        let own = Connectivity.allCases.filter { $0.isOfVolumes == volume }.map(\.rawValue)
        report(
          "connectivity \(connectivity.rawValue) is of \(volume ? "planes" : "volumes"); write \(SettingReader.either(own))"
        )
      }
    }
  }

  /// Sees that there are objects to tell apart.
  private static func checkInstances(_ values: SettingValue, _ task: EnsembleTask, _ reader: inout SettingReader) {
    guard let section = values["instances"], let rule = try? InstanceRule(settingValue: section) else { return }
    func report(_ path: String, _ message: String) { reader.report(reader.line(of: path), path, message) }
    guard task.hasClasses, !task.answersImages else {
      return report("instances", "\(task.rawValue) has no classes of pixels; remove this section")
    }
    let classes = values["data.classes"]?.list?.compactMap(\.text) ?? []
    if let name = rule.classes?.first(where: { !classes.contains($0) }), !classes.isEmpty {
      report("instances.classes", "there is no class ‘\(name)’; the classes are \(classes.joined(separator: ", "))")
    }
    if rule.voxels == .kept, values["prediction.statistics.maps"]?.list?.contains(where: { $0.text == "kept" }) != true
    {
      report("instances.voxels", "there is no map of what is kept; write prediction: {statistics: {maps: [kept]}}")
    }
    let volume = values["data.volume"]?.boolean == true
    if let connectivity = rule.connectivity, connectivity.isOfVolumes != volume {
      let own = Connectivity.allCases.filter { $0.isOfVolumes == volume }.map(\.rawValue)
      report(
        "instances.connectivity",
        "\(connectivity.rawValue) is of \(volume ? "planes" : "volumes"); write \(SettingReader.either(own))")
    }
  }

  /// Sees that a classifier has classes to tell, and that labels of an autoencoder's images have a classifier.
  private static func checkClassifier(
    _ values: SettingValue, _ task: EnsembleTask, _ reader: inout SettingReader
  ) {
    let line = reader.lines["classifier"]
    guard task == .autoencoder else {
      if let line { reader.report(line, "classifier", "\(task.rawValue) has none; it belongs to autoencoder") }
      return
    }
    let own = ["data.labels", "data.classes"]
    if line != nil, let targets = reader.lines["data.targets"] {
      reader.report(
        targets, "data.targets", "an autoencoder with a classifier is compared with its images; remove this setting")
    }
    guard let line else {
      for path in own + ["data.ignore"] {
        guard let line = reader.lines[path] else { continue }
        reader.report(
          line, path, "autoencoder has it for a classifier alone; write classifier: {weight: 1}, or remove this setting"
        )
      }
      return
    }
    for path in own where reader.lines[path] == nil {
      reader.report(line, path, "missing; a classifier needs \(SettingDeclaration.meaning(of: path))")
    }
    if isOneImage(values) {
      reader.report(line, "classifier", "a volume is one image; a classifier needs a stack (volume: false)")
    }
    if values["data.split.by"]?.text == "pixel" {
      reader.report(
        reader.line(of: "data.split"), "data.split.by", "pixels of an image that has one class cannot be divided")
    }
  }

  /// Sees that the members' answers can be combined pixel by pixel.
  private static func checkAggregate(
    _ values: SettingValue, _ task: EnsembleTask, _ reader: inout SettingReader
  ) {
    let path = "ensemble.aggregate"
    guard let line = reader.lines[path] else { return }
    if task.answersImages || task == .selfSupervised {
      reader.report(line, path, "\(task.rawValue) has no known pixels to learn a combination from; remove this setting")
    }
    if values["ensemble.weak-members"]?.text == Job.WeakMembers.leaveOut.rawValue {
      reader.report(line, path, "it combines all members; write weak-members: retry, or remove one of both")
    }
    if values["data.planes"] != nil {
      reader.report(
        line, path, "the answers of 2-D networks along several axes are averaged; remove data.planes or this")
    }
    if loss(values)?.input == .probabilities {
      reader.report(
        line, path, "networks that end in probabilities are not combined; write input: logits, or remove this")
    }
  }

  /// Sees that members can be averaged and weighted as is asked.
  private static func checkCombination(
    _ values: SettingValue, _ task: EnsembleTask, _ reader: inout SettingReader
  ) {
    func report(_ path: String, _ message: String) { reader.report(reader.line(of: path), path, message) }
    let average = values["ensemble.average"]?.text.flatMap(MemberCombination.Average.init(rawValue:))
    let weights = values["ensemble.weights"]?.text.flatMap(MemberWeights.init(rawValue:)) ?? .equal
    if average == .logits, !task.hasClasses {
      report("ensemble.average", "\(task.rawValue) has no classes, whose logits these are; remove this setting")
    }
    guard weights != .equal else { return }
    let path = "ensemble.weights"
    if values["ensemble.aggregate"] != nil {
      report(path, "ensemble.aggregate combines the answers of all members; remove one of the two settings")
    }
    if task == .selfSupervised {
      report(path, "\(task.rawValue) has no known pixels to weigh members by; write equal")
    }
    if weights == .stacking, average == .logits {
      report(
        path,
        "weights of each class are for probabilities, since logits are known up to a constant; write average: "
          + "probabilities, or weights: greedy")
    }
    let validates =
      values["data.split.dataset"] == nil
      ? (values["data.split.validate"]?.number ?? 0) > 0 : values["data.split.validate"] != nil
    if !validates {
      report(
        path, "\(weights.rawValue) chooses on the validation part, and there is none; write validate in data.split")
    }
  }

  /// The loss, unless it is wrong.
  private static func loss(_ values: SettingValue) -> LossSettings? {
    values["training.loss"].flatMap { try? LossSettings(settingValue: $0) }
  }

  private static func checkQuantiles(_ values: SettingValue, _ reader: inout SettingReader) {
    guard let quantiles = loss(values)?.quantiles else { return }
    let path = "training.loss.quantiles"
    if !zip(quantiles, quantiles.dropFirst()).allSatisfy({ $0 < $1 }) {
      reader.report(reader.line(of: path), path, "quantiles must ascend, as in [0.05, 0.5, 0.95]")
    } else if quantiles.count.isMultiple(of: 2) {
      reader.report(
        reader.line(of: path), path,
        "needs an odd number of quantiles, since the middle one is the prediction; add 0.5, say")
    }
  }

  /// Sees that calibration is of the task.
  private static func checkUncertainty(
    _ values: SettingValue, _ task: EnsembleTask, _ reader: inout SettingReader
  ) {
    func report(_ key: String, _ message: String) {
      reader.report(reader.line(of: "uncertainty.\(key)"), "uncertainty.\(key)", message)
    }
    if let method = values["uncertainty.method"]?.text.flatMap({ ConformalMethod(rawValue: $0) }) {
      if method.isOfClasses != task.hasClasses {
        let others = ConformalMethod.all(ofClasses: task.hasClasses).map(\.name)
        report("method", "\(method.name) is not of this task; write \(SettingReader.either(others))")
      } else if method.needs == .spread, values["ensemble.members"]?.integer == 1 {
        let other = ConformalMethod.standard(ofClasses: method.isOfClasses).name
        report("method", "one member has no spread to normalize by; write \(other), or train more members")
      } else if method.needs == .quantiles, (loss(values)?.quantiles?.count ?? 0) < 3 {
        report(
          "method",
          "\(method.name) begins from predicted quantiles; write loss: quantile in training, with 3 quantiles or more")
      }
    }
    if !task.hasClasses {
      for key in ["temperature", "lambda", "k"] where values["uncertainty.\(key)"] != nil {
        report(key, "\(task.rawValue) has no classes; remove this setting")
      }
    } else if let method = values["uncertainty.method"]?.text.flatMap({ ConformalMethod(rawValue: $0) }),
      !method.isRegularized
    {
      for key in ["lambda", "k"] where values["uncertainty.\(key)"] != nil {
        report(key, "\(method.name) has no such number; write method: raps, or remove this setting")
      }
    }
    if values["uncertainty.tuning"] != nil,
      !["temperature", "lambda", "k"].contains(where: { values["uncertainty.\($0)"]?.text == "auto" })
    {
      report("tuning", "nothing is tuned; write temperature: auto, or remove this setting")
    }
    let unit = values["uncertainty.unit"]?.text.flatMap { Job.UncertaintySection.Unit(rawValue: $0) } ?? .pixel
    let isByClass = values["uncertainty.by-class"]?.boolean == true
    if unit == .image, isOneImage(values) {
      report("unit", "a volume is one image, and images cannot be counted; write patch, or group with data.groups")
    } else if unit == .patch, task.answersImages {
      report("unit", "images are classified as a whole, and have no blocks; write image")
    } else if unit == .group, values["data.groups"] == nil {
      report("unit", "missing are the groups: data.groups names one number an image or slice")
    }
    if values["data.groups"] != nil {
      if values["data.split.by"]?.text == "pixel" {
        reader.report(
          reader.line(of: "data.groups"), "data.groups",
          "a split by pixel has every image in every part, and tears every group; write by: image")
      } else if values["data.split.stratified"]?.boolean == true {
        reader.report(
          reader.line(of: "data.split"), "data.split.stratified",
          "groups are drawn whole, and may hold images of several classes; remove stratified, or data.groups")
      }
    }
    if isByClass, !task.hasClasses { report("by-class", "\(task.rawValue) has no classes; remove this setting") }
  }

  /// Says whether images are volumes, when that is said by their layout.
  static func withLayout(_ values: SettingValue, _ reader: inout SettingReader) -> SettingValue {
    guard let layout = values["data.layout"]?.text else { return values }
    let isVolume = layout != "images"
    if let line = reader.lines["data.volume"], values["data.volume"]?.boolean != isVolume {
      reader.report(line, "data.volume", "does not go with layout: \(layout); remove one of them")
    }
    return values.setting("data.volume", to: .boolean(isVolume))
  }

  /// Whether there is one image.
  private static func isOneImage(_ values: SettingValue) -> Bool {
    values["data.volume"]?.boolean == true && values["data.layout"]?.text != "volumes"
  }

  /// Fills in what depends on the task when it is not given.
  static func withTaskDefaults(_ values: SettingValue) -> SettingValue {
    guard let task = values["task"]?.text.flatMap({ EnsembleTask(rawValue: $0) }) else { return values }
    var values = values
    func fill(_ path: String, _ value: SettingValue) {
      if values[path] == nil { values = values.setting(path, to: value) }
    }
    if !task.hasClasses { fill("data.target-scaling", .text(TargetScaling.standard.rawValue)) }
    if task == .selfSupervised { fill("training.blind-spacing", .integer(Job.blindSpacing)) }
    fill(
      "training.loss",
      .text(
        task == .binary ? BinaryCrossEntropy.name : task.hasClasses ? CrossEntropy.name : MeanSquaredError.name))
    let hasSpread = (values["ensemble.members"]?.integer ?? 1) > 1
    let hasQuantiles = (loss(values)?.quantiles?.count ?? 0) > 1
    let known: ConformalMethod.Need = hasQuantiles ? .quantiles : hasSpread ? .spread : .mean
    fill("uncertainty.method", .text(ConformalMethod.standard(ofClasses: task.hasClasses, knowing: known).name))
    return values
  }
}

extension SettingDeclaration {
  /// What a setting of the job file means; empty for none.
  static func meaning(of path: String) -> String {
    var settings = Job.declarations()
    var meaning = ""
    for key in path.split(separator: ".") {
      guard let setting = settings.first(where: { $0.key == key }) else { return "" }
      meaning = setting.meaning
      if case .section(let inner) = setting.kind { settings = inner }
    }
    return meaning
  }
}
