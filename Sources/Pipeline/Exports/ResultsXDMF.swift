import Foundation
import HDF5
import Host
import ImageFiles

/// The XDMF file beside results, by which ParaView and VTK open their HDF5 file: each image of a stack is a step of time, each
/// class or channel of each quantity an array of its points.
///
/// https://www.xdmf.org/index.php/XDMF_Model_and_Format
struct ResultsXDMF {
  /// A quantity with the axes that stand before those of one image.
  private struct Quantity {
    var name: String
    /// What is in each place along the leading axis, such as a level; empty without one.
    var leading: [String] = []
    var hasChannels = true
    var type = "NumberType=\"Float\" Precision=\"4\""
  }

  private let results: String
  /// Without it only the quantities without classes are told.
  private let hasMean: Bool
  private let shape: [Int]
  private let axes: [String]
  private let channels: [String]
  private let levels: [Double]
  private let quantiles: [Double]
  private let spacing: [Length?]
  private let pixels: OwnPixels
  private let there: [String: ElementType]

  /// Writes the file beside results; nothing where answers have no pixels.
  ///
  /// - Throws: `HDF5Error`, `FileError`.
  static func write(beside results: String) throws {
    guard let file = try ResultsXDMF(results) else { return }
    try WholeFile.write(RunPaths(results: results).xdmf, contents: Array(file.text.utf8))
  }

  private init?(_ path: String) throws {
    results = path.split(separator: "/").last.map(String.init) ?? path
    let file = try File(opening: path)
    defer { try? file.close() }
    let group = try file.group("entry/prediction")
    let axes = try group.attributes("axes", as: String.self)
    self.axes = axes
    guard axes.contains("y") else { return nil }
    let signal = try ResultsFile.signal(of: group)
    hasMean = signal == "mean"
    let mean = try ArrayFile.open(ArrayLocation(file: path, dataset: "/entry/prediction/\(signal)")).1.facts
    (shape, spacing) = (mean.shape, mean.spacing)
    let place = axes.firstIndex { $0 == "class" || $0 == "channel" }
    channels = place.map { place in mean.channels ?? (0..<mean.shape[place]).map { "\(axes[place]) \($0)" } } ?? []
    levels =
      try file.exists("entry/calibration/coverage") ? file.read("entry/calibration/coverage", as: Double.self) : []
    quantiles =
      try group.exists("quantiles") ? group.dataset("quantiles").attributes("quantiles", as: Double.self) : []
    pixels = try OwnPixels(group)
    var there: [String: ElementType] = [:]
    for name in try group.names() { there[name] = try? group.dataset(name).elementType }
    self.there = there
  }

  /// The quantities that a reader of XDMF knows the numbers of.
  private var quantities: [Quantity] {
    let levels = levels.map { "\($0)" }
    let all = [
      Quantity(name: "mean"), Quantity(name: "mean_errors"), Quantity(name: "labels", hasChannels: false),
      Quantity(name: "set", leading: levels), Quantity(name: "set_size", leading: levels, hasChannels: false),
      Quantity(name: "lower", leading: levels), Quantity(name: "upper", leading: levels),
      Quantity(name: "quantiles", leading: quantiles.map { "\($0)" }), Quantity(name: "composite"),
      Quantity(name: "measured", hasChannels: false),
    ]
    return all.compactMap { quantity in
      var quantity = quantity
      guard hasMean || !quantity.hasChannels else { return nil }
      switch there[quantity.name] {
      case .float(32): break
      // Scaled bytes would be shown as they are stored.
      case .integer(8, false) where ["mean", "mean_errors"].contains(quantity.name): return nil
      case .integer(8, false), .bool: quantity.type = "NumberType=\"UChar\" Precision=\"1\""
      default: return nil
      }
      return quantity
    }
  }

  private var hasDepth: Bool { axes.contains("z") }

  private var text: String {
    let images = axes.first == "image" ? shape[0] : 1
    let grids = (0..<images).map { grid($0, isStep: images > 1) }
    let body =
      images > 1
      ? #"<Grid Name="images" GridType="Collection" CollectionType="Temporal">"# + "\n" + grids.joined() + "</Grid>\n"
      : grids.joined()
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <Xdmf Version="2.0">
      <Domain>
      <Information Name="unit" Value="\(unit)"/>
      \(body)</Domain>
      </Xdmf>

      """
  }

  /// The unit of the points' places: that of x.
  private var unit: String { spacing.last.flatMap { $0?.unit } ?? "pixel" }

  /// The distance of neighbours along z, y and x, in the unit; of pixels where it is not known.
  private var steps: [Double] {
    let own = spacing.suffix(hasDepth ? 3 : 2).map { $0?.value(in: unit) ?? 1 }
    return hasDepth ? own : [1] + own
  }

  private func grid(_ image: Int, isStep: Bool) -> String {
    let own = pixels.extents(of: image) ?? Array(shape.suffix(hasDepth ? 3 : 2))
    let points = (hasDepth ? [] : [1]) + own
    func list(_ numbers: [some CustomStringConvertible]) -> String {
      numbers.map(\.description).joined(separator: " ")
    }
    let arrays = quantities.flatMap { quantity in
      (quantity.leading.isEmpty ? [""] : quantity.leading).enumerated().flatMap { place, leading in
        (quantity.hasChannels && !channels.isEmpty ? channels : [""]).enumerated().map { channel, name in
          let title = [quantity.name, name, leading].filter { !$0.isEmpty }.joined(separator: " ")
          let before =
            (quantity.leading.isEmpty ? [] : [place]) + [image]
            + (quantity.hasChannels && !channels.isEmpty ? [channel] : [])
          let whole =
            (quantity.leading.isEmpty ? [] : [quantity.leading.count])
            + (quantity.hasChannels ? shape : [shape[0]] + shape.suffix(hasDepth ? 3 : 2))
          let start = before + own.map { _ in 0 }
          let slab = "\(list(start)) \(list(start.map { _ in 1 })) \(list(before.map { _ in 1 } + own))"
          return """
            <Attribute Name="\(title.escapedForXML)" AttributeType="Scalar" Center="Node">
            <DataItem ItemType="HyperSlab" Type="HyperSlab" Dimensions="\(list(points))">
            <DataItem Dimensions="3 \(start.count)" Format="XML">\(slab)</DataItem>
            <DataItem Dimensions="\(list(whole))" \(quantity.type) Format="HDF">\
            \(results.escapedForXML):/entry/prediction/\(quantity.name)</DataItem>
            </DataItem>
            </Attribute>

            """
        }
      }
    }
    let double = "NumberType=\"Float\" Precision=\"8\" Format=\"XML\""
    return """
      <Grid Name="image \(image)" GridType="Uniform">
      \(isStep ? "<Time Value=\"\(image)\"/>\n" : "")<Topology TopologyType="3DCoRectMesh" Dimensions="\(list(points))"/>
      <Geometry GeometryType="ORIGIN_DXDYDZ">
      <DataItem Dimensions="3" \(double)>0 0 0</DataItem>
      <DataItem Dimensions="3" \(double)>\(list(steps))</DataItem>
      </Geometry>
      \(arrays.joined())</Grid>

      """
  }
}
