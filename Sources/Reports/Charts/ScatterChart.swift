/// Points of several kinds in a plane, such as a map of latent values; each may be shown by a small picture.
public struct ScatterChart: Sendable {
  /// One point.
  public struct Point: Sendable {
    var x: Double
    var y: Double
    var kind: Int
    var name: String
    var png: [UInt8]?

    /// A point.
    ///
    /// - Parameters:
    ///   - kind: its place in the names of kinds.
    ///   - png: a small picture of it.
    public init(x: Double, y: Double, kind: Int, name: String, png: [UInt8]? = nil) {
      (self.x, self.y, self.kind, self.name, self.png) = (x, y, kind, name, png)
    }
  }

  /// Above the picture.
  public var title: String
  /// Below it.
  public var xLabel: String
  /// Left of it.
  public var yLabel: String
  /// In the order of the legend; one alone has none.
  public var kinds: [String]
  /// Those that come last lie above the others.
  public var points: [Point]

  /// A picture.
  public init(title: String, xLabel: String, yLabel: String, kinds: [String], points: [Point]) {
    (self.title, self.xLabel, self.yLabel, self.kinds, self.points) = (title, xLabel, yLabel, kinds, points)
  }

  /// The picture.
  public var picture: SVGPicture {
    let frame = SVGPicture.chartFrame(height: 460)
    var picture = SVGPicture(chart: title, frame)
    let axes = Axes(
      frame: frame, x: ValueScale(showing: points.map(\.x)), y: ValueScale(showing: points.map(\.y)))
    axes.draw(in: &picture, xLabel: xLabel, yLabel: yLabel)
    for point in points where point.x.isFinite && point.y.isFinite {
      let (x, y) = (axes.column(point.x), axes.row(point.y))
      let colour = ColourMap.line(point.kind)
      picture.thumbnail(point.name) { picture in
        guard let png = point.png else { return picture.circle(x, y, radius: 4, fill: colour) }
        picture.rectangle(.init(x: x - 11, y: y - 11, width: 22, height: 22), fill: colour)
        picture.image(png, .init(x: x - 9, y: y - 9, width: 18, height: 18))
      }
    }
    if kinds.count > 1 { picture.legend(kinds, rightOf: frame) }
    return picture
  }
}
