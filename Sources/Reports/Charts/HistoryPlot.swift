import Training

/// A picture of the members' training: losses, validation scores and learning rate over the epochs.
public struct HistoryPlot: Sendable {
  /// One member's training.
  public struct Member: Hashable, Sendable {
    /// As in the legend.
    public var name: String
    /// A record for each epoch: losses, scores, learning rate.
    public var history: [EpochRecord]

    /// A member.
    public init(name: String, history: [EpochRecord]) {
      self.name = name
      self.history = history
    }
  }

  /// Above the picture.
  public var title: String
  /// All members, in the order of the legend.
  public var members: [Member]

  /// A picture.
  public init(title: String, members: [Member]) {
    self.title = title
    self.members = members
  }

  /// Up to this many members are told apart by colour; of more the mean stands out.
  private static let mostColours = 8
  private static let one = "#9db8cc"
  private static let dashes = "5 3"

  private var hasColours: Bool { members.count <= Self.mostColours }
  private var epochs: Int { members.map(\.history.count).max() ?? 0 }
  private var validates: Bool { members.contains { $0.history.contains { $0.validationLoss != nil } } }

  /// The picture; without members, or epochs, an empty one with its title.
  public var picture: SVGPicture {
    let charts = charts
    let (left, width, top, height, gap) = (92.0, 560.0, 74.0, 190.0, 40.0)
    let bottom = top + Double(charts.count) * (height + gap) + 14
    let legend = legend
    var picture = SVGPicture(
      width: 860, height: Int(max(bottom, top + 20 * Double(legend.count + 1))))
    picture.text(title, left, 34, size: 16, isBold: true)
    for (index, chart) in charts.enumerated() {
      let y = top + Double(index) * (height + gap)
      chart.draw(
        in: &picture, frame: .init(x: left, y: y, width: width, height: height), hasEpochs: index == charts.count - 1)
    }
    for (index, entry) in legend.enumerated() {
      let y = top + 8 + 20 * Double(index)
      let x = left + width + 24
      switch entry.sign {
      case .line(let line):
        picture.line(x, y, x + 26, y, colour: line.colour, width: line.width, dashes: line.dashes)
      case .mark: picture.circle(x + 13, y, radius: 4, fill: "white", stroke: "#444")
      }
      picture.text(entry.text, x + 34, y + 4)
    }
    return picture
  }

  // MARK: Charts

  private var charts: [LineChart] {
    guard epochs > 0 else { return [] }
    var charts = [
      LineChart(
        title: "Loss", yLabel: "loss", preferred: .logarithmic,
        lines: lines { $0.loss } + lines(dashes: Self.dashes, marksBest: true) { $0.validationLoss ?? .nan },
        epochs: epochs)
    ]
    for name in Set(members.flatMap { $0.history.flatMap(\.metrics.keys) }).sorted() {
      charts.append(
        LineChart(
          title: "\(Self.title(name)), validation", yLabel: Self.title(name),
          lines: lines(dashes: Self.dashes) { $0.metrics[name] ?? .nan }, epochs: epochs))
    }
    charts.append(
      LineChart(
        title: "Learning rate", yLabel: "rate", preferred: .logarithmic, lines: lines { $0.rate }, epochs: epochs))
    return charts
  }

  private static func title(_ metric: String) -> String {
    switch metric {
    case "f1_macro": "F1 macro"
    case "f1_micro": "F1 micro"
    case "accuracy": "Accuracy"
    default: metric
    }
  }

  /// A line a member, and where members have no colours their mean.
  private func lines(
    dashes: String? = nil, marksBest: Bool = false, _ value: (EpochRecord) -> Double
  ) -> [LineChart.Line] {
    let values = members.map { $0.history.map(value) }.map { $0.contains(where: \.isFinite) ? $0 : [] }
    guard !hasColours else {
      return values.indices.map { index in
        LineChart.Line(
          values: values[index], colour: ColourMap.line(index), dashes: dashes,
          mark: marksBest
            ? values[index].indices.filter { values[index][$0].isFinite }.min {
              values[index][$0] < values[index][$1]
            } : nil)
      }
    }
    // A member that stopped early does not count in the mean of later epochs.
    let mean = (0..<epochs).map { epoch in
      let known = values.compactMap { epoch < $0.count && $0[epoch].isFinite ? $0[epoch] : nil }
      return known.reduce(0, +) / Double(known.count)
    }
    return values.map { LineChart.Line(values: $0, colour: Self.one, width: 0.8, dashes: dashes) }
      + [LineChart.Line(values: mean, colour: ColourMap.line(0), width: 2.2, dashes: dashes)]
  }

  // MARK: Legend

  private struct Entry {
    enum Sign {
      case line(LineChart.Line)
      case mark
    }
    var sign: Sign
    var text: String
  }

  private var legend: [Entry] {
    func line(_ colour: String, width: Double = 1.6, dashes: String? = nil) -> Entry.Sign {
      .line(LineChart.Line(values: [], colour: colour, width: width, dashes: dashes))
    }
    var entries: [Entry] =
      hasColours
      ? members.enumerated().map { Entry(sign: line(ColourMap.line($0.offset), width: 2.2), text: $0.element.name) }
      : [
        Entry(sign: line(Self.one), text: "\(members.count) members"),
        Entry(sign: line(ColourMap.line(0), width: 2.2), text: "their mean"),
      ]
    guard validates else { return entries }
    entries.append(Entry(sign: line("#444"), text: "training"))
    entries.append(Entry(sign: line("#444", dashes: Self.dashes), text: "validation"))
    if hasColours { entries.append(Entry(sign: .mark, text: "least validation loss")) }
    return entries
  }
}
