import Foundation
import HDF5
import Reports

/// The numbers of a results file as tables and charts of the page.
struct ReportFigures {
  private let entry: Group
  private let evaluation: Group
  private let classes: [String]
  private let levels: [Double]
  private let measurements: MeasurementTable?

  /// - Parameter entry: of a results file with an evaluation.
  /// - Throws: `HDF5Error`.
  init(_ entry: Group) throws {
    self.entry = entry
    evaluation = try entry.group("evaluation")
    let prediction = try entry.group("prediction")
    classes = try prediction.exists("class_names") ? prediction.readStrings("class_names") : []
    levels = try evaluation.read("level", as: Double.self)
    measurements = try MeasurementTable(in: entry)
  }

  private func numbers(_ name: String) throws -> [Double] {
    try evaluation.exists(name) ? evaluation.read(name, as: Double.self) : []
  }

  private static func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }

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
  var results: [ReportPage.Section] {
    get throws {
      var sections = [
        ReportPage.Section(
          id: "scores", title: "How good it is", text: [scoreText], tables: try [scores, confusion].compactMap { $0 }),
        ReportPage.Section(
          id: "coverage", title: "How sure it is", text: coverageText, tables: [try coverage],
          charts: try coverageChart),
      ]
      if let measurements {
        sections.append(
          ReportPage.Section(
            id: "measurements", title: "What is measured",
            text: ["Each number is the members' mean, with their spread and conformal intervals where there are any."],
            listings: [.init(title: "Measurements", text: measurements.lines.joined(separator: "\n"))]))
      }
      return sections
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
      let rows = (0..<members).map { member in
        (
          name: "member \(member)",
          cells: columns.indices.map { TextTable.number(all[$0][member * columns[$0].width + columns[$0].index]) }
        )
      }
      return .init(
        title: "Scores on the test part", columns: columns.map(\.title), rows: rows + [(name: "ensemble", cells: own)])
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
  private var units: [(name: String, words: String)] {
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

  private var coverageChart: [ReportPage.Chart] {
    get throws {
      var series = [("by pixel or image", try numbers("coverage"))]
      for unit in try units {
        series.append((unit.words, try evaluation.group(unit.name).read("mean", as: Double.self)))
      }
      guard levels.count > 1 else { return [] }
      let chart = CalibrationChart(
        title: "Coverage found against coverage asked for", levels: levels,
        series: series.map { CalibrationChart.Series(name: $0.0, values: $0.1) })
      return [
        .init(
          svg: chart.svg,
          description: "Coverage on the test part for each level asked for; the dashed line is where they are equal.")
      ]
    }
  }

  // MARK: Training

  /// How the members were trained.
  func training(_ members: [HistoryPlot.Member]) throws -> ReportPage.Section {
    let group = try entry.group("members")
    let (indices, parameters) = (try group.read("member", as: Int.self), try group.read("parameters", as: Int.self))
    let losses = try group.read("final_loss", as: Double.self)
    let fingerprints =
      try group.exists("fingerprint") ? group.read("fingerprint", as: UInt64.self).map { String($0, radix: 16) } : []
    let rows = indices.indices.map { index in
      (
        name: "member \(indices[index])",
        cells: ["\(parameters[index])", TextTable.number(losses[index])]
          + (fingerprints.isEmpty ? [] : [fingerprints[index]])
      )
    }
    var charts: [ReportPage.Chart] = []
    if !members.isEmpty {
      charts.append(
        .init(
          svg: HistoryPlot(title: "Training of the members", members: members).svg,
          description: "Loss, validation scores and learning rate of each member over the epochs."))
    }
    if let time = try timeOfRanks() { charts.append(time) }
    return .init(
      id: "training", title: "How it was trained",
      tables: [
        .init(
          title: "Members", columns: ["parameters", "final loss"] + (fingerprints.isEmpty ? [] : ["fingerprint"]),
          rows: rows)
      ], charts: charts)
  }

  /// What each rank did in the training; nil when this run trained nothing.
  private func timeOfRanks() throws -> ReportPage.Chart? {
    guard try entry.exists("provenance/time_use") else { return nil }
    let dataset = try entry.dataset("provenance/time_use")
    let (values, phases) = (try dataset.read(as: Double.self), try dataset.attributes("phases", as: String.self))
    let bars = (0..<values.count / max(1, phases.count)).map {
      (name: "rank \($0)", values: Array(values[$0 * phases.count..<($0 + 1) * phases.count]))
    }
    let picture = StackedBars(title: "Time of each rank in training", unit: "s", kinds: phases, bars: bars)
    return .init(svg: picture.svg, description: "Seconds of each rank in training, by what it did.")
  }

  // MARK: Reproduction

  /// What it was made with, and how to make it again.
  func reproduction(_ results: String, job: String) throws -> ReportPage.Section {
    let group = try entry.group("provenance")
    var rows: [(name: String, cells: [String])] = []
    for name in ["date", "host", "processor", "mpi", "blas"] where try group.exists(name) {
      let lines = try group.readStrings(name).joined(separator: " ")
      rows.append((name, [String(lines.prefix { $0 != "\n" }.prefix(90))]))
    }
    for name in ["seed", "numerics", "ranks", "threads"] where try group.exists(name) {
      rows.append((name, ["\(try group.dataset(name).readScalar(as: Int64.self))"]))
    }
    return .init(
      id: "reproduce", title: "How to make it again",
      text: [
        "The same job file and data give the same results, bit for bit, on any number of ranks and threads of one kind of "
          + "processor. The numbers of this page stand in \(URL(fileURLWithPath: results).lastPathComponent).",
        "Method: Tutti; the networks and their ensembles follow E. J. Roberts et al., DLSIA: Deep Learning for "
          + "Scientific Image Analysis (2024).",
      ], tables: [.init(title: "Where and when", columns: [""], rows: rows)],
      listings: [.init(title: "The job file", text: job)])
  }
}
