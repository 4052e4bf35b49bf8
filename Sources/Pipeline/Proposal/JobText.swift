import Ensembles
import Foundation
import Imaging
import JobFiles

/// A job file as it is written: lines of YAML, each with a comment beside it.
struct JobText {
  private struct Line {
    var text: String
    var comment: String
  }

  private var lines: [Line] = []
  /// The column where comments begin, if the line ends before.
  private static let column = 58
  private static let width = 120

  /// Adds a line.
  ///
  /// - Parameter comment: why it is so; empty: nothing is said.
  mutating func add(_ text: String, _ comment: String = "") { lines.append(Line(text: text, comment: comment)) }

  /// The file's text: comments beside their lines, or above where there is no room.
  var text: String {
    lines.map { line in
      guard !line.comment.isEmpty else { return line.text + "\n" }
      let beside =
        line.text + String(repeating: " ", count: max(2, Self.column - line.text.count)) + "# " + line.comment
      if beside.count <= Self.width { return beside + "\n" }
      let indent = String(line.text.prefix { $0 == " " })
      return "\(indent)# \(line.comment)\n\(line.text)\n"
    }.joined()
  }

  /// A text as a value of YAML, in quotes where it needs them.
  static func quoted(_ text: String) -> String {
    let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "/._-:".contains($0) }
    let isPlain =
      plain && text.first.map { $0.isLetter || $0 == "/" || $0 == "." } == true && !text.contains(": ")
      && !text.hasSuffix(":") && !["true", "false", "yes", "no", "null", "on", "off"].contains(text.lowercased())
    return isPlain ? text : "'" + text.replacing("'", with: "''") + "'"
  }
}

extension JobProposal {
  /// The job file.
  ///
  /// - Parameter file: what commands call it.
  func text(file: String) -> String {
    var job = JobText()
    job.add("# \(purpose). Written by ‘tutti new’ from the data; change what you know better.")
    job.add("#")
    let width = "tutti check \(file)".count + 3
    for (command, meaning) in [
      ("tutti check \(file)", "what will be done, and how long it takes"),
      ("tutti run \(file)", "does it; the same command goes on after an interruption"),
    ] { job.add("#     " + command.padding(toLength: width, withPad: " ", startingAt: 0) + meaning) }
    job.add("#")
    job.add("# docs/job-file.md explains every key.")
    job.add("tutti: \(Job.formVersion)")
    job.add("name: \(JobText.quoted(name))")
    job.add("task: \(survey.task.rawValue)", taskReason)
    addData(to: &job)
    job.add("network: \(network.text)", network.reason)
    job.add(
      "ensemble: {members: \(members)}",
      "their mean answers, their spread is doubt" + (members < 5 ? "; 5 are better, and slower" : ""))
    job.add("training:")
    job.add("  epochs: \(epochs)", epochsReason)
    job.add("  batch: \(batch)", "patches of a step")
    job.add("  optimizer: {name: adam, rate: \(network.rate)}", "lower the rate if the loss jumps or becomes no number")
    job.add("  schedule: {name: cosine}", "falls to 0 by the last epoch")
    job.add("  loss: \(loss.text)", loss.reason)
    if survey.task != .selfSupervised, augmentation.text != "{}" {
      job.add("  augmentation: \(augmentation.text)", augmentation.reason)
    }
    if validates { job.add("  keep: best", "the weights of the epoch that is best on the validation part") }
    if survey.task == .autoencoder { job.add("prediction: {latent: true}", "the codes stand in the results too") }
    job.add("uncertainty: \(uncertainty.text)", uncertainty.reason)
    if survey.task == .segmentation || survey.task == .binary {
      job.add("# measurements: [fraction, count, mean-size]", "with intervals, for each image: remove the first #")
    }
    if let memory {
      job.add("memory: \(JobText.quoted("\(memory)"))", "what it may take: network and batch fit in it")
    }
    job.add("output: \(JobText.quoted(output))")
    return job.text
  }

