import Foundation
import Testing
import Training

@testable import Reports

@Suite struct HistoryPlotTests {
  /// Losses that halve every epoch; with validation, member k's least at epoch k + 1.
  private func member(_ index: Int, epochs: Int, validates: Bool) -> HistoryPlot.Member {
    var history: [EpochRecord] = []
    for epoch in 0..<epochs {
      var record = EpochRecord(rate: 0.01, loss: 1 / Double(1 << epoch))
      if validates {
        record.validationLoss = 0.5 + 0.1 * Double(abs(epoch - index - 1))
        record.metrics["f1_macro"] = 0.5 + 0.1 * Double(epoch)
      }
      history.append(record)
    }
    return HistoryPlot.Member(name: "member \(index)", history: history)
  }

  private func plot(members: Int, epochs: Int = 5, validates: Bool = true) -> String {
    HistoryPlot(
      title: "a < b & c", members: (0..<members).map { member($0, epochs: epochs, validates: validates) }
    ).picture.text
  }

  private func count(_ part: String, in text: String) -> Int { text.components(separatedBy: part).count - 1 }

  /// The points of every line of the picture.
  private func lines(_ svg: String) -> [[(x: Double, y: Double)]] {
    svg.split(separator: "\n").filter { $0.hasPrefix("<polyline") }.map { line in
      let points = line.components(separatedBy: "points=\"")[1].prefix { $0 != "\"" }
      return points.split(separator: " ").map { point in
        let numbers = point.split(separator: ",").compactMap { Double($0) }
        return (numbers[0], numbers[1])
      }
    }
  }

  @Test func `every member has a line for each figure, and validation is dashed`() {
    let svg = plot(members: 2)
    #expect(lines(svg).count == 2 * 4)
    #expect(svg.split(separator: "\n").count { $0.hasPrefix("<polyline") && $0.contains("dasharray") } == 2 * 2)
    #expect(lines(svg).allSatisfy { $0.count == 5 })
    for text in ["a &lt; b &amp; c", ">Loss<", ">F1 macro, validation<", ">Learning rate<", ">epoch<", ">member 1<"] {
      #expect(svg.contains(text), "\(text)")
    }
    #expect(lines(plot(members: 2, validates: false)).count == 2 * 2)
    #expect(!plot(members: 2, validates: false).contains("validation"))
  }

  @Test func `larger losses lie higher, and equal factors are equal distances when losses span decades`() throws {
    let line = try #require(lines(plot(members: 1, epochs: 6, validates: false)).first)
    let steps = zip(line, line.dropFirst()).map { $1.y - $0.y }
    // y grows downwards.
    #expect(steps.allSatisfy { $0 > 0 })
    #expect(steps.allSatisfy { abs($0 - steps[0]) < 0.02 })
    #expect(zip(line, line.dropFirst()).allSatisfy { $0.x < $1.x })
  }

  @Test func `the epoch of the least validation loss is marked`() throws {
    let svg = plot(members: 1)
    let circle = try #require(svg.split(separator: "\n").first { $0.hasPrefix("<circle") })
    let validation = try #require(
      svg.split(separator: "\n").first { $0.hasPrefix("<polyline") && $0.contains("dasharray") })
    let best = try #require(lines(String(validation)).first)[1]
    #expect(circle.contains("cx=\"\(best.x)\"") || circle.contains("cx=\"\(Int(best.x))\""))
  }

  @Test func `of many members the mean stands out`() {
    let svg = plot(members: 20, validates: false)
    #expect(lines(svg).count == 2 * 21)
    #expect(svg.contains(">20 members<") && svg.contains(">their mean<") && !svg.contains(">member 3<"))
  }

  @Test func `one epoch is a point, and nothing is a picture too`() {
    let svg = plot(members: 1, epochs: 1, validates: false)
    #expect(lines(svg).isEmpty && count("<circle", in: svg) == 2)
    #expect(HistoryPlot(title: "none", members: []).picture.text.contains(">none<"))
  }

  @Test func `epochs that are no numbers leave gaps`() {
    var broken = member(0, epochs: 6, validates: false)
    broken.history[3].loss = .nan
    let svg = HistoryPlot(title: "", members: [broken]).picture.text
    #expect(lines(svg).map(\.count) == [3, 2, 6])
    #expect(!svg.contains("nan"))
  }
}

@Suite struct ValueScaleTests {
  @Test func `ticks are round numbers within the axis`() {
    #expect(ValueScale(showing: [0.1, 0.93]).ticks == [0.2, 0.4, 0.6, 0.8])
    #expect(ValueScale(epochs: 5).ticks == [1, 2, 3, 4, 5])
    #expect(ValueScale(epochs: 40).ticks == [1, 5, 10, 15, 20, 25, 30, 35, 40])
    #expect(ValueScale(epochs: 1).ticks == [1])
    let decades = ValueScale(showing: [1e-6, 1], preferring: .logarithmic)
    #expect(decades.kind == .logarithmic && decades.ticks.count == 7)
    #expect(abs(decades.place(of: 1e-3) - 0.5) < 1e-9)
  }

  @Test func `a logarithmic scale needs positive values that span a factor of ten`() {
    #expect(ValueScale(showing: [0, 100], preferring: .logarithmic).kind == .linear)
    #expect(ValueScale(showing: [1, 5], preferring: .logarithmic).kind == .linear)
    #expect(ValueScale(showing: [1, 50], preferring: .logarithmic).kind == .logarithmic)
  }

  @Test func `all values lie within the axis, be they equal, negative or none`() {
    for values in [[3], [-2, 5], [], [0, 0], [.nan, 1, .infinity]] as [[Double]] {
      let scale = ValueScale(showing: values)
      #expect(scale.low < scale.high)
      for value in values where value.isFinite { #expect((0...1).contains(scale.place(of: value))) }
    }
  }

  @Test(arguments: [
    (0.0, "0"), (0.05, "0.05"), (0.30000000000000004, "0.3"), (1500, "1500"), (2e-5, "2·10⁻⁵"), (1e-4, "10⁻⁴"),
    (1e6, "10⁶"), (-0.5, "-0.5"),
  ])
  func `ticks are labelled as people write them`(value: Double, text: String) {
    #expect(ValueScale.label(value) == text)
  }
}
