import HDF5
import Reports

/// The drawings that a results file alone has the numbers for.
extension ReportFigures {
  /// A drawing, and what it shows in words.
  typealias Drawn = (picture: SVGPicture, description: String)

  /// The charts of a figure; none when the results have no such numbers, and of `training` and `network`, which need the
  /// members.
  ///
  /// - Throws: `HDF5Error`.
  func charts(_ figure: ReportFigure) throws -> [Drawn] {
    switch figure {
    case .training, .network: []
    case .confusion: try confusionChart()
    case .reliability: try reliabilityCharts()
    case .errorRejection: try rejectionChart()
    case .coverage: try coverageChart()
    case .units: try unitCharts()
    case .setSizes: try sizeChart()
    case .measurements: measurementCharts()
    case .lengths, .directions: try objects?.charts(figure) ?? []
    case .latent: try latentChart()
    case .ranks: try rankCharts()
    }
  }

  /// The charts of figures for the page.
  func drawn(_ figures: ReportFigure...) throws -> [ReportPage.Chart] {
    try figures.flatMap { try charts($0) }.map { .init($0.picture, description: $0.description) }
  }

  private static func list(_ values: [(Double, Double)]) -> String {
    values.filter { $0.1.isFinite }.map { "\($0.0): \(TextTable.number($0.1))" }.joined(separator: ", ")
  }

  private func confusionChart() throws -> [Drawn] {
    guard !classes.isEmpty, try evaluation.exists("confusion") else { return [] }
    let counts = try evaluation.read("confusion", as: Int64.self)
    let chart = MatrixChart(
      title: "True class and likeliest class", rowLabel: "true class", columnLabel: "likeliest class", names: classes,
      counts: counts)
    let right = classes.indices.map { index -> String in
      let total = counts[index * classes.count..<(index + 1) * classes.count].reduce(0, +)
      return "\(classes[index]) \(Self.percent(Double(counts[index * classes.count + index]) / Double(max(1, total))))"
    }
    return [(chart.picture, "Of each true class the share that is found as it: \(right.joined(separator: ", ")).")]
  }

  private func reliabilityCharts() throws -> [Drawn] {
    guard try evaluation.exists("confidence/accuracy") else { return [] }
    let group = try evaluation.group("confidence")
    let pixels = try group.read("pixels", as: Double.self)
    let pairs = zip(try group.read("confidence", as: Double.self), try group.read("accuracy", as: Double.self))
    let points = zip(pairs, pixels).filter { $0.1 > 0 }.map { (x: $0.0.0, y: $0.0.1) }
    guard !points.isEmpty else { return [] }
    let chart = XYChart(
      title: "Reliability of the probabilities", xLabel: "probability of the likeliest class",
      yLabel: "share that is right", xEnds: 0...1, yEnds: 0...1, series: [.init(name: "ensemble", points: points)],
      references: [.diagonal])
    let total = pixels.reduce(0, +)
    let bars = BarChart(
      title: "How sure the ensemble is", xLabel: "probability of the likeliest class, up to", yLabel: "share of pixels",
      categories: pixels.indices.map { "\(((Double($0) + 1) / Double(pixels.count) * 100).rounded() / 100)" },
      series: [("ensemble", pixels.map { $0 / max(1, total) })])
    return [
      (
        chart.picture,
        "Share of right pixels by their probability: \(Self.list(points.map { (Self.round($0.x), $0.y) }))."
      ),
      (bars.picture, "Share of pixels by the probability of their likeliest class."),
    ]
  }

