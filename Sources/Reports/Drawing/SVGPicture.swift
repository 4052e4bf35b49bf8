import Foundation
import Host

/// An SVG 1.1 picture on white, written element by element.
public struct SVGPicture: Sendable {
  /// In units of the picture, which are pixels unless it is scaled.
  public let width: Int
  /// As `width`.
  public let height: Int
  /// What stands above it; empty of pictures that are no charts.
  public internal(set) var title = ""
  private var lines: [String] = []

  /// A rectangle of the picture; y grows downwards.
  struct Frame: Hashable, Sendable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var right: Double { x + width }
    var bottom: Double { y + height }
  }

  /// Where a text begins at its point.
  enum Anchor: String { case start, middle, end }

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    rectangle(Frame(x: 0, y: 0, width: Double(width), height: Double(height)), fill: "white")
  }

  /// Pictures one below the other.
  public init(column pictures: [SVGPicture]) {
    self.init(width: pictures.map(\.width).max() ?? 1, height: max(1, pictures.reduce(0) { $0 + $1.height }))
    var y = 0
    for picture in pictures {
      add(picture, x: 0, y: Double(y))
      y += picture.height
    }
  }

  /// Adds another picture with its left upper corner at a point.
  mutating func add(_ picture: SVGPicture, x: Double, y: Double) {
    lines.append("<svg x=\"\(number(x))\" y=\"\(number(y))\" \(picture.extents)>")
    lines += picture.lines
    lines.append("</svg>")
  }

  mutating func rectangle(_ frame: Frame, fill: String, stroke: String? = nil) {
    element(
      "rect",
      [
        ("x", number(frame.x)), ("y", number(frame.y)), ("width", number(frame.width)),
        ("height", number(frame.height)), ("fill", fill),
      ] + (stroke.map { [("stroke", $0)] } ?? []))
  }

  /// A PNG file, scaled to a frame; its pixels stay sharp.
  mutating func image(_ png: [UInt8], _ frame: Frame) {
    element(
      "image",
      [
        ("x", number(frame.x)), ("y", number(frame.y)), ("width", number(frame.width)),
        ("height", number(frame.height)), ("style", "image-rendering:pixelated"),
        ("xlink:href", "data:image/png;base64," + Data(png).base64EncodedString()),
      ])
  }

  /// Draws what `body` adds as one thing that has a name, and that a page enlarges under the pointer.
  mutating func thumbnail(_ name: String, _ body: (inout SVGPicture) -> Void) {
    lines.append("<g class=\"thumb\" tabindex=\"0\"><title>\(name.escapedForXML)</title>")
    body(&self)
    lines.append("</g>")
  }

  /// Curves that are drawn with one pen: each from a point to a point with two control points (cubic Bézier).
  mutating func curves(_ curves: [[SIMD2<Double>]], colour: String, width: Double, opacity: Double = 1) {
    let path = curves.filter { $0.count == 4 }.map { points in
      let text = points.map { "\(number($0.x)) \(number($0.y))" }
      return "M\(text[0])C\(text[1]) \(text[2]) \(text[3])"
    }
    guard !path.isEmpty else { return }
    element(
      "path",
      [
        ("d", path.joined()), ("fill", "none"), ("stroke", colour), ("stroke-width", number(width)),
        ("stroke-opacity", number(opacity)),
      ])
  }

  /// The head of an arrow that ends at a point.
  mutating func arrowHead(at tip: SIMD2<Double>, along direction: SIMD2<Double>, colour: String) {
    let length = max(1e-9, (direction * direction).sum().squareRoot())
    let (ahead, aside) = (direction / length * 6, SIMD2(-direction.y, direction.x) / length * 3)
    polygon([tip, tip - ahead + aside, tip - ahead - aside], fill: colour)
  }

  mutating func polygon(_ corners: [SIMD2<Double>], fill: String) {
    element(
      "polygon",
      [("points", corners.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")), ("fill", fill)])
  }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, colour: String, width: Double = 1, dashes: String? = nil
  ) {
    element(
      "line",
      [
        ("x1", number(x1)), ("y1", number(y1)), ("x2", number(x2)), ("y2", number(y2)), ("stroke", colour),
        ("stroke-width", number(width)),
      ] + dashed(dashes))
  }

  mutating func polyline(
    _ points: [(x: Double, y: Double)], colour: String, width: Double, dashes: String? = nil
  ) {
    element(
      "polyline",
      [
        ("points", points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")), ("fill", "none"),
        ("stroke", colour), ("stroke-width", number(width)), ("stroke-linejoin", "round"),
      ] + dashed(dashes))
  }

  mutating func circle(_ x: Double, _ y: Double, radius: Double, fill: String, stroke: String? = nil) {
    element(
      "circle",
      [("cx", number(x)), ("cy", number(y)), ("r", number(radius)), ("fill", fill)]
        + (stroke.map { [("stroke", $0), ("stroke-width", "1.5")] } ?? []))
  }

  /// - Parameter turned: reads upwards.
  mutating func text(
    _ text: String, _ x: Double, _ y: Double, size: Double = 12, anchor: Anchor = .start, isBold: Bool = false,
    turned: Bool = false, colour: String = "#222"
  ) {
    element(
      "text",
      [
        ("x", number(x)), ("y", number(y)), ("font-size", number(size)), ("text-anchor", anchor.rawValue),
        ("fill", colour),
      ] + (isBold ? [("font-weight", "bold")] : [])
        + (turned ? [("transform", "rotate(-90 \(number(x)) \(number(y)))")] : []), content: text)
  }

  /// The whole file.
  public var text: String {
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" \(extents) \
    font-family="DejaVu Sans, Helvetica, Arial, sans-serif">

    """ + lines.joined(separator: "\n") + "\n</svg>\n"
  }

  private var extents: String { "width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\"" }

  private mutating func element(_ name: String, _ attributes: [(String, String)], content: String? = nil) {
    let start = "<\(name)" + attributes.map { " \($0.0)=\"\($0.1.escapedForXML)\"" }.joined()
    lines.append(content.map { "\(start)>\($0.escapedForXML)</\(name)>" } ?? "\(start)/>")
  }

  private func dashed(_ dashes: String?) -> [(String, String)] { dashes.map { [("stroke-dasharray", $0)] } ?? [] }

  /// With two decimals at most.
  private func number(_ value: Double) -> String {
    let hundredths = (value * 100).rounded() / 100
    return Int(exactly: hundredths).map { "\($0)" } ?? "\(hundredths)"
  }
}
