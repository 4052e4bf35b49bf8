import Ensembles
import Imaging

/// What the task says of other settings.
extension JobFile {
  /// The settings of `data` that only some tasks have.
  private static func needs(_ task: EnsembleTask) -> (required: [String], optional: [String]) {
    switch task {
    case .segmentation, .classification: (["labels", "classes"], ["ignore"])
    case .regression: (["targets"], ["mask", "target-scaling"])
    case .autoencoder: ([], ["mask", "target-scaling"])
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
        reader.line(of: "data"), "data.\(key)", "missing; \(task.rawValue) needs \(Setting.meaning(of: "data.\(key)"))")
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
    if task.answersImages {
      if values["data.volume"]?.boolean == true {
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
    if let method = values["uncertainty.method"]?.text.flatMap({ Job.UncertaintySettings.Method(rawValue: $0) }) {
      let others = Job.UncertaintySettings.Method.allCases.filter { $0.isOfClasses == task.hasClasses }
      if method.isOfClasses != task.hasClasses {
        reader.report(
          reader.line(of: "uncertainty.method"), "uncertainty.method",
          "\(method.rawValue) is not of this task; write \(SettingReader.either(others.map(\.rawValue)))")
      } else if method == .normalizedResidual, values["ensemble.members"]?.integer == 1 {
        reader.report(
          reader.line(of: "uncertainty.method"), "uncertainty.method",
          "one member has no spread to normalize by; write residual, or train more members")
      }
    }
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
    fill("training.loss", task.hasClasses ? "cross-entropy" : "mse")
    let hasSpread = (values["ensemble.members"]?.integer ?? 1) > 1
    fill("uncertainty.method", task.hasClasses ? "lac" : hasSpread ? "normalized-residual" : "residual")
    return values
  }
}

extension Job {
  /// Pixels from one blind pixel to the next when nothing else is said.
  static let blindSpacing = 4
}

extension Setting {
  /// What a setting of the job file means; empty for none.
  static func meaning(of path: String) -> String {
    var settings = job
    var meaning = ""
    for key in path.split(separator: ".") {
      guard let setting = settings.first(where: { $0.key == key }) else { return "" }
      meaning = setting.meaning
      if case .section(let inner) = setting.kind { settings = inner }
    }
    return meaning
  }
}