  private func addData(to job: inout JobText) {
    job.add("data:")
    job.add("  images: \(JobText.quoted(survey.images.text))", imagesReason)
    if let answer = survey.answer {
      let key = survey.task.hasClasses ? "labels" : "targets"
      job.add("  \(key): \(JobText.quoted(answer.text))", answerReason)
    }
    if let axes = survey.axes { job.add("  axes: \(axes)", "what the axes of the array are") }
    if let groups = survey.groups {
      job.add(
        "  groups: \(JobText.quoted(groups.text))", "found in the file: \(survey.groupCount) sources, none torn apart")
    }
    let layout = ["images", "volume", "volumes"][survey.layout == .stack ? 0 : survey.layout == .volume ? 1 : 2]
    job.add("  layout: \(layout)", survey.layoutReason)
    if survey.isFlat { job.add("  planes: [xy]", "2-D networks see slice by slice") }
    if survey.task.hasClasses {
      let labels = survey.classLabels.map(String.init).joined(separator: ", ")
      job.add("  classes: [\(classNames.joined(separator: ", "))]", "of the labels \(labels): give them their names")
      if !survey.labelMap.isEmpty {
        let map = survey.classLabels.map { "\($0): \(survey.labelMap[$0] ?? 0)" }
        job.add("  labels-map: {\(map.joined(separator: ", "))}", "the class of each label in the file")
      }
      if let ignore = survey.ignore { job.add("  ignore: \(ignore)", "the label of pixels that nobody labelled") }
    }
    if survey.isUneven { job.add("  scaling: image", "brightness differs from image to image: each by itself") }
    job.add("  split: \(split.text)", split.reason)
    if survey.task != .classification, survey.task != .autoencoder {
      job.add("  patch: [\(patch.map(String.init).joined(separator: ", "))]", patchReason)
    }
  }

  private var purpose: String {
    let what =
      survey.layout == .stack
      ? "\(survey.imageCount) \(survey.imageCount == 1 ? "image" : "images")"
      : survey.layout == .volume ? "a volume" : "\(survey.imageCount) volumes"
    return switch survey.task {
    case .segmentation, .binary: "The class of every \(survey.layout.hasDepth ? "voxel" : "pixel") of \(what)"
    case .classification: "The class of each of \(what)"
    case .regression: "From \(what) to others"
    case .autoencoder: "A code for each of \(what)"
    case .selfSupervised:
      "\(what.prefix(1).uppercased() + what.dropFirst()) without noise, learnt from the noisy ones alone"
    }
  }

  private var taskReason: String {
    switch survey.task {
    case .segmentation, .binary: "labels name the class of every pixel"
    case .classification: "there is one label an image"
    case .regression: "there is an image to learn for each image"
    case .autoencoder: "as was asked for"
    case .selfSupervised: "without labels or targets; give them to ‘tutti new’ by --labels or --targets"
    }
  }

  private var imagesReason: String {
    let extents = survey.layout.text(survey.extents)
    let channels = survey.channels == 1 ? "" : ", \(survey.channels) channels"
    let count = survey.layout == .volume ? "" : "\(survey.imageCount) of \(survey.smallest == nil ? "" : "up to ")"
    return "\(count)\(extents)\(channels)" + (intensities.isEmpty ? "" : ", \(intensities)")
  }

  private var answerReason: String {
    guard survey.task.hasClasses else { return survey.answer?.note ?? "" }
    let shares = zip(survey.classLabels, survey.shares).map { label, share in
      "\(label): \(String(format: share < 0.1 ? "%.1f" : "%.0f", 100 * share)) %"
    }
    let note = survey.answer?.note ?? ""
    let known = survey.labels.reduce(0) { $0 + $1.value }
    let unknown =
      survey.known < known
      ? String(format: "; %.1f %% are labelled", 100 * Double(survey.known) / Double(max(1, known))) : ""
    return (note.isEmpty ? "" : note + "; ") + shares.joined(separator: ", ") + unknown
  }

  private var patchReason: String {
    let whole = survey.extents.list(dimensions: patch.count)
    return patch == whole ? "all of an image at a time" : "what a network sees in training at a time"
  }
}
