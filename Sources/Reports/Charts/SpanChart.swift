/// What happened from when to when, in rows, such as the members that each rank trained.
public struct SpanChart: Sendable {
  /// Something that lasts.
  public struct Span: Sendable {
    var row: Int
    var start: Double
    var end: Double
    var name: String

    /// A span.
    ///
    /// - Parameters:
    ///   - row: its place in the names of rows.
    ///   - name: written into it where there is room.
    public init(row: Int, start: Double, end: Double, name: String) {
      (self.row, self.start, self.end, self.name) = (row, start, end, name)
    }
  }

  /// Above the picture.
  public var title: String
  /// Of the times, such as `s`.
  public var unit: String
  /// The names of the rows.
  public var rows: [String]
  /// In any order.
  public var spans: [Span]

  /// A picture.
  public init(title: String, unit: String, rows: [String], spans: [Span]) {
    (self.title, self.unit, self.rows, self.spans) = (title, unit, rows, spans)
  }

  /// The picture.
  public var picture: SVGPicture {
    let rows = BarRows(rows: rows, end: spans.map(\.end).max() ?? 0, unit: unit)
    var picture = rows.picture(title)
    for (place, span) in spans.enumerated() where span.end > span.start {
      rows.draw(
        span.start..<span.end, in: span.row, colour: ColourMap.kind(place), name: span.name,
        nameColour: ColourMap.isDarkKind(place) ? "white" : "#222", &picture)
    }
    return picture
  }
}
