import Ensembles
import Foundation
import HDF5
import Networks
import Reports

/// The numbers of a results file as tables and charts of the page.
struct ReportFigures {
  let entry: Group
  let evaluation: Group
  let classes: [String]
  let levels: [Double]
  let measurements: MeasurementTable?
  /// Where objects of the results stand.
  private let instances: String
  /// Whether these are the classes of images that are told beside another answer.
  let isBeside: Bool

  /// - Parameters:
  ///   - entry: of a results file with an evaluation.
  ///   - path: of the file, for messages.
  /// - Throws: `HDF5Error`; `RunError.notInResults` without an evaluation.
  init(_ entry: Group, of path: String) throws {
    guard try entry.exists("evaluation") else {
      let there = try ["prediction", "calibration", "members"].filter { try entry.exists($0) }
      throw RunError.notInResults(path, "evaluation (‘tutti evaluate’ makes it)", there: there)
    }
    self.entry = entry
    evaluation = try entry.group("evaluation")
    let prediction = try entry.group("prediction")
    classes = try prediction.exists("class_names") ? prediction.readStrings("class_names") : []
    levels = try evaluation.read("level", as: Double.self)
    measurements = try MeasurementTable(in: entry)
    instances = RunPaths(results: path).instances
    isBeside = false
  }

  /// The classes of images that are told beside the answers of `other`; nil when none are.
  private init?(beside other: ReportFigures) throws {
    guard !other.isBeside, try other.evaluation.exists("classification") else { return nil }
    entry = other.entry
    evaluation = try other.evaluation.group("classification")
    classes = try entry.group("classification").readStrings("class_names")
    levels = other.levels
    measurements = nil
    instances = other.instances
    isBeside = true
  }

  /// The objects beside the results; nil when there are none of this job.
  var objects: InstanceFigures? {
    get throws {
      guard !isBeside, RunPaths.exists(instances) else { return nil }
      return try InstanceFigures(instances, job: try entry.attribute("job", as: UInt64.self))
    }
  }

  func numbers(_ name: String) throws -> [Double] {
    try evaluation.exists(name) ? evaluation.read(name, as: Double.self) : []
  }

