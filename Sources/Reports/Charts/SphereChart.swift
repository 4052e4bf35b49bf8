import Foundation

/// A quantity of directions that those opposite share, as colours of a sphere in Hammer's equal-area projection
/// (E. Hammer, *Petermanns Mitteilungen* 38, 1892).
public struct SphereChart: Sendable {
  /// Above the picture.
  public var title: String
  /// What colours mean.
  public var label: String
  /// `[polar, azimuth]` in equal cells: from z to the plane of x and y, and from x towards y around the circle.
  public var values: [Double]
  /// Cells along the azimuth.
  public var columns: Int

  /// A picture.
  public init(title: String, label: String, values: [Double], columns: Int) {
    (self.title, self.label, self.values, self.columns) = (title, label, values, columns)
  }

  /// The picture.
  public var picture: SVGPicture {
    let frame = SVGPicture.Frame(x: 40, y: 66, width: 640, height: 320)
    var picture = SVGPicture(chart: title, frame, below: 60)
    let rows = values.count / columns
    let known = values.filter(\.isFinite)
    let (least, largest) = (known.min() ?? 0, known.max() ?? 0)
    /// Degrees of latitude and longitude as a point.
    func point(_ latitude: Double, _ longitude: Double) -> SIMD2<Double> {
      let (b, l) = (latitude * .pi / 180, longitude * .pi / 360)
      let scale = 1 / (1 + cos(b) * cos(l)).squareRoot()
      return SIMD2(
        frame.x + frame.width / 2 * (1 + cos(b) * sin(l) * scale), frame.y + frame.height / 2 * (1 - sin(b) * scale))
    }
    let (height, width) = (90 / Double(rows), 360 / Double(columns))
    for row in 0..<2 * rows {
      for column in 0..<columns {
        let value: Double
        if row < rows {
          value = values[row * columns + column]
        } else {
          // That of the direction opposite.
          value = values[(2 * rows - 1 - row) * columns + (column + columns / 2) % columns]
        }
        let (north, south) = (90 - Double(row) * height, 90 - Double(row + 1) * height)
        // Azimuth 0 is in the middle.
        let west = (Double(column) * width + 180).truncatingRemainder(dividingBy: 360) - 180
        let corners = [(north, west), (north, west + width), (south, west + width), (south, west)]
        let share = largest > least ? (value - least) / (largest - least) : value.isFinite ? 0 : .nan
        picture.polygon(corners.map { point($0.0, $0.1) }, fill: ColourMap.viridis.css(share))
      }
    }
    let directions = [
      ("z", 90.0, 0.0), ("-z", -90, 0), ("x", 0, 0), ("y", 0, 90), ("-y", 0, -90), ("-x", 0, 180), ("-x", 0, -180),
    ]
    for (name, latitude, longitude) in directions {
      let place = point(latitude, longitude)
      let isInside = latitude == 0 && abs(longitude) < 180
      if isInside { picture.circle(place.x, place.y, radius: 2, fill: "white") }
      let (x, y) = (longitude == 180 ? 14.0 : longitude == -180 ? -14 : 0, latitude > 0 ? -6.0 : latitude < 0 ? 16 : 4)
      picture.text(
        name, place.x + x, isInside ? place.y - 6 : place.y + y, anchor: .middle, colour: isInside ? "white" : "#222")
    }
    picture.text(
      "\(label): \(Self.short(least)) (dark) to \(Self.short(largest)) (yellow)", frame.x, frame.bottom + 40, size: 11)
    return picture
  }

  /// With three digits.
  private static func short(_ value: Double) -> String { String(format: "%.3g", value) }
}
