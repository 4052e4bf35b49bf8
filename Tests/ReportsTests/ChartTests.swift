import Testing

@testable import Reports

@Suite("Charts")
struct ChartTests {
  private func count(_ part: String, in picture: SVGPicture) -> Int {
    picture.text.components(separatedBy: part).count - 1
  }

  @Test("found coverages stand where they belong: on the diagonal when they are those asked for")
  func diagonal() throws {
    let chart = XYChart(
      title: "C", xLabel: "asked for", yLabel: "found", xEnds: 0...1, yEnds: 0...1,
      series: [
        .init(name: "by image", points: [(0.5, 0.5), (0.9, 0.9)]), .init(name: "x", points: [(0.5, .nan), (0.9, 0.7)]),
      ],
      references: [.diagonal])
    let text = chart.picture.text
    #expect(text.contains("by image") && text.contains("stroke-dasharray"))
    // Two points of the first series, one of the second.
    let circles = text.matches(of: /<circle cx="([0-9.]+)" cy="([0-9.]+)"/).compactMap { match in
      Double(match.output.1).flatMap { x in Double(match.output.2).map { (x: x, y: $0) } }
    }
    try #require(circles.count == 3)
    let frame = SVGPicture.chartFrame()
    for (point, value) in zip(circles, [0.5, 0.9]) {
      #expect(abs((point.x - frame.x) / frame.width - value) < 1e-3)
      #expect(abs((frame.bottom - point.y) / frame.height - value) < 1e-3)
    }
    #expect(!text.contains("nan"))
  }

  @Test("the tallest bar is the largest value, and bars that are nothing are not drawn")
  func bars() {
    let chart = BarChart(
      title: "B", xLabel: "classes", yLabel: "share", categories: ["0", "1", "2"],
      series: [("0.9", [0.25, 0.5, 0]), ("0.95", [0, 1, 0])])
    let text = chart.picture.text
    let heights = text.matches(of: /<rect [^>]*height="([0-9.]+)" fill="#/).compactMap { Double($0.output.1) }
    // Three bars and two squares of the legend.
    #expect(heights.count == 5)
    let bars = heights.filter { $0 != 13 }
    #expect(bars.max() == bars.last && abs(bars[1] / bars[0] - 2) < 0.01 && abs(bars[2] / bars[1] - 2) < 0.01)
  }

  @Test("a histogram has bins of a plain width that begin at multiples of it, and counts each number once")
  func histogram() {
    let bins = HistogramChart.Bins([3.2, 97, .nan])
    #expect(bins.width == 5 && bins.first == 0 && bins.count == 20)
    #expect(bins.counts([3.2, 5, 4.999, 97, .infinity]) == [2, 1] + [Int](repeating: 0, count: 17) + [1])
    for values in [[], [7.0], [0], [-4, -4]] {
      let bins = HistogramChart.Bins(values)
      #expect(bins.counts(values).reduce(0, +) == values.count && bins.width > 0)
    }
    let text = HistogramChart(
      title: "L", xLabel: "µm", yLabel: "objects", series: [("a", [1, 1, 2, 10]), ("b", [10])]
    ).picture.text
    // Three bars of one kind, one of the other, two squares of the legend, the background.
    #expect(text.components(separatedBy: "<rect ").count == 8 && text.contains(">µm<"))
  }

  @Test("a confusion matrix shows each row's shares, and rows without pixels in grey")
  func matrix() {
    let chart = MatrixChart(
      title: "M", rowLabel: "true", columnLabel: "found", names: ["a", "b"], counts: [3, 1, 0, 0])
    let text = chart.picture.text
    #expect(text.contains(">75.0<") && text.contains(">25.0<"))
    #expect(text.components(separatedBy: "rgb(128,128,128)").count == 3)
  }

  @Test("an interval without an end reaches the end of the picture, and truth is marked where it is known")
  func intervals() {
    let rows = [
      IntervalChart.Row(name: "image 0", mean: 5, intervals: [4...6, 0...Double.infinity], truth: 5.5),
      IntervalChart.Row(name: "image 1", mean: 7, intervals: [], truth: nil),
    ]
    let text = IntervalChart(title: "count", unit: "µm", levels: ["0.8", "0.9"], rows: rows).picture.text
    #expect(!text.contains("inf") && !text.contains("nan"))
    #expect(text.components(separatedBy: "stroke=\"#d55e00\"").count == 2)
    #expect(text.components(separatedBy: "<circle ").count == 3)
  }

  @Test("bars that are divided name in the legend what there is")
  func stacked() {
    let bars = [(name: "rank 0", values: [1.0, 0, 3])]
    let plain = StackedBars(title: "T", unit: "s", kinds: ["load", "wait", "update"], bars: bars).picture.text
    #expect(plain.contains(">load<") && plain.contains(">update<") && !plain.contains(">wait<"))
  }

  @Test("spans lie where they begin, with their names where there is room")
  func spans() throws {
    let spans = [
      SpanChart.Span(row: 0, start: 0, end: 4, name: "3"), SpanChart.Span(row: 1, start: 2, end: 8, name: "4"),
      SpanChart.Span(row: 0, start: 7.9, end: 8, name: "5"),
    ]
    let text = SpanChart(title: "T", unit: "s", rows: ["rank 0", "rank 1"], spans: spans).picture.text
    #expect(text.contains(">3<") && text.contains(">4<") && !text.contains(">5<"))
    #expect(text.contains(">rank 1<") && text.contains(">8 s<"))
    // 560 wide from 92 on, for 8 s.
    let lefts = text.matches(of: /<rect x="([0-9.]+)"/).compactMap { Double($0.output.1) }.suffix(3)
    for (left, start) in zip(lefts, [0, 2, 7.9]) { #expect(abs(left - (92 + 70 * start)) < 0.11, "\(left)") }
  }

  @Test("pictures in a column lie one below the other, and none is lost")
  func column() {
    let one = BarChart(title: "one", xLabel: "", yLabel: "", categories: [], series: []).picture
    let two = StackedBars(title: "two", unit: "s", kinds: [], bars: []).picture
    let both = SVGPicture(column: [one, two])
    #expect(both.height == one.height + two.height && both.width == max(one.width, two.width))
    #expect(both.text.contains(">one<") && both.text.contains(">two<") && count("<svg ", in: both) == 3)
  }

  @Test("a panel has every layer's picture, name and legend")
  func panel() {
    let panel = SVGPicture.panel(
      title: "slice 3", layers: [("Image", "black to white", [1, 2, 3]), ("Spread", "dark 0, yellow 1", [4])],
      aspect: 0.5)
    #expect(count("<image ", in: panel) == 2 && count("data:image/png;base64,AQID", in: panel) == 1)
    #expect(panel.text.contains(">Image<") && panel.text.contains(">dark 0, yellow 1<"))
  }
}