  private static func tenth(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

  private static func round(_ value: Double) -> Double { (value * 100).rounded() / 100 }

  private func rejectionChart() throws -> [Drawn] {
    guard try evaluation.exists("confidence/kept") else { return [] }
    let group = try evaluation.group("confidence")
    let curve = zip(try group.read("kept", as: Double.self), try group.read("risk", as: Double.self))
      .map { (x: $0, y: $1) }
    guard let all = curve.last else { return [] }
    let chart = XYChart(
      title: "Errors among the surest", xLabel: "share of pixels that is kept, the surest first",
      yLabel: "share of wrong ones among them", xEnds: 0...1,
      series: [.init(name: "ensemble", points: curve, hasMarks: false)])
    let half = curve.last { $0.x <= 0.5 }
    return [
      (
        chart.picture,
        "Share of wrong pixels: \(Self.percent(all.y)) of all"
          + (half.map { ", \(Self.percent($0.y)) of the surest half." } ?? ".")
      )
    ]
  }

  private func coverageChart() throws -> [Drawn] {
    var series = [("by pixel or image", try numbers("coverage"))]
    for unit in try units { series.append((unit.words, try evaluation.group(unit.name).read("mean", as: Double.self))) }
    guard levels.count > 1 else { return [] }
    let chart = XYChart(
      title: "Coverage found against coverage asked for", xLabel: "asked for", yLabel: "found",
      series: series.map { name, values in
        .init(name: name, points: zip(levels, values).sorted { $0.0 < $1.0 }.map { (x: $0, y: $1) })
      }, references: [.diagonal])
    return [
      (
        chart.picture,
        "Coverage found for each level asked for: \(Self.list(Array(zip(levels, series[0].1)))). The dashed line is where "
          + "they are equal."
      )
    ]
  }

  private func unitCharts() throws -> [Drawn] {
    try units.compactMap { unit in
      let group = try evaluation.group(unit.name)
      let all = try group.read("coverage", as: Double.self)
      let count = all.count / max(1, levels.count)
      guard count > 1 else { return nil }
      let series = levels.indices.map { level -> XYChart.Series in
        let own = all[level * count..<(level + 1) * count].filter(\.isFinite).sorted()
        // A hundred points tell the curve.
        let step = max(1, own.count / 100)
        let points = stride(from: 0, to: own.count, by: step).map {
          (x: (Double($0) + 0.5) / Double(own.count), y: own[$0])
        }
        return .init(name: "\(levels[level])", points: points, hasMarks: own.count <= 40)
      }
      let chart = XYChart(
        title: "Coverage of each \(unit.name), from the lowest on", xLabel: "share of the \(unit.name)s",
        yLabel: "coverage", xEnds: 0...1, series: series, references: levels.map { .level($0) })
      let lowest = try group.read("lowest", as: Double.self)
      return (
        chart.picture,
        "Coverage of \(count) \(unit.name)s in ascending order; the lowest at each level: "
          + "\(Self.list(Array(zip(levels, lowest)))). Dashed lines are the levels."
      )
    }
  }

  private func sizeChart() throws -> [Drawn] {
    guard try evaluation.exists("set_size_histogram") else { return [] }
    let counts = try evaluation.read("set_size_histogram", as: Double.self)
    let sizes = classes.count + 1
    guard sizes > 1, counts.count == levels.count * sizes else { return [] }
    let series = levels.indices.map { level -> (name: String, values: [Double]) in
      let own = counts[level * sizes..<(level + 1) * sizes]
      let total = max(1, own.reduce(0, +))
      return ("\(levels[level])", own.map { $0 / total })
    }
    let chart = BarChart(
      title: "Classes in a prediction set", xLabel: "classes in the set", yLabel: "share of pixels",
      categories: (0..<sizes).map(String.init), series: series)
    let ones = series.map { "\($0.name): \(Self.percent($0.values[1]))" }.joined(separator: ", ")
    return [(chart.picture, "How many classes sets hold at each level. Sets of one class: \(ones).")]
  }

  private static let mostRows = 24

  private func measurementCharts() -> [Drawn] {
    guard let measurements else { return [] }
    // The units for which there are intervals, else images, else all together.
    let sections = measurements.sections
    guard
      let section = sections.first(where: { $0.name != "total" && !$0.lower.isEmpty })
        ?? sections.first(where: { $0.name != "total" && $0.numbers.count > 1 }) ?? sections.last
    else { return [] }
    let all = Array(section.numbers.indices)
    let shown =
      all.count <= Self.mostRows ? all : (0..<Self.mostRows).map { $0 * (all.count - 1) / (Self.mostRows - 1) }
    return measurements.names.indices.map { quantity in
      let rows = shown.map { unit in
        let intervals = section.lower.indices.compactMap { level -> ClosedRange<Double>? in
          let (low, high) = (section.lower[level][quantity][unit], section.upper[level][quantity][unit])
          return low <= high ? low...high : nil
        }
        let truth = section.truth[quantity][unit]
        return IntervalChart.Row(
          name: section.name == "total" ? "all images" : "\(section.name) \(section.numbers[unit])",
          mean: section.mean[quantity][unit], intervals: intervals, truth: truth.isFinite ? truth : nil)
      }
      let chart = IntervalChart(
        title: measurements.names[quantity], unit: measurements.units[quantity],
        levels: measurements.levels.map { "\($0)" }, rows: rows)
      let some = all.count > shown.count ? " (\(shown.count) of \(all.count))" : ""
      return (
        chart.picture,
        "\(measurements.names[quantity]) of each \(section.name == "total" ? "test part" : section.name)\(some): mean of the "
          + "members, intervals, and what is true where it is known. The numbers are in the table of measurements."
      )
    }
  }

  /// The maps of latent values of the first member, by UMAP and by principal components.
  ///
  /// - Parameter thumbnails: PNG files of images by their place in the predictions.
  func latentChart(thumbnails: [Int: [UInt8]] = [:]) throws -> [Drawn] {
    guard let latent = try LatentFigures(in: evaluation), let member = latent.members.first else { return [] }
    let names = Set(latent.kinds).sorted()
    let number = try entry.read("members/member", as: Int.self).first ?? 0
    let maps = [
      (LatentFigures.Space.umap, "first coordinate", "second coordinate", "a map that keeps neighbours near (UMAP)"),
      (.components, "first principal component", "second principal component", "their first two principal components"),
    ]
    return maps.compactMap { space, xLabel, yLabel, words in
      let places = member.places(space)
      guard !places.isEmpty else { return nil }
      let points = places.indices.map { index in
        let kind = latent.kinds.isEmpty ? 0 : names.firstIndex(of: latent.kinds[index]) ?? 0
        let image = latent.images[index]
        return ScatterChart.Point(
          x: places[index].x, y: places[index].y, kind: kind,
          name: "image \(image)" + (latent.kinds.isEmpty ? "" : ", kind \(latent.kinds[index])"), png: thumbnails[image]
        )
      }
      let chart = ScatterChart(
        title: "Latent values of member \(number), by \(space.title)", xLabel: xLabel, yLabel: yLabel,
        kinds: names.map { "kind \($0)" }, points: points)
      return (
        chart.picture,
        "\(points.count) images of the test part, each where its latent values lie in \(words). "
          + "\(latent.line.prefix(1).uppercased() + latent.line.dropFirst())."
      )
    }
  }

  /// What each rank did in the training; none when this run trained nothing.
  private func rankCharts() throws -> [Drawn] {
    guard try entry.exists("provenance/time_use") else { return [] }
    let dataset = try entry.dataset("provenance/time_use")
    let (values, phases) = (try dataset.read(as: Double.self), try dataset.attributes("phases", as: String.self))
    let ranks = values.count / max(1, phases.count)
    let use = StackedBars(
      title: "Time of each rank in training", unit: "s", kinds: phases,
      bars: (0..<ranks).map { ("rank \($0)", Array(values[$0 * phases.count..<($0 + 1) * phases.count])) })
    var drawn: [Drawn] = [(use.picture, "Seconds of each rank in training, by what it did.")]
    guard try entry.exists("provenance/training_seconds") else { return drawn }
    let group = try entry.group("provenance")
    let members = try group.read("trained_member", as: Int.self)
    let owners = try group.read("trained_on_rank", as: Int.self)
    let seconds = try group.read("training_seconds", as: Double.self)
    // Files of earlier programs do not tell when a training began: as if each rank had paused nowhere.
    let isKnown = try group.exists("training_started")
    var starts = isKnown ? try group.read("training_started", as: Double.self) : []
    let numbers = Set(owners).sorted()
    if !isKnown {
      var ends: [Int: Double] = [:]
      for (owner, seconds) in zip(owners, seconds) {
        starts.append(ends[owner, default: 0])
        ends[owner, default: 0] += seconds
      }
    }
    let spans = members.indices.map { index in
      SpanChart.Span(
        row: numbers.firstIndex(of: owners[index]) ?? 0, start: starts[index], end: starts[index] + seconds[index],
        name: "\(members[index])")
    }
    let line = SpanChart(
      title: "Members that each rank trained, and when", unit: "s", rows: numbers.map { "rank \($0)" }, spans: spans)
    let words = numbers.map { rank in
      let own = members.indices.filter { owners[$0] == rank }.sorted { starts[$0] < starts[$1] }
      let list = own.map { index in
        isKnown
          ? "\(members[index]) from \(Self.tenth(starts[index])) to \(Self.tenth(starts[index] + seconds[index])) s"
          : "\(members[index])"
      }
      return "rank \(rank): \(list.joined(separator: ", "))"
    }
    drawn.append((line.picture, "Members by the rank that led their training: \(words.joined(separator: "; "))."))
    return drawn
  }
}