  static func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }

  /// The figures that one looks for first.
  var headline: String {
    guard let (score, name) = try? score, let level = levels.indices.last else { return "" }
    let coverage = (try? numbers("coverage")) ?? []
    guard coverage.indices.contains(level), coverage[level].isFinite else {
      return "\(name): \(TextTable.number(score))."
    }
    let what = classes.isEmpty ? "intervals" : "sets"
    return
      "\(name): \(TextTable.number(score)). Prediction \(what) that shall hold \(Self.percent(levels[level])) of the "
      + "truth hold \(Self.percent(coverage[level])) of it."
  }

  private var score: (Double, String) {
    get throws {
      classes.isEmpty
        ? (try numbers("mae").first ?? .nan, "Mean absolute error")
        : (try numbers("f1_macro").first ?? .nan, "F1 macro")
    }
  }

  /// Scores, coverage, and what is measured.
  ///
  /// - Parameter thumbnails: PNG files of images by their place in the predictions, asked for where they are shown.
  func results(thumbnails: () throws -> [Int: [UInt8]] = { [:] }) throws -> [ReportPage.Section] {
    let suffix = isBeside ? "-classes" : ""
    let whose = isBeside ? ", the classes of images" : ""
    var sections = [
      ReportPage.Section(
        id: "scores" + suffix, title: "How good it is" + whose, text: [scoreText],
        tables: try [scores, confusion].compactMap { $0 }, charts: try drawn(.confusion)),
      ReportPage.Section(
        id: "coverage" + suffix, title: "How sure it is" + whose, text: coverageText, tables: [try coverage],
        charts: try drawn(.coverage, .units, .setSizes)),
    ]
    if try evaluation.exists("confidence") {
      sections.append(
        ReportPage.Section(
          id: "confidence" + suffix, title: "Whether probabilities are right" + whose, text: confidenceText,
          tables: [try confidence], charts: try drawn(.reliability, .errorRejection)))
    }
    if let measurements {
      sections.append(
        ReportPage.Section(
          id: "measurements", title: "What is measured",
          text: ["Each number is the members' mean, with their spread and conformal intervals where there are any."],
          charts: try drawn(.measurements),
          listings: [.init(title: "Measurements", text: measurements.lines.joined(separator: "\n"))]))
    }
    if let objects = try objects, !objects.classes.isEmpty { sections.append(objects.section) }
    if try evaluation.exists("latent") { sections.append(try latentSection(thumbnails: try thumbnails())) }
    if let beside = try ReportFigures(beside: self) { sections += try beside.results() }
    return sections
  }

  /// The map of latent values, and how far kinds lie apart.
  ///
  /// - Parameter thumbnails: PNG files of images by their place in the predictions.
  private func latentSection(thumbnails: [Int: [UInt8]]) throws -> ReportPage.Section {
    let charts = try latentChart(thumbnails: thumbnails).map {
      ReportPage.Chart($0.picture, description: $0.description)
    }
    let numbers = try entry.read("members/member", as: Int.self)
    var tables: [ReportPage.Table] = []
    if let latent = try LatentFigures(in: evaluation), !latent.kinds.isEmpty {
      tables.append(
        .init(
          title: "Latent values of each member",
          columns: LatentFigures.Space.allCases.flatMap { ["silhouette in \($0.title)", "neighbour of the same kind"] }
            + ["variance of the components"],
          rows: latent.members.enumerated().map { place, member in
            let found = LatentFigures.Space.allCases.flatMap { space in
              member.separations[space].map { [$0.silhouette, $0.purity] } ?? [.nan, .nan]
            }
            return (
              name: "member \(numbers.indices.contains(place) ? numbers[place] : place)",
              cells: (found + [member.share]).map(TextTable.number)
            )
          }))
    }
    return .init(
      id: "latent", title: "What images are reduced to",
      text: [
        "Images that the network holds for alike lie near each other. Point at one, or go to it by the tabulator, to enlarge it. "
          + "The silhouette is 1 where kinds lie far apart, 0 where they touch. In a map by UMAP neighbours are neighbours, and "
          + "distances between clouds say little."
      ], tables: tables, alternatives: charts)
  }

  private var confidenceText: [String] {
    [
      "Of pixels whose likeliest class has a probability of 0.8, eight of ten should be right. The expected calibration error "
        + "(ECE) is how far they are from it on average.",
      "Where doubt finds errors, leaving out the least sure pixels leaves fewer errors among the others.",
    ]
  }

  /// Single numbers about probabilities.
  private var confidence: ReportPage.Table {
    get throws {
      let group = try evaluation.group("confidence")
      let known = [
        ("calibration_error", "expected calibration error (ECE)"),
        ("adaptive_calibration_error", "the same over bins of equal count"), ("brier", "Brier score"),
        ("negative_log_likelihood", "negative log-likelihood"), ("risk_area", "area under error rejection (AURC)"),
        ("error_detection", "wrong pixels found by spread (AUROC)"),
        ("error_detection_by_confidence", "wrong pixels found by confidence (AUROC)"),
      ]
      let rows = try known.filter { try group.exists($0.0) }.map { name, words in
        (name: words, cells: [TextTable.number(try group.read(name, as: Double.self)[0])])
      }
      return .init(title: "Probabilities of the ensemble", columns: [""], rows: rows)
    }
  }

  private var scoreText: String {
    classes.isEmpty
      ? "Errors of the members and of their mean (the ensemble) against the target images of the test part."
      : "Agreement of the likeliest class with the labels of the test part, pixel by pixel or image by image."
  }

  private var scores: ReportPage.Table {
    get throws {
      typealias Column = (title: String, name: String, index: Int, width: Int)
      var columns: [Column]
      if classes.isEmpty {
        let channels = try numbers("mae").count
        columns = (0..<channels).flatMap { channel in
          [("MSE", "mse"), ("MAE", "mae"), ("PSNR", "psnr"), ("Pearson", "correlation")].map {
            (channels > 1 ? "\($0.0) \(channel)" : $0.0, $0.1, channel, channels)
          }
        }
      } else {
        let count = classes.count
        columns = [("F1 micro", "f1_micro", 0, 1), ("F1 macro", "f1_macro", 0, 1)]
        for (index, name) in classes.enumerated() {
          columns += [("Dice \(name)", "dice", index, count), ("IoU \(name)", "iou", index, count)]
        }
      }
      let own = try columns.map { column in TextTable.number(try numbers(column.name)[column.index]) }
      let all = try columns.map { try numbers("member_" + $0.name) }
      let members = columns.first.map { all[0].count / $0.width } ?? 0
      let numbersOfMembers = try entry.read("members/member", as: Int.self)
      let rows = (0..<members).map { member in
        (
          name: "member \(numbersOfMembers.indices.contains(member) ? numbersOfMembers[member] : member)",
          cells: columns.indices.map { TextTable.number(all[$0][member * columns[$0].width + columns[$0].index]) }
        )
      }
      let combined = try columns.map { column in
        let values = try numbers("aggregate_" + column.name)
        return values.indices.contains(column.index) ? TextTable.number(values[column.index]) : "–"
      }
      let hasCombined = try columns.first.map { try evaluation.exists("aggregate_" + $0.name) } ?? false
      return .init(
        title: "Scores on the test part", columns: columns.map(\.title),
        rows: rows + [(name: "ensemble", cells: own)] + (hasCombined ? [(name: "aggregate", cells: combined)] : []))
    }
  }

  private var confusion: ReportPage.Table? {
    get throws {
      guard !classes.isEmpty, try evaluation.exists("confusion") else { return nil }
      let counts = try evaluation.read("confusion", as: Int64.self)
      let rows = classes.indices.map { truth in
        (name: classes[truth], cells: classes.indices.map { "\(counts[truth * classes.count + $0])" })
      }
      return .init(
        title: "Confusion of the ensemble: in rows the labels, in columns the likeliest class", columns: classes,
        rows: rows)
    }
  }

  /// The kinds of units whose coverages are in the file, with the words for them.
  var units: [(name: String, words: String)] {
    get throws {
      try [("block", "by block"), ("image", "by image"), ("group", "by group")].filter { try evaluation.exists($0.0) }
    }
  }

  private var coverageText: [String] {
    let what = classes.isEmpty ? "intervals hold the true value" : "sets hold the true class"
    return [
      "Coverage is the share of the test part whose prediction \(what). It should come near the level asked for; the "
        + "calibration part, from which the thresholds are, decides how near.",
      "Pixels of one image are not exchangeable: a coverage by pixel says little of the next image. Coverage by block and "
        + "by image is the mean over those, each counted once.",
    ]
  }

  private var coverage: ReportPage.Table {
    get throws {
      let found = try numbers("coverage")
      var columns: [(String, [Double])] = [("coverage", found)]
      for unit in try units {
        let group = try evaluation.group(unit.name)
        columns.append((unit.words, try group.read("mean", as: Double.self)))
        columns.append(("lowest \(unit.name)", try group.read("lowest", as: Double.self)))
      }
      let others = [("mean_set_size", "mean set size"), ("empty_share", "empty sets"), ("mean_width", "mean width")]
      columns += try others.filter { try evaluation.exists($0.0) }.map { ($0.1, try numbers($0.0)) }
      let byClass = try numbers("coverage_by_class")
      for (index, name) in classes.enumerated() where byClass.count == levels.count * classes.count {
        columns.append(("of \(name)", levels.indices.map { byClass[$0 * classes.count + index] }))
      }
      return .init(
        title: "Coverage at each level", columns: columns.map(\.0),
        rows: levels.indices.map { level in
          (name: "\(levels[level])", cells: columns.map { TextTable.number($0.1[level]) })
        })
    }
  }

  // MARK: Training

  /// How the members were trained.
  func training(_ members: [TrainedMember]) throws -> ReportPage.Section {
    let group = try entry.group("members")
    let (indices, parameters) = (try group.read("member", as: Int.self), try group.read("parameters", as: Int.self))
    let losses = try group.read("final_loss", as: Double.self)
    let fingerprints =
      try group.exists("fingerprint") ? group.read("fingerprint", as: UInt64.self).map { String($0, radix: 16) } : []
    let weak = try group.exists("weak") ? group.readStrings("weak") : []
    let validates = members.contains { $0.history.contains { $0.validationLoss != nil } }
    let hasRemarks = weak.contains { !$0.isEmpty }
    var columns = ["parameters", "epochs", "final loss"]
    if validates { columns.append("least validation loss") }
    if !fingerprints.isEmpty { columns.append("fingerprint") }
    if hasRemarks { columns.append("remark") }
    let rows = indices.enumerated().map { index, number -> (name: String, cells: [String]) in
      let history = members.first { $0.index == number }?.history ?? []
      var cells = ["\(parameters[index])", "\(history.count)", TextTable.number(losses[index])]
      if validates { cells.append(TextTable.number(history.compactMap(\.validationLoss).min() ?? .nan)) }
      if !fingerprints.isEmpty { cells.append(fingerprints[index]) }
      if hasRemarks {
        let reason = weak.indices.contains(number) ? weak[number] : ""
        cells.append(reason.isEmpty ? "" : "did not learn: \(reason)")
      }
      return ("member \(number)", cells)
    }
    var charts: [ReportPage.Chart] = []
    if !members.isEmpty {
      let histories = members.map { HistoryPlot.Member(name: "member \($0.index)", history: $0.history) }
      charts.append(
        .init(
          HistoryPlot(title: "Training of the members", members: histories).picture,
          description: "Loss, validation scores and learning rate of each member over the epochs."))
    }
    charts += try drawn(.ranks)
    return .init(
      id: "training", title: "How it was trained",
      tables: [.init(title: "Members", columns: columns, rows: rows)], charts: charts,
      drawings: try drawings(of: members))
  }

  /// All drawings of networks together, in bytes of the page, and how many there are at most.
  private static let (mostDrawingBytes, mostDrawings) = (500_000, 12)

  /// A drawing of each different network.
  private func drawings(of members: [TrainedMember]) throws -> [ReportPage.Chart] {
    var groups: [(member: TrainedMember, numbers: [Int])] = []
    for member in members {
      if let place = groups.firstIndex(where: { $0.member.graph == member.graph }) {
        groups[place].numbers.append(member.index)
      } else {
        groups.append((member, [member.index]))
      }
    }
    var bytes = 0
    return try groups.prefix(Self.mostDrawings).compactMap { member, numbers in
      let title =
        numbers.count == 1 ? "member \(numbers[0])" : "members \(numbers.map(String.init).joined(separator: ", "))"
      let drawing = try NetworkPicture(
        title: title.count > 40 ? "all members" : title, graph: member.graph, extents: member.settings.patch)
      let chart = ReportPage.Chart(drawing.picture, description: drawing.description)
      guard bytes + chart.bytes <= Self.mostDrawingBytes else { return nil }
      bytes += chart.bytes
      return chart
    }
  }

  // MARK: Reproduction

  /// What it was made with, and how to make it again.
  ///
  /// - Parameter file: of the job.
  func reproduction(_ results: String, job: String, file: String) throws -> ReportPage.Section {
    let group = try entry.group("provenance")
    var rows: [(name: String, cells: [String])] = []
    for name in ["date", "version", "host", "processor", "mpi", "blas"] where try group.exists(name) {
      let lines = try group.readStrings(name).joined(separator: " ")
      rows.append((name, [String(lines.prefix { $0 != "\n" }.prefix(90))]))
    }
    for name in ["seed", "numerics", "ranks", "threads"] where try group.exists(name) {
      rows.append((name, ["\(try group.dataset(name).readScalar(as: Int64.self))"]))
    }
    let output = URL(fileURLWithPath: results).lastPathComponent
    return .init(
      id: "reproduce", title: "How to make it again, and cite it",
      text: [
        "The same job file and data give the same results, bit for bit, on any number of ranks and threads of one kind of "
          + "processor. The numbers of this page stand in \(output), in /entry.",
        "To cite the networks and their ensembles: E. J. Roberts, T. Chavez, A. Hexemer, P. H. Zwart, DLSIA: Deep Learning "
          + "for Scientific Image Analysis, 2023, arXiv:2308.02559. Trained, calibrated and evaluated by Tutti \(tuttiVersion).",
      ], tables: [.init(title: "Where and when", columns: [""], rows: rows)],
      listings: [
        .init(
          title: "Commands",
          text: """
            tutti run \(file) --overwrite
            tutti report \(file)
            tutti plot \(results) --figure coverage -o coverage.svg
            tutti picture \(results) --layers image,mean,spread -o picture.svg
            """),
        .init(title: "The job file", text: job),
      ])
  }
}
